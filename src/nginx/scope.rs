//! Which value of a directive counts at a place: inheritance through levels.

use super::tree::{Directive, flat};

/// The levels around a place, from `http` down to the place itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope<'a> {
    levels: Vec<&'a [Directive]>,
}

impl<'a> Scope<'a> {
    /// The scope one level further in.
    #[must_use]
    pub(super) fn within(&self, directive: &'a Directive) -> Self {
        let mut levels = Vec::with_capacity(self.levels.len() + 1);
        levels.extend_from_slice(&self.levels);
        levels.push(directive.children());
        Self { levels }
    }

    /// All directives called `name` on the innermost level that has any. That is how nginx
    /// inherits: an inner level replaces what an outer one says (all `error_page` lines of it,
    /// say), it never adds. Directives that nginx does not inherit (`grpc_pass`, `return`, ...)
    /// are found by [`Scope::own`].
    pub fn nearest(&self, name: &str) -> Vec<&'a Directive> {
        let levels = self.levels.iter().rev();
        levels
            .map(|level| named(level, name))
            .find(|found| !found.is_empty())
            .unwrap_or_default()
    }

    /// The first argument of the last directive called `name` that counts here.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.nearest(name).last().and_then(|found| found.arg(0))
    }

    /// All directives called `name` on the innermost level itself.
    pub fn own(&self, name: &str) -> Vec<&'a Directive> {
        self.levels
            .last()
            .map_or_else(Vec::new, |level| named(level, name))
    }

    /// The levels' directives, `http` first, includes unopened.
    pub fn levels(&self) -> &[&'a [Directive]] {
        &self.levels
    }
}

fn named<'a>(level: &'a [Directive], name: &str) -> Vec<&'a Directive> {
    flat(level)
        .filter(|directive| directive.name == name)
        .collect()
}
