//! Texts of a host without their secrets.

use crate::values::{masked, masked_lines};

const MASK: &str = "********";
const KEY: &str = "PRIVATE KEY";

/// A file of settings: what belongs to a secret in the lines below it is hidden too.
pub(super) fn settings(text: &str) -> String {
    masked_lines(text).map(|line| line + "\n").collect()
}

/// Lines of a log: each stands for itself, but for those of a private key.
pub(super) fn log(text: &str) -> String {
    // A log that is cut may begin within one.
    let end = text.find("-----END ").filter(|at| {
        text[*at..]
            .lines()
            .next()
            .is_some_and(|line| line.contains(KEY))
    });
    let begin = text.find("-----BEGIN ");
    let mut hidden = end.is_some_and(|end| begin.is_none_or(|begin| end < begin));
    let mut shown = String::with_capacity(text.len());
    for line in text.lines() {
        let begins = line.find("-----BEGIN ").filter(|_| line.contains(KEY));
        let head = match begins {
            Some(at) if !hidden => &line[..at],
            _ if hidden => "",
            _ => line,
        };
        let whole = !hidden && begins.is_none();
        hidden = (hidden || begins.is_some()) && !line.contains("-----END ");
        shown.push_str(&masked(head));
        if !whole {
            shown.push_str(MASK);
        }
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red where a key that is only half there shows, or what comes after it does not.
    #[test]
    fn a_key_in_a_log_is_hidden_also_where_the_log_begins_in_it() {
        for (text, shown) in [
            ("a\nb token=x\n", "a\nb token=********\n"),
            (
                "MII\nx\n-----END PRIVATE KEY-----\nb\n",
                "********\n********\n********\nb\n",
            ),
            (
                "a: -----BEGIN EC PRIVATE KEY-----\nMII\n-----END EC PRIVATE KEY-----\nb\n",
                "a: ********\n********\n********\nb\n",
            ),
            (
                "-----BEGIN PRIVATE KEY-----\\nMII\\n-----END PRIVATE KEY-----\nb\n",
                "********\nb\n",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\nb\n",
                "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\nb\n",
            ),
            ("GET /token HTTP/1.1\nb\n", "GET /token HTTP/1.1\nb\n"),
        ] {
            assert_eq!(log(text), shown);
        }
    }
}
