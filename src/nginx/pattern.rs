//! What a regular expression says about a path, as far as that is plain without PCRE: those
//! that people write for locations and rewrites are mostly literal text, anchored at the start.

use crate::values::sort_by_key;

/// One step of the plain beginning of a pattern.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Char(char),
    /// `(one|two)`
    OneOf(Vec<String>),
}

/// The plain beginning of a pattern, and how it goes on.
struct Plain {
    parts: Vec<Part>,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Whatever follows will do.
    Anything,
    /// `$`
    Here,
    /// Something that is not plain.
    Unknown,
}

/// Whether a pattern matches `path`; None where that cannot be told from its plain beginning.
pub fn matches(pattern: &str, case_sensitive: bool, path: &str) -> Option<bool> {
    let plain = plain(pattern)?;
    let ends = ends(&plain.parts, case_sensitive, path);
    if ends.is_empty() {
        return Some(false);
    }
    match plain.end {
        End::Anything => Some(true),
        End::Here if ends.iter().any(|rest| rest.is_empty()) => Some(true),
        End::Here if ends.iter().all(|rest| *rest != "\n") => Some(false),
        End::Here | End::Unknown => None,
    }
}

/// Whether it is plain that a pattern matches no path that begins with `start`.
pub fn never_begins(pattern: &str, case_sensitive: bool, start: &str) -> bool {
    let Some(plain) = plain(pattern) else {
        return false;
    };
    let literal: String = plain
        .parts
        .iter()
        .map_while(|part| match part {
            Part::Char(c) => Some(*c),
            Part::OneOf(_) => None,
        })
        .collect();
    let pairs = literal.chars().zip(start.chars());
    pairs.into_iter().any(|(a, b)| !same(a, b, case_sensitive))
}

fn same(a: char, b: char, case_sensitive: bool) -> bool {
    a == b || (!case_sensitive && a.eq_ignore_ascii_case(&b))
}

/// What may be left of `path` behind the parts; nothing where they do not match.
fn ends<'p>(parts: &[Part], case_sensitive: bool, path: &'p str) -> Vec<&'p str> {
    let mut open = vec![path];
    for part in parts {
        let words: Vec<String> = match part {
            Part::Char(c) => vec![c.to_string()],
            Part::OneOf(words) => words.clone(),
        };
        let after = |rest: &'p str, word: &str| {
            let start = rest.get(..word.len())?;
            let is = if case_sensitive {
                start == word
            } else {
                start.eq_ignore_ascii_case(word)
            };
            is.then(|| &rest[word.len()..])
        };
        open = open
            .iter()
            .flat_map(|rest| words.iter().filter_map(move |word| after(rest, word)))
            .collect();
        // Each is an end of the path, so those of one length are the same. Two ways to each of
        // them, group after group, would be very many.
        sort_by_key(&mut open, |rest| rest.len());
        open.dedup();
    }
    open
}

/// None where it is not anchored at the start, or something else could match there as well.
fn plain(pattern: &str) -> Option<Plain> {
    let mut rest = pattern.strip_prefix('^')?;
    if pattern.contains('|') && !has_only_grouped_alternatives(pattern) {
        return None;
    }
    let mut parts = Vec::new();
    loop {
        if rest.is_empty() || matches!(rest, ".*" | "(.*)" | ".*$" | "(.*)$") {
            let end = End::Anything;
            return Some(Plain { parts, end });
        }
        if rest == "$" {
            let end = End::Here;
            return Some(Plain { parts, end });
        }
        match part(rest) {
            // What may be there or not, or more than once, is not plain.
            Some((part, after)) if !after.starts_with(['?', '*', '+', '{']) => {
                parts.push(part);
                rest = after;
            }
            _ => {
                let end = End::Unknown;
                return Some(Plain { parts, end });
            }
        }
    }
}

