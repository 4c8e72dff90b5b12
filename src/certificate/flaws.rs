//! What is wrong with a file of certificates by itself, whatever it is used for.

use super::chain::{Flaw, issued_by};
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
    let leaf = chain.iter().position(|one| one.standing == Standing::Leaf);
    match leaf {
        Some(0) => found.extend(
            chain
                .windows(2)
                .find_map(|pair| not_issued(&chain[0], pair)),
        ),
        Some(at) => found.push(FileFlaw {
            cause: incomplete(&chain[at]),
            stops: true,
            words: format!(
                "{} does not stand first: a server would send another one",
                chain[at].subject
            ),
        }),
        // Authorities may stand in any order.
        None => {}
    }
    found
}

fn not_issued(leaf: &Certificate, pair: &[Certificate]) -> Option<FileFlaw> {
    let why = issued_by(&pair[0], &pair[1]).err()?;
    let words = match why {
        // Said of the certificate itself.
        Flaw::WeakSignature => return None,
        Flaw::SignedByAnother => "has signed with another key: an authority of the same name",
        _ => "has not issued it",
    };
    Some(FileFlaw {
        cause: incomplete(leaf),
        stops: true,
        words: format!(
            "{} is followed by {}, which {words}",
            pair[0].subject, pair[1].subject
        ),
    })
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
    // Nobody judges a root by its own signature.
    let weak = one.weak_key || (one.weak_signature && !one.is_self_issued());
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
