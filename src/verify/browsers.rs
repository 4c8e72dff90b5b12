//! Browsers: the UI answers as before by every name, with a certificate that can be trusted,
//! and old protocols and weak suites are refused.

use rustls::pki_types::CertificateDer;

use super::attempt::said;
use super::fault::Fault;
use super::headers;
use super::old_tls;
use super::pace::Pace;
use super::redirect;
use super::trust::Trust;
use super::way::{Trusted, Way, request, ways};
use crate::certificate::Certificate;
use crate::host::Host;
use crate::plan::{Proof, ProofTrust};
use crate::report::Row;

/// How the UI answered: the status and where it sent the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Page {
    status: u16,
    location: Option<String>,
}

/// How a way answered before the change.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Before {
    Page(Page),
    /// No page: a default server that refuses names it does not know, say.
    Refused(Fault),
    Unknown,
}

/// The ways, each with its answer of before the change.
pub(super) struct Baseline(Vec<(Way, Before)>);

impl Baseline {
    pub(super) fn take(host: &dyn Host, proof: &Proof, pace: &Pace<'_>) -> Self {
        let answers = ways(proof).into_iter().map(|way| {
            let before = match ask(host, &way, Trust::RecordOnly, pace) {
                // nginx's own word, to whoever shows no certificate: no page that has to stay.
                Ok((page, _)) if page.status == 400 && !way.elsewhere => Before::Unknown,
                Ok((page, _)) => Before::Page(page),
                // The manager's own name has to work, whatever it did before.
                Err(_) if way.sni.as_ref() == Some(&proof.name) => Before::Unknown,
                Err(fault) if is_refusal(&fault) => Before::Refused(fault),
                Err(_) => Before::Unknown,
            };
            (way, before)
        });
        Self(answers.collect())
    }

    /// Nothing is known of before, as in a later `verify`.
    pub(super) fn unknown(proof: &Proof) -> Self {
        let unknown = |way| (way, Before::Unknown);
        Self(ways(proof).into_iter().map(unknown).collect())
    }
}

/// The server answered, and the answer was no. Whatever else went wrong says nothing of what it
/// would have answered.
fn is_refusal(fault: &Fault) -> bool {
    matches!(fault, Fault::Alert(_) | Fault::Closed)
}

pub(super) fn rows(
    host: &dyn Host,
    proof: &Proof,
    root: &Result<Certificate, String>,
    before: &Baseline,
    pace: &Pace<'_>,
    tell: &mut dyn FnMut(Row),
) {
    for (way, before) in &before.0 {
        tell(page(host, proof, root.as_ref(), way, before, pace));
    }
    headers::rows(host, proof, pace, tell);
    redirect::rows(host, proof, pace, tell);
    for address in &proof.listeners {
        old_tls::rows(host, proof.master.is_none(), &proof.name, *address, tell);
    }
}

fn page(
    host: &dyn Host,
    proof: &Proof,
    root: Result<&Certificate, &String>,
    way: &Way,
    before: &Before,
    pace: &Pace<'_>,
) -> Row {
    let leg = format!("UI at {}", way.address);
    let expected = match (before, way.elsewhere) {
        (Before::Page(_), false) => "as before, trusted".to_owned(),
        (Before::Page(_), true) => "as before".to_owned(),
        (Before::Refused(fault), _) => format!("as before: refused ({fault})"),
        (Before::Unknown, false) => "a page, trusted".to_owned(),
        (Before::Unknown, true) => "a page, or refused".to_owned(),
    };
    let expected = expected.as_str();
    if let Some(why) = proof.barred.get(&way.address) {
        return Row::not_tried(&leg, &way.words, expected, why.clone());
    }
    let trust = match (proof.trust, root) {
        _ if way.elsewhere => Trust::RecordOnly,
        (ProofTrust::OurRoot, Ok(root)) => Trust::Only {
            roots: vec![CertificateDer::from(root.der().to_vec())],
            name: way.name.clone(),
            now: host.now(),
        },
        (ProofTrust::OurRoot, Err(why)) => {
            return Row::not_tried(&leg, &way.words, expected, why.clone());
        }
        (ProofTrust::Kept, _) => Trust::RecordOnly,
    };
    let (page, trusted) = match ask(host, way, trust, pace) {
        Ok(answer) => answer,
        Err(fault) => {
            let same = match before {
                Before::Page(_) => false,
                Before::Refused(before) => *before == fault,
                // What another server makes of names that it does not know is its own affair.
                Before::Unknown => way.elsewhere && is_refusal(&fault),
            };
            return said(
                &leg,
                &way.words,
                expected,
                format!("refused ({fault})"),
                same,
            );
        }
    };
    let same = match before {
        Before::Page(before) => *before == page,
        // What is not ours to change has changed.
        Before::Refused(_) if way.elsewhere => false,
        // Without a "before" any page of the UI will do, an error of nginx will not.
        Before::Refused(_) | Before::Unknown => page.status < 400 || page.status == 401,
    };
    let mut seen = format!("HTTP {}", page.status);
    if let Some(location) = &page.location {
        seen = format!("{seen} to {location}");
    }
    if let Before::Page(before) = before
        && *before != page
    {
        seen = format!("{seen}, before it was HTTP {}", before.status);
    }
    let judged = match trusted {
        Trusted::Yes => "trusted".to_owned(),
        Trusted::No(why) => {
            return said(&leg, &way.words, expected, format!("{seen}; {why}"), false);
        }
        _ if way.elsewhere => "from another server of the port".to_owned(),
        Trusted::NameOnly => format!("the certificate is for {}", way.name),
        Trusted::OtherName => format!("the kept certificate is not for {}", way.name),
    };
    said(
        &leg,
        &way.words,
        expected,
        format!("{seen}, {judged}"),
        same,
    )
}

fn ask(
    host: &dyn Host,
    way: &Way,
    trust: Trust,
    pace: &Pace<'_>,
) -> Result<(Page, Trusted), Fault> {
    let (answer, trusted) = request(host, way, "/", trust, pace)?;
    let page = Page {
        status: answer.status,
        location: answer.location,
    };
    Ok((page, trusted))
}

#[cfg(test)]
mod tests;
