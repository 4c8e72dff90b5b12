//! The conditions of `if`, as far as they are obeyed.

use super::variables::Values;
use crate::nginx::Directive;

/// `($variable)`, or a comparison with a text that holds no further sign of a pattern.
pub(super) struct Condition {
    left: String,
    right: Option<(Test, String)>,
    wanted: bool,
}

#[derive(Clone, Copy)]
enum Test {
    Equals,
    Holds { case: bool },
}

impl Condition {
    /// `None` where this form is not known.
    pub(super) fn of(line: &Directive) -> Option<Self> {
        let joined: Vec<String> = line.words().map(str::to_owned).collect();
        let mut words: Vec<&str> = joined.iter().map(String::as_str).collect();
        if let Some(first) = words.first_mut() {
            *first = first.strip_prefix('(')?;
        }
        if let Some(last) = words.last_mut() {
            *last = last.strip_suffix(')')?;
        }
        words.retain(|word| !word.is_empty());
        let left = words
            .first()
            .filter(|word| word.starts_with('$'))?
            .to_string();
        let (wanted, test) = match words.get(1).copied() {
            None => {
                return Some(Self {
                    left,
                    right: None,
                    wanted: true,
                });
            }
            Some("=") => (true, Test::Equals),
            Some("!=") => (false, Test::Equals),
            Some("~") => (true, Test::Holds { case: true }),
            Some("!~") => (false, Test::Holds { case: true }),
            Some("~*") => (true, Test::Holds { case: false }),
            Some("!~*") => (false, Test::Holds { case: false }),
            Some(_) => return None,
        };
        let right = words.get(2..).unwrap_or_default().join(" ");
        let plain = |c: char| c.is_ascii_alphanumeric() || " -_/:,=".contains(c);
        if matches!(test, Test::Holds { .. }) && !right.chars().all(plain) {
            return None;
        }
        Some(Self {
            left,
            right: Some((test, right)),
            wanted,
        })
    }

    pub(super) fn holds(&self, values: &Values<'_>) -> bool {
        let left = values.expand(&self.left);
        let Some((test, right)) = &self.right else {
            return !left.is_empty() && left != "0";
        };
        let is = match test {
            Test::Equals => left == values.expand(right),
            Test::Holds { case: true } => left.contains(right),
            Test::Holds { case: false } => left
                .to_ascii_lowercase()
                .contains(&right.to_ascii_lowercase()),
        };
        is == self.wanted
    }
}