/// The part that a pattern begins with, if it is a plain one, and what follows it.
fn part(text: &str) -> Option<(Part, &str)> {
    if let Some(group) = text.strip_prefix('(') {
        let group = group.strip_prefix("?:").unwrap_or(group);
        let (inner, after) = group.split_once(')')?;
        let words = inner.split('|').map(literal);
        return Some((Part::OneOf(words.collect::<Option<_>>()?), after));
    }
    let (c, after) = character(text)?;
    Some((Part::Char(c), after))
}

/// A text in which every character stands for itself.
fn literal(mut text: &str) -> Option<String> {
    let mut literal = String::new();
    while !text.is_empty() {
        let (c, after) = character(text)?;
        if after.starts_with(['?', '*', '+', '{']) {
            return None;
        }
        literal.push(c);
        text = after;
    }
    Some(literal)
}

/// One character: itself, escaped, or alone in brackets.
fn character(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    let c = match chars.next()? {
        '\\' => chars.next().filter(char::is_ascii_punctuation)?,
        '[' => {
            let c = chars.next()?;
            let plain = c.is_ascii_alphanumeric() || "./_-".contains(c);
            (plain && chars.next() == Some(']')).then_some(c)?
        }
        c if c.is_ascii_alphanumeric() || "/_-%~,:;=@ !&'\"".contains(c) => c,
        _ => return None,
    };
    Some((c, chars.as_str()))
}

/// Whether each `|` stands in parentheses, as far as that is plain: sets, quotations and special
/// groups could hold parentheses that are none.
fn has_only_grouped_alternatives(pattern: &str) -> bool {
    let special = pattern.replace("(?:", "(");
    if special.contains('[') || special.contains(r"\Q") || special.contains("(?") {
        return false;
    }
    let mut depth = 0_usize;
    let mut chars = special.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return false,
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_is_told() {
        let path = "/f5.nginx.agent.sdk.Commander/Upload";
        for (pattern, expected) in [
            (r"^/f5\.nginx\.agent\.sdk\.Commander", Some(true)),
            ("^/f5[.]nginx[.]agent[.]sdk[.]Commander/.*$", Some(true)),
            (
                r"^/f5\.nginx\.agent\.sdk\.(Commander|MetricsService)/",
                Some(true),
            ),
            (r"^/f5\.nginx\.agent\.sdk\.(?:Metrics|Notes)", Some(false)),
            (r"^/f5\.nginx\.agent\.sdk\.Commander$", Some(false)),
            (r"^/f5\.nginx\.agent\.sdk\.Commander/Upload$", Some(true)),
            (r"^/f5\.nginx\.agent\.sdk\.[A-Z]", None),
            (r"^/f5\.nginx\.agent\.sdk\.Commande?r", None),
            (r"^/f5\.nginx\.agent\.sdk\.commander", Some(false)),
            (r"^/ui/", Some(false)),
            (r"^/ui|Commander", None),
            ("Commander", None),
            ("^", Some(true)),
        ] {
            assert_eq!(matches(pattern, true, path), expected, "{pattern}");
        }
        assert_eq!(matches("^/F5[.]NGINX", false, path), Some(true));
    }

    /// Each group doubled the work.
    #[test]
    fn many_groups_take_no_time() {
        let groups = format!("^/{}x", "(|a)(a|)(?:|)".repeat(100));
        assert_eq!(matches(&groups, true, "/aaaaaaaaax"), Some(true));
        assert_eq!(matches(&groups, true, "/aaaaaaaaay"), Some(false));
    }

    #[test]
    fn a_pattern_that_begins_otherwise_never_matches() {
        for (pattern, never) in [
            ("^/old-ui/(.*)$", true),
            ("^/nim$", false),
            ("^/nim-tls/agent-certificate/more", false),
            ("^/(.*)$", false),
            ("^(?i)/old", false),
            ("/old-ui", false),
            ("^/old|/nim", false),
        ] {
            let start = "/nim-tls/agent-certificate";
            assert_eq!(never_begins(pattern, true, start), never, "{pattern}");
        }
    }
}
