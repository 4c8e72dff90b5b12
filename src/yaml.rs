//! YAML of agents and managers: read with `serde_yaml`, edited without losing a comment.

mod place;
mod token;
mod setting;
mod edit;

#[cfg(test)]
mod tests;

pub use edit::{Edited, Uneditable, edit};
pub use place::{Place, key_at, value_at};
pub use setting::{Scalar, Setting, Settings, folded, value_of};

/// Brackets within each other that are still read.
pub const DEEPEST: usize = 100;

/// Whether YAML opens so many brackets that reading it would take for ever: `serde_yaml` has a
/// limit of its own, and comes to it after a time that grows with the square of their number.
/// Brackets in quotes and comments count as well; nothing that is read here has many.
pub fn nests_deeply(text: &str) -> bool {
    let mut depth = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEEPEST
    })
}

/// Without the mark (U+FEFF) that some editors put before the first line.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}
