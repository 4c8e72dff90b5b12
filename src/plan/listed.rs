//! Whose certificates are agents' where their authority has signed for others too: the list that
//! nginx holds each subject against.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use askama::Template;

use super::template::{LISTED, rendered};
use super::to_issue::BroughtAuthority;
use crate::certificate::Recipe;
use crate::values::HostName;

/// Who is let in, and what else follows from an authority that was brought.
pub(super) struct Listing {
    pub(super) entries: BTreeSet<Listed>,
    /// A few of those that are issued here: the proof shows itself as one of them.
    pub(super) issued: BTreeMap<HostName, Recipe>,
    pub(super) authority: Option<BroughtAuthority>,
    /// How many authorities stand between an agent's certificate and the root.
    pub(super) depth: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Listed {
    /// The whole subject, as nginx gives it.
    Subject(String),
    /// Whatever else stands in the subject. Its last part is printed first, and a comma within a
    /// part has a backslash before it, so nothing but a common name of its own begins like that
    /// and ends there.
    CommonName(HostName),
}

impl Listed {
    /// For a `map` of nginx: plain strings are compared there without regard to case, and long ones
    /// do not fit its table. In double quotes nginx leaves these escapes as they are.
    fn pattern(&self) -> String {
        match self {
            Self::Subject(subject) => format!(r#""~^{}\z""#, escaped(subject)),
            Self::CommonName(name) => format!(r#""~^CN={}(,|\z)""#, escaped(name.as_str())),
        }
    }

    /// As nginx will judge it.
    fn allows(&self, subject: &str) -> bool {
        match self {
            Self::Subject(listed) => listed == subject,
            Self::CommonName(name) => subject
                .strip_prefix("CN=")
                .and_then(|rest| rest.strip_prefix(name.as_str()))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(',')),
        }
    }
}

/// Stands for itself in a regular expression, and cannot end a quoted word of nginx's, nor be taken
/// for a variable.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b'.' => escaped.push_str(r"\."),
            byte if byte.is_ascii_alphanumeric() || b"=,-_".contains(&byte) => {
                escaped.push(char::from(byte));
            }
            byte => {
                let _ = write!(escaped, r"\x{byte:02X}"); // writing to a String cannot fail
            }
        }
    }
    escaped
}

#[derive(Template)]
#[template(path = "nim-tls-listed.conf", config = ".askama.toml", escape = "none")]
struct Map<'a> {
    variable: &'a str,
    patterns: Vec<String>,
}

impl Listing {
    /// With its reasons, for the `http` block.
    pub(super) fn marked_map(&self) -> String {
        rendered(&Map {
            variable: LISTED,
            patterns: self.entries.iter().map(Listed::pattern).collect(),
        })
    }

    pub(super) fn allows(&self, subject: &str) -> bool {
        self.entries.iter().any(|listed| listed.allows(subject))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_holds_nothing_that_nginx_or_a_regular_expression_could_take_for_more() {
        let hostile = r#"CN=a.b,O=x\, "$y";{}~^.*|(\\)é #"#;
        let pattern = Listed::Subject(hostile.to_owned()).pattern();
        assert_eq!(
            pattern,
            "\"~^CN=a\\.b,O=x\\x5C,\\x20\\x22\\x24y\\x22\\x3B\\x7B\\x7D\\x7E\\x5E\\.\\x2A\\x7C\
             \\x28\\x5C\\x5C\\x29\\xC3\\xA9\\x20\\x23\\z\""
        );
        let inside = &pattern[1..pattern.len() - 1];
        assert!(!inside.contains(['"', '$', ';', '{', '}', ' ', '\'']));
        // What nginx would take for something else within quotes.
        for taken in ["\\t", "\\r", "\\n", "\\\\"] {
            assert!(!inside.contains(taken), "{taken}");
        }
    }

    #[test]
    fn a_name_counts_only_as_the_whole_of_the_first_part() {
        let listed = Listed::CommonName("web-1.example.com".parse().expect("a name"));
        for subject in ["CN=web-1.example.com", "CN=web-1.example.com,O=x"] {
            assert!(listed.allows(subject), "{subject}");
        }
        for subject in [
            "O=x,CN=web-1.example.com",
            r"O=x\,CN=web-1.example.com",
            r"CN=web-1.example.com\,x",
            "CN=web-1.example.com+OU=x",
            "OU=x+CN=web-1.example.com",
            "CN=web-1.example.com.evil",
            "CN=WEB-1.example.com",
            "CN=xweb-1.example.com",
            "",
        ] {
            assert!(!listed.allows(subject), "{subject}");
        }
    }
}
