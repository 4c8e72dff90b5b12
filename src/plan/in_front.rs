//! Who stands between agents and this host: where TLS ends there, no agent's certificate ever comes
//! here.

use crate::answers::Answers;
use crate::error::Problem;
use crate::facts::{EndsTls, Facts};
use crate::method::Method;

/// Refuses certificates of agents that would be shown to somebody else.
pub(super) fn refuse(facts: &Facts, answers: &Answers) -> Result<(), Problem> {
    let Some(found) = &facts.ends_tls else {
        return Ok(());
    };
    if answers.method != Method::ClientMtls {
        return Ok(());
    }
    let (at, name) = (found.at, answers.agents_name());
    Err(Problem::host(format!(
        "{}, and agents would show their certificates there and not to nginx here: have it pass TCP \
         through as it comes (a balancer: mode tcp, no certificate); where that is another machine, \
         which this one is to replace, let the name lead here alone first, in /etc/hosts",
        said(found, answers)
    ))
    .remedy(format!(
        "openssl s_client -connect {at} -servername {name} </dev/null"
    )))
}

/// Where it is a matter of the server alone, it may be meant.
pub(super) fn note(facts: &Facts, answers: &Answers) -> Option<String> {
    let found = facts.ends_tls.as_ref()?;
    Some(format!(
        "{}: browsers and agents meet that certificate, and not the one of this host",
        said(found, answers)
    ))
}

fn said(found: &EndsTls, answers: &Answers) -> String {
    let here = match &found.here {
        Some(here) => format!("nginx here shows {here}"),
        None => "nobody here speaks TLS on that port".to_owned(),
    };
    format!(
        "{} leads to {}, which is no address of this host, and TLS ends there: {} is shown, and {here}",
        answers.agents_name(),
        found.at,
        found.shown,
    )
}
