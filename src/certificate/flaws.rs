//! What is wrong with a file of certificates by itself, whatever it is used for.

use super::read::{Certificate, Standing};
use super::recipe::Purpose;

/// A flaw, by the word that scripts act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFlaw {
    pub cause: &'static str,
    /// Whether it keeps the certificate from working; else it is worth knowing.
    pub stops: bool,
    pub words: String,
}

const DAY: i64 = 86_400;
/// Less than this is left of it: that is said.
const SOON: i64 = 30 * DAY;

/// Judges `chain`, in the order of its file, at `now` (seconds since 1970).
pub fn flaws(chain: &[Certificate], now: i64) -> Vec<FileFlaw> {
    let mut found = Vec::new();
    for (number, one) in chain.iter().enumerate() {
        let which = if chain.len() == 1 {
            one.subject.clone()
        } else {
            format!("certificate {} ({})", number + 1, one.subject)
        };
        found.extend(of_one(one, now).map(|(cause, stops, words)| FileFlaw {
            cause,
            stops,
            words: format!("{which} {words}"),
        }));
    }
    let leads = chain
        .first()
        .is_some_and(|first| first.standing == Standing::Leaf);
    for pair in chain.windows(2).filter(|_| leads) {
        if !pair[0].names_as_issuer(&pair[1]) {
            let words = format!(
                "{} is followed by {}, which has not issued it",
                pair[0].subject, pair[1].subject
            );
            found.push(FileFlaw {
                cause: incomplete(&chain[0]),
                stops: true,
                words,
            });
        }
    }
    found
}

fn of_one(
    one: &Certificate,
    now: i64,
) -> impl Iterator<Item = (&'static str, bool, String)> + use<> {
    let server = one.serves(Purpose::Server);
    let expired = if server {
        "server-cert-expired"
    } else {
        "client-cert-expired"
    };
    let left = one.validity.not_after - now;
    let time = if left < 0 {
        Some((expired, true, "has expired".to_owned()))
    } else if now < one.validity.not_before {
        Some((
            "client-cert-not-yet-valid",
            true,
            "is not valid yet".to_owned(),
        ))
    } else if left < SOON {
        Some((
            "cert-expiring",
            false,
            format!("ends in {} days", left / DAY),
        ))
    } else {
        None
    };
    let weak = one.weak_key || one.weak_signature;
    let weak = weak.then(|| {
        let words = "is too weak: its key, or the digest it was signed over";
        ("weak-key", true, words.to_owned())
    });
    let nameless = server && one.standing == Standing::Leaf && one.names.is_empty();
    let nameless = nameless.then(|| {
        let words = "names no host in its subjectAltName: clients take the common name for nothing";
        ("common-name-only", true, words.to_owned())
    });
    time.into_iter().chain(weak).chain(nameless)
}

fn incomplete(leaf: &Certificate) -> &'static str {
    if leaf.serves(Purpose::Server) {
        "server-chain-incomplete"
    } else {
        "client-chain-incomplete"
    }
}
