//! What was found out about a line, for the next ones that say the same.

use super::line::Line;

/// What is known of a line lies in one of so many sets, by a hash of its words: nobody who writes
/// into a log can make the search for it long.
const SETS: usize = 1024;
const IN_A_SET: usize = 4;
/// Lines that say more are looked at each time.
const LONGEST: usize = 1024;
const STEP: usize = 16;

/// Which rules may fit the lines that were looked at last.
pub(super) struct Known {
    sets: Vec<[Entry; IN_A_SET]>,
    /// What was asked for last.
    words: Vec<u8>,
    hash: u64,
}

#[derive(Default)]
struct Entry {
    hash: u64,
    words: Vec<u8>,
    rules: Rules,
}

/// The rules for lines that say the same, in their order.
#[derive(Default)]
pub(super) struct Rules {
    /// Whether these fit depends on what was asked for.
    pub(super) may: Vec<usize>,
    /// This one fits where none of those does.
    pub(super) does: Option<usize>,
}

impl Known {
    pub(super) fn new() -> Self {
        Self {
            sets: (0..SETS).map(|_| Default::default()).collect(),
            words: Vec::new(),
            hash: 0,
        }
    }

    pub(super) fn rules(&mut self, line: &Line<'_>) -> Option<&Rules> {
        self.words.clear();
        for part in line.same {
            self.words.extend_from_slice(part);
            // No line has that in it.
            self.words.push(b'\n');
        }
        // The hash leaves out what is no whole step.
        self.words.extend_from_slice(&[0; STEP]);
        self.hash = hash(&self.words);
        let mut set = self.sets[place(self.hash)].iter();
        let found = set.find(|entry| entry.hash == self.hash && entry.words == self.words);
        found.map(|entry| &entry.rules)
    }

    /// Of the line that was asked for last. The oldest of its set makes room.
    pub(super) fn keep(&mut self, rules: Rules) {
        if self.words.len() > LONGEST {
            return;
        }
        let set = &mut self.sets[place(self.hash)];
        set.rotate_right(1);
        let [entry, ..] = set;
        entry.hash = self.hash;
        entry.words.clone_from(&self.words);
        entry.rules = rules;
    }
}

fn place(hash: u64) -> usize {
    (hash >> 32) as usize % SETS
}

/// Quick rather than strong: what it takes for the same is compared.
fn hash(words: &[u8]) -> u64 {
    const STIR: u64 = 0x9e37_79b9_7f4a_7c15;
    // Two at a time: neither waits for the other.
    let (mut one, mut other) = (0_u64, words.len() as u64);
    let (words, _) = words.as_chunks::<8>();
    let (pairs, _) = words.as_chunks::<2>();
    for [left, right] in pairs {
        one = (one.rotate_left(23) ^ u64::from_le_bytes(*left)).wrapping_mul(STIR);
        other = (other.rotate_left(23) ^ u64::from_le_bytes(*right)).wrapping_mul(STIR);
    }
    one ^ other.rotate_left(17)
}
