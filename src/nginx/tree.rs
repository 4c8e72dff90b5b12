//! The directives of configuration text, as a tree that knows where each one stands.

use std::ops::Range;

use compact_str::CompactString;

use super::occurring::Occurring;
use super::skimmed::Skimmed;
use super::words::Words;

/// How deep blocks and includes may nest. nginx has no limit; nobody comes near this one.
pub const MAX_DEPTH: usize = 64;

/// How many names and arguments a configuration may hold, each inclusion of a file counted.
pub const MAX_WORDS: usize = 2_000_000;

/// A file of a configuration: an index into [`Config::files`](super::config::Config::files).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A stretch of a file's text, in bytes. Small, because every directive has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub fn start(self) -> usize {
        self.start as usize
    }

    pub fn end(self) -> usize {
        self.end as usize
    }

    pub fn range(self) -> Range<usize> {
        self.start()..self.end()
    }
}

impl From<Range<usize>> for Span {
    /// No file is read that is longer than these numbers reach ([`MAX_FILE`](super::MAX_FILE)).
    fn from(range: Range<usize>) -> Self {
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: short(range.start),
            end: short(range.end),
        }
    }
}

/// Where a directive stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    pub file: FileId,
    /// The line of the first byte, from 1.
    pub line: u32,
    /// From the first byte of the name to the `;` or `}`, inclusive.
    pub span: Span,
}

/// One directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    pub at: Place,
    pub name: CompactString,
    /// What nginx sees: without quotes, escapes undone.
    pub args: Words,
    /// From the first byte of the first argument to the last of the last, quotes included. The
    /// empty range behind the name where there are none.
    pub args_span: Span,
    pub body: Body,
}

/// What follows the arguments of a directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// `;`
    Simple,
    /// Braces with directives between them.
    Block(Block),
    /// `;`, and the files that nginx reads at this place, in its order.
    Include(Vec<Included>),
    /// Braces with Lua code between them.
    Raw,
}

/// What stands between the braces of a directive; the directives there are
/// [`Directive::children`].
#[derive(Debug, Clone)]
pub struct Block {
    /// What stands between the braces.
    pub inner: Span,
    pub(super) within: Within,
    /// Below here, through includes.
    pub(super) occurring: Occurring,
}

/// The directives of a block.
#[derive(Debug, Clone)]
pub(super) enum Within {
    Read(Vec<Directive>),
    Skimmed(Skimmed),
}

/// A file as read by one `include`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    pub file: FileId,
    pub children: Vec<Directive>,
    /// Below here, through includes.
    pub(super) occurring: Occurring,
}

impl Directive {
    /// The argument at `index`, from 0.
    pub fn arg(&self, index: usize) -> Option<&str> {
        self.args.get(index)
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.args.iter()
    }

    pub fn block(&self) -> Option<&Block> {
        match &self.body {
            Body::Block(block) => Some(block),
            _ => None,
        }
    }

    /// What it reads, if it is an `include`.
    pub fn included(&self) -> &[Included] {
        match &self.body {
            Body::Include(read) => read,
            _ => &[],
        }
    }

    /// The directives of its block, includes unopened; none where it has no block.
    pub fn children(&self) -> &[Directive] {
        match self.block() {
            None => &[],
            Some(block) => match &block.within {
                Within::Read(children) => children,
                Within::Skimmed(skimmed) => skimmed.read(&self.at, block.inner),
            },
        }
    }
}

/// Whether somebody has looked into a skimmed block makes no difference.
impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
            && self.occurring == other.occurring
            && match (&self.within, &other.within) {
                (Within::Read(one), Within::Read(two)) => one == two,
                (Within::Skimmed(one), Within::Skimmed(two)) => one.is_like(two, self.inner),
                // What is skimmed depends on nothing but the text.
                _ => false,
            }
    }
}

impl Eq for Block {}

/// The directives of a level in nginx's order: each `include` is replaced by what it reads.
pub fn flat(children: &[Directive]) -> Flat<'_> {
    Flat {
        here: children.iter(),
        open: Vec::new(),
    }
}

/// Iterates over the directives of a level; see [`flat`].
#[derive(Debug, Clone)]
pub struct Flat<'a> {
    here: std::slice::Iter<'a, Directive>,
    /// What comes after `here`, the next last.
    open: Vec<std::slice::Iter<'a, Directive>>,
}

impl<'a> Iterator for Flat<'a> {
    type Item = &'a Directive;

    fn next(&mut self) -> Option<&'a Directive> {
        loop {
            let Some(directive) = self.here.next() else {
                self.here = self.open.pop()?;
                continue;
            };
            match &directive.body {
                Body::Include(read) => {
                    let rest = std::mem::take(&mut self.here);
                    let inner = read.iter().rev().map(|included| included.children.iter());
                    self.open.extend([rest].into_iter().chain(inner));
                }
                _ => return Some(directive),
            }
        }
    }
}
