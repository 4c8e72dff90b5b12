//! `location` blocks: what they match, and which one nginx takes for a path.

use super::occurring::all_below;
use super::pattern;
use super::scope::Scope;
use super::tree::{Directive, flat};

/// How a location matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocationKind {
    Prefix,
    /// `^~`: once it is the longest prefix, no regular expression is tried.
    PreferredPrefix,
    /// `=`
    Exact,
    /// `~`, or `~*` where case does not count.
    Regex {
        case_sensitive: bool,
    },
    /// `@name`: reached by name only.
    Named,
}

/// One `location` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location<'a> {
    pub directive: &'a Directive,
    pub kind: LocationKind,
    /// What it matches, without the modifier; a named location with its `@`.
    pub pattern: &'a str,
    /// The locations directly in it, through includes.
    pub children: Vec<Location<'a>>,
    /// The `if` and `limit_except` blocks in it (not in a location below), nested ones too.
    pub conditionals: Vec<Conditional<'a>>,
    pub scope: Scope<'a>,
}

/// An `if` or `limit_except` block: a level of its own, with values of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditional<'a> {
    pub directive: &'a Directive,
    pub scope: Scope<'a>,
}

/// What nginx does with a path, as far as that can be told without running PCRE.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selected<'l, 'a> {
    /// The location that takes the path unless one of `maybe` does.
    pub location: Option<&'l Location<'a>>,
    /// Locations that would take it instead, in the order in which nginx tries them: their
    /// regular expression, or that of a location around them, might match.
    pub maybe: Vec<&'l Location<'a>>,
}

impl<'a> Location<'a> {
    /// Whether it matches a path itself, whatever other locations do; None where only PCRE could
    /// tell.
    pub fn takes(&self, path: &str) -> Option<bool> {
        match self.kind {
            LocationKind::Prefix | LocationKind::PreferredPrefix => {
                Some(path.starts_with(self.pattern))
            }
            LocationKind::Exact => Some(path == self.pattern),
            LocationKind::Regex { case_sensitive } => {
                pattern::matches(self.pattern, case_sensitive, path)
            }
            LocationKind::Named => Some(false),
        }
    }

    /// This location and all below it, outer ones first.
    pub fn deep(&self) -> Vec<&Location<'a>> {
        let mut all = vec![self];
        all.extend(self.children.iter().flat_map(Location::deep));
        all
    }

    fn of(directive: &'a Directive, outer: &Scope<'a>) -> Option<Self> {
        let scope = outer.within(directive);
        let (kind, pattern) = matcher(directive)?;
        Some(Self {
            directive,
            kind,
            pattern,
            children: locations(directive, &scope),
            conditionals: conditionals(directive, &scope),
            scope,
        })
    }
}

/// The locations directly in a block whose scope is `scope`.
pub(super) fn locations<'a>(block: &'a Directive, scope: &Scope<'a>) -> Vec<Location<'a>> {
    flat(block.children())
        .filter(|directive| directive.name == "location")
        .filter_map(|directive| Location::of(directive, scope))
        .collect()
}

/// The `if` and `limit_except` blocks directly in a block, and those in them.
pub(super) fn conditionals<'a>(block: &'a Directive, scope: &Scope<'a>) -> Vec<Conditional<'a>> {
    let mut found = Vec::new();
    if all_below(block, &["if", "limit_except"]).next().is_none() {
        return found;
    }
    for directive in flat(block.children()) {
        if matches!(directive.name.as_str(), "if" | "limit_except") {
            let scope = scope.within(directive);
            let inner = conditionals(directive, &scope);
            found.push(Conditional { directive, scope });
            found.extend(inner);
        }
    }
    found
}

fn matcher(directive: &Directive) -> Option<(LocationKind, &str)> {
    let kind = |modifier: &str| match modifier {
        "=" => Some(LocationKind::Exact),
        "^~" => Some(LocationKind::PreferredPrefix),
        "~" => Some(regex(true)),
        "~*" => Some(regex(false)),
        _ => None,
    };
    let mut args = directive.words();
    match (args.next()?, args.next(), args.next()) {
        (modifier, Some(pattern), None) => Some((kind(modifier)?, pattern)),
        (only, None, _) => Some(
            ["=", "^~", "~*", "~"]
                .into_iter()
                .find_map(|modifier| Some((kind(modifier)?, only.strip_prefix(modifier)?)))
                .unwrap_or(if only.starts_with('@') {
                    (LocationKind::Named, only)
                } else {
                    (LocationKind::Prefix, only)
                }),
        ),
        _ => None,
    }
}

fn regex(case_sensitive: bool) -> LocationKind {
    LocationKind::Regex { case_sensitive }
}

/// What nginx takes for `path` among `locations`, after `ngx_http_core_find_location`: an exact
/// match at once; else the longest prefix, and within it the same again; then the regular
/// expressions of the inner levels, then of the outer ones, unless a `^~` forbids.
pub(super) fn select<'l, 'a>(locations: &'l [Location<'a>], path: &str) -> Selected<'l, 'a> {
    search(locations, path).0
}

/// As [`select`], and whether an exact match ended the search.
fn search<'l, 'a>(locations: &'l [Location<'a>], path: &str) -> (Selected<'l, 'a>, bool) {
    let exact =
        |location: &&Location| location.kind == LocationKind::Exact && location.pattern == path;
    if let Some(location) = locations.iter().find(exact) {
        let selected = Selected {
            location: Some(location),
            maybe: Vec::new(),
        };
        return (selected, true);
    }
    let longest = locations
        .iter()
        .filter(|location| {
            matches!(
                location.kind,
                LocationKind::Prefix | LocationKind::PreferredPrefix
            ) && path.starts_with(location.pattern)
        })
        .max_by_key(|location| location.pattern.len());
    let mut selected = Selected::default();
    if let Some(location) = longest {
        let (inner, exact) = search(&location.children, path);
        selected.location = inner.location.or(Some(location));
        selected.maybe = inner.maybe;
        if exact || location.kind == LocationKind::PreferredPrefix {
            return (selected, exact);
        }
    }
    for location in locations {
        let LocationKind::Regex { case_sensitive } = location.kind else {
            continue;
        };
        if pattern::matches(location.pattern, case_sensitive, path) != Some(false) {
            let (inner, _) = search(&location.children, path);
            selected.maybe.push(location);
            selected.maybe.extend(inner.maybe);
            selected.maybe.extend(inner.location);
        }
    }
    (selected, false)
}
