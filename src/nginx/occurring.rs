//! Finding directives by name in a large configuration without visiting all of it.

use super::tree::{Body, Directive};

/// Which names occur somewhere. Each name has three of 64 places (a Bloom filter): that it does not
/// occur is certain, that it does is not. Most blocks of a large host hold a handful of names,
/// and what is looked for is seldom among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Occurring(u64);

impl Occurring {
    fn of(name: &str) -> Self {
        // FNV-1a.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let place = |shift: u32| 1 << (hash >> shift & 63);
        Self(place(58) | place(52) | place(46))
    }

    pub(super) fn add(&mut self, name: &str) {
        self.join(Self::of(name));
    }

    pub(super) fn join(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn may_hold_any(self, names: &[Self]) -> bool {
        names.iter().any(|name| self.0 & name.0 == name.0)
    }
}

/// Every directive among `children` and below that has one of these names, through includes, in
/// the order in which nginx reads them.
pub(super) fn all_named<'a>(children: &'a [Directive], names: &'a [&'a str]) -> AllNamed<'a> {
    AllNamed {
        names,
        wanted: names.iter().map(|name| Occurring::of(name)).collect(),
        open: vec![children.iter()],
    }
}

/// Every directive below `block` that has one of these names, through includes, in the order in
/// which nginx reads them.
pub fn all_below<'a>(block: &'a Directive, names: &'a [&'a str]) -> AllNamed<'a> {
    let mut found = all_named(&[], names);
    found.open_block(block);
    found
}

/// Iterates over the directives of some names; see [`all_below`].
#[derive(Debug, Clone)]
pub struct AllNamed<'a> {
    names: &'a [&'a str],
    wanted: Vec<Occurring>,
    /// What is still to be visited, the next last.
    open: Vec<std::slice::Iter<'a, Directive>>,
}

impl<'a> AllNamed<'a> {
    /// Goes into a block, unless nothing that is looked for can be there.
    fn open_block(&mut self, directive: &'a Directive) {
        let block = directive.block();
        if block.is_some_and(|block| block.occurring.may_hold_any(&self.wanted)) {
            self.open.push(directive.children().iter());
        }
    }
}

impl<'a> Iterator for AllNamed<'a> {
    type Item = &'a Directive;

    fn next(&mut self) -> Option<&'a Directive> {
        loop {
            let Some(directive) = self.open.last_mut()?.next() else {
                self.open.pop();
                continue;
            };
            match &directive.body {
                Body::Block(_) => self.open_block(directive),
                Body::Include(read) => {
                    let wanted = &self.wanted;
                    let read = read.iter().rev();
                    let read = read.filter(|file| file.occurring.may_hold_any(wanted));
                    self.open.extend(read.map(|file| file.children.iter()));
                }
                Body::Simple | Body::Raw => {}
            }
            if self.names.contains(&directive.name.as_str()) {
                return Some(directive);
            }
        }
    }
}
