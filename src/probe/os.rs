//! The operating system, from os-release(5).

use std::collections::HashMap;
use std::path::Path;

use super::reader::Reader;
use crate::facts::{Family, Known, Os};
use crate::values::escaped;

/// The first of them that exists counts.
const PLACES: [&str; 2] = ["/etc/os-release", "/usr/lib/os-release"];

pub(super) fn look(reader: &Reader<'_>) -> Known<Os> {
    for place in PLACES {
        match reader.text(Path::new(place)) {
            Ok(Some(text)) => return Known::Is(read(&text)),
            Ok(None) => {}
            Err(why) => return Known::Unclear(why),
        }
    }
    Known::Absent
}

fn read(text: &str) -> Os {
    let fields: HashMap<&str, String> = text.lines().filter_map(assignment).collect();
    let field = |key: &str| fields.get(key).map(|value| escaped(value));
    let id = field("ID").unwrap_or_else(|| "linux".to_owned());
    let like = field("ID_LIKE").unwrap_or_default();
    let family = [id.as_str()]
        .into_iter()
        .chain(like.split_ascii_whitespace())
        .find_map(family);
    Os {
        version: field("VERSION_ID").unwrap_or_default(),
        name: field("PRETTY_NAME").unwrap_or_else(|| id.clone()),
        family: family.unwrap_or(Family::Other),
        id,
    }
}

fn family(id: &str) -> Option<Family> {
    match id {
        "debian" | "ubuntu" => Some(Family::Debian),
        "rhel" | "fedora" | "centos" | "rocky" | "almalinux" | "ol" | "amzn" => {
            Some(Family::RedHat)
        }
        "suse" | "opensuse" | "sles" | "sled" => Some(Family::Suse),
        "alpine" => Some(Family::Alpine),
        _ => None,
    }
}

/// One line `KEY=value`, the value quoted as a shell would have it.
fn assignment(line: &str) -> Option<(&str, String)> {
    let (key, value) = line.trim().split_once('=')?;
    if key.starts_with('#') {
        return None;
    }
    Some((key, unquoted(value)))
}

/// In single quotes everything is itself; elsewhere a backslash protects the next character.
fn unquoted(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'') {
        return inner.strip_suffix('\'').unwrap_or(inner).to_owned();
    }
    let inner = value
        .strip_prefix('"')
        .map(|rest| rest.strip_suffix('"').unwrap_or(rest));
    let mut characters = inner.unwrap_or(value).chars();
    let mut plain = String::with_capacity(value.len());
    while let Some(c) = characters.next() {
        plain.extend(if c == '\\' {
            characters.next()
        } else {
            Some(c)
        });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_follows_from_the_identifier_or_from_what_it_is_like() {
        for (text, family) in [
            ("ID=debian", Family::Debian),
            ("ID=ubuntu\nID_LIKE=debian", Family::Debian),
            ("ID=raspbian\nID_LIKE=debian", Family::Debian),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"",
                Family::RedHat,
            ),
            ("ID=\"ol\"\nID_LIKE=\"fedora\"", Family::RedHat),
            ("ID=eurolinux\nID_LIKE='rhel fedora centos'", Family::RedHat),
            (
                "ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"",
                Family::Suse,
            ),
            ("ID='sles'", Family::Suse),
            ("ID=alpine", Family::Alpine),
            ("ID=nixos", Family::Other),
            ("# ID=debian", Family::Other),
            ("", Family::Other),
        ] {
            assert_eq!(read(text).family, family, "{text}");
        }
    }

    #[test]
    fn values_are_quoted_as_in_a_shell() {
        let os = read(
            "PRETTY_NAME=\"Big \\\"B\\\" \\$5 \\\\ Linux\"\r\nID=rocky\nVERSION_ID='9.4 \\n'\n",
        );
        assert_eq!(os.name, "Big \"B\" $5 \\ Linux");
        assert_eq!(os.version, "9.4 \\n");
        assert_eq!(os.id, "rocky");
    }

    #[test]
    fn a_value_cannot_command_the_terminal() {
        assert_eq!(read("PRETTY_NAME=\"a\u{1b}[2J\"").name, "a\\u{1b}[2J");
    }
}
