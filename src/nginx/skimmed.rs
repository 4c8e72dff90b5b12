//! Blocks that were passed over while their file was read: their directives are made when
//! somebody asks for them. A large host has ten thousands of locations, and few are looked into.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::parse::read_skimmed;
use super::tree::{Directive, Place, Span};

/// The text of a file, and what was read of it since it was skimmed.
///
/// The blocks that were skimmed keep a number only: room for what is read of each, in every
/// directive, would cost more than most of them hold.
pub struct Text {
    text: String,
    /// How many blocks were skimmed.
    skimmed: OnceLock<u32>,
    read: OnceLock<Box<[Slot]>>,
}

type Slot = OnceLock<Vec<Directive>>;

/// The directives of a block that was skimmed: simple ones only, so that nothing but they
/// themselves is missing.
#[derive(Clone)]
pub(super) struct Skimmed {
    text: Arc<Text>,
    number: u32,
}

impl Text {
    pub(super) fn new(text: String) -> Self {
        Self {
            text,
            skimmed: OnceLock::new(),
            read: OnceLock::new(),
        }
    }

    /// That so many blocks have a number.
    pub(super) fn was_skimmed(&self, count: u32) {
        // A file that is parsed again is skimmed as it was.
        let _ = self.skimmed.set(count);
    }

    fn slots(&self) -> &[Slot] {
        self.read.get_or_init(|| {
            let count = self.skimmed.get().copied().unwrap_or_default();
            (0..count).map(|_| Slot::new()).collect()
        })
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Text {}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl Skimmed {
    pub(super) fn new(text: &Arc<Text>, number: u32) -> Self {
        Self {
            text: Arc::clone(text),
            number,
        }
    }

    /// The directives of the block that is `inner`, of the directive at `at`.
    pub(super) fn read(&self, at: &Place, inner: Span) -> &[Directive] {
        let slot = self.text.slots().get(self.number as usize);
        slot.map_or(&[], |slot| {
            slot.get_or_init(|| read_skimmed(&self.text, at, inner))
        })
    }

    /// Whether the same stands in both, where both stand at `inner` of their files.
    pub(super) fn is_like(&self, other: &Self, inner: Span) -> bool {
        self.text.get(inner.range()) == other.text.get(inner.range())
    }
}

impl fmt::Debug for Skimmed {
    /// Without the text, which is that of the whole file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Skimmed").field(&self.number).finish()
    }
}
