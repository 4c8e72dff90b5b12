//! Where a file is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::text::{Invalid, invalid, is_hidden, quotable, text_serde};

/// An absolute path in normal form: starts with `/`, no `.`, `..`, empty component, character
/// that does not show, or character that means something to nginx configuration or a shell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbsPath(String);

impl AbsPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn as_path(&self) -> &std::path::Path {
        std::path::Path::new(&self.0)
    }

    /// The folder it lies in; `/` for `/` itself.
    #[must_use]
    pub fn parent(&self) -> AbsPath {
        match self.0.rsplit_once('/') {
            Some(("", _)) | None => Self("/".to_owned()),
            Some((parent, _)) => Self(parent.to_owned()),
        }
    }

    /// The last component; empty for `/`.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(_, name)| name)
    }

    /// This path with `component` below it. `component` may itself hold slashes.
    pub fn join(&self, component: &str) -> Result<AbsPath, Invalid> {
        format!("{}/{component}", self.0.trim_end_matches('/')).parse()
    }

    pub fn is_below(&self, folder: &AbsPath) -> bool {
        folder.0 == "/"
            || self
                .0
                .strip_prefix(&folder.0)
                .is_some_and(|rest| rest.starts_with('/'))
    }
}

impl FromStr for AbsPath {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        // Only for what is refused: most are paths.
        let shown = || quotable(text);
        if !text.starts_with('/') {
            return invalid(format!(
                "\"{}\" is not an absolute path: it must start with /",
                shown()
            ));
        }
        if text.len() > 4000 {
            return invalid("a path of over 4000 characters");
        }
        // Nearly all are, and a plan reads some hundreds.
        if is_plain(text) {
            return Ok(Self(text.to_owned()));
        }
        let awkward =
            |c: char| is_hidden(c) || c.is_whitespace() || "\"'`\\;{}$#*?<>|&()[]!".contains(c);
        if let Some(c) = text.chars().find(|c| awkward(*c)) {
            return invalid(format!(
                "\"{}\" holds {}, which this program does not write into configuration",
                shown(),
                c.escape_debug()
            ));
        }
        let parts: Vec<&str> = text
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        if parts.contains(&"..") {
            return invalid(format!("\"{}\" holds \"..\"", shown()));
        }
        Ok(Self(format!("/{}", parts.join("/"))))
    }
}

/// Whether it is in normal form, and of letters, digits and what stands in names of files.
fn is_plain(text: &str) -> bool {
    let is_usual =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_');
    let is_name = |part: &str| !matches!(part, "" | "." | "..");
    text.as_bytes().iter().all(is_usual) && text[1..].split('/').all(is_name)
}

impl fmt::Display for AbsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
text_serde!(AbsPath);
