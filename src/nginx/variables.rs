//! What the variables of a configuration can be: found in one walk, because asking the whole
//! configuration again for each use of a variable would take a time that grows with its square.

use std::collections::HashMap;

use super::occurring::all_below;
use super::tree::{Directive, flat};

/// Written values by variable, each named with its `$`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables<'a> {
    maps: HashMap<&'a str, Vec<&'a str>>,
    sets: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Variables<'a> {
    /// The `map` blocks of `http`, and every `set` in it.
    pub(super) fn in_http(http: &'a Directive) -> Self {
        let mut found = Self::default();
        for directive in all_below(http, &["map", "set"]) {
            match (directive.name.as_str(), directive.arg(0), directive.arg(1)) {
                ("map", _, Some(variable)) => {
                    let values = flat(directive.children()).filter_map(|entry| entry.arg(0));
                    found.maps.entry(variable).or_default().extend(values);
                }
                ("set", Some(variable), Some(value)) => {
                    found.sets.entry(variable).or_default().push(value);
                }
                _ => {}
            }
        }
        found
    }

    pub(super) fn of_maps(&self, variable: &str) -> &[&'a str] {
        self.maps.get(variable).map_or(&[], Vec::as_slice)
    }

    pub(super) fn of(&self, variable: &str) -> Vec<&'a str> {
        let sets = self.sets.get(variable).map_or(&[][..], Vec::as_slice);
        [self.of_maps(variable), sets].concat()
    }
}
