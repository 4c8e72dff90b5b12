//! The arguments of a directive, kept as one string.

use std::fmt;

use compact_str::CompactString;

/// Ends each word. No word holds it: a file that does is refused.
const END: char = '\0';

/// Words in order. A large host has a hundred thousand directives with a word or two each, and
/// a list of strings for each of them would be most of what it costs to read it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Words(CompactString);

impl Words {
    pub(super) fn push(&mut self, word: &str) {
        self.0.push_str(word);
        self.0.push(END);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split_terminator(END)
    }

    /// The word at `index`, from 0.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.iter().nth(index)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// With one space between them.
    pub fn joined(&self) -> String {
        self.iter().collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq<[&str]> for Words {
    fn eq(&self, other: &[&str]) -> bool {
        self.iter().eq(other.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(given: &[&str]) -> Words {
        let mut words = Words::default();
        for word in given {
            words.push(word);
        }
        words
    }

    #[test]
    fn words_stay_what_they_were() {
        for given in [
            &[][..],
            &[""],
            &["", ""],
            &["a"],
            &["a", "", "b c"],
            &[
                "\u{fffd}\n;",
                "a word that is longer than any that fits inline",
            ],
        ] {
            let words = words(given);
            assert_eq!(&words, given);
            assert_eq!(words.is_empty(), given.is_empty());
            assert_eq!(words.get(1), given.get(1).copied());
            assert_eq!(words.joined(), given.join(" "));
        }
        assert_ne!(words(&[""]), words(&[]));
        assert_ne!(words(&["a", "b"]), words(&["a b"]));
    }
}
