//! Text with a secret in it, changed at random around the secret, and what is shown of it.
//!
//! Red where `masked` stops after the first words of a line, where a word is taken out of its list,
//! or where `differences` shows its lines as they are.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use super::*;
use crate::tests::fuzz::Fuzz;
use crate::values::{Digest, Mode, is_hidden, masked};

const CANARY: &str = "canary-4711";
const MASK: &str = "********";
const MANAGER: &str = include_str!("../../../assets/practice/nms-http.conf");
const WORDS: &[&str] = &[
    "token",
    "password",
    "Authorization",
    "secret",
    "server_tokens off;",
    "auth_basic_user_file x;",
    "proxy_set_header Authorization $http_authorization;",
    "password_file",
    ":",
    "=",
    ";",
    "\"",
    "'",
    "$",
    "${",
    "}",
    "#",
    "{",
    ",",
    "\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "-",
    "_",
    "\u{a0}",
    "\u{b}",
    "token:\n",
    "api_key = ",
    "credential: \"\"",
    "********",
];
/// What announces the secret, and what may follow it: YAML, ini, JSON, nginx.
const PLANTED: [(&str, &str); 12] = [
    (" token: ", ""),
    (" PASSWORD=", ""),
    ("\tapi_key = \"", "\""),
    (" \"client_secret\": \"", "\"}"),
    ("{passphrase: ", "}"),
    (" proxy_set_header Authorization \"Basic ", "\";"),
    (" proxy_set_header X-Token ", "; # why"),
    (" set $credential '", "'; }"),
    (" proxy_set_header Authorization \"$scheme ", "\"; "),
    (" password: $", ""),
    (" apikey: $2y$10$", ""),
    ("#passwd: ", " # x"),
];

/// The difference between two texts, as it is shown.
fn shown(before: &str, after: &str) -> String {
    let change = FileChange {
        path: "/etc/nginx/conf.d/nms-http.conf".parse().unwrap(),
        status: Status::Change,
        mode: Mode(0o644),
        owner: (0, 0),
        content: Content::Text(after.to_owned()),
        before: Some(Digest::of(before.as_bytes())),
        text_before: Some(before.to_owned()),
        reasons: Vec::new(),
    };
    file(&change).diff.unwrap()
}

/// A line is shown as it is, or up to its secret.
fn is_masked_once(line: &str) {
    let once = masked(line);
    assert_eq!(masked(&once), once, "{line:?}");
    // A password in an address is masked where it stands.
    if once != line && !line.contains('@') {
        let head = once.strip_suffix(';').unwrap_or(&once);
        let head = head.strip_suffix(MASK).unwrap();
        assert!(line.starts_with(head), "{line:?}: {once:?}");
    }
}

fn taken(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    text.lines().for_each(is_masked_once);
    // Where it is planted depends on the input, so that a failure comes again.
    let chance = input.iter().fold(input.len(), |sum, byte| {
        sum * 31 % 65_521 + usize::from(*byte)
    });
    let (announced, behind) = PLANTED[chance % PLANTED.len()];
    let places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let places: Vec<usize> = places.collect();
    let at = places[chance / 7 % places.len()];
    let (head, tail) = text.split_at(at);
    let before = format!("{head}{announced}{CANARY}{behind}{tail}");
    let after = format!("{head}{announced}{CANARY}{behind}x{tail}");
    let diff = shown(&before, &after);
    assert!(!diff.contains(CANARY), "{announced:?}: {diff}");
    let hidden = diff.chars().find(|c| *c != '\n' && is_hidden(*c));
    assert_eq!(hidden, None, "{diff:?}");
    diff.contains(MASK)
}

#[test]
fn a_secret_is_not_shown_whatever_stands_around_it() {
    let agent = "server:\n  host: nim\n  token: x\n  grpcPort: 443\n# password = y\ntls:\n  skip_verify: no\n";
    let fuzz = Fuzz {
        name: "secrets",
        corpus: [MANAGER, agent, "", "{\"secret\": \"x\", \"a\": 1}"]
            .map(Vec::from)
            .to_vec(),
        words: WORDS,
        most: Duration::from_secs(1),
    };
    fuzz.run(taken);
}
