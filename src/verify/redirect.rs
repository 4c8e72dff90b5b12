//! Browsers that come without TLS, and where they are sent.

use std::time::Duration;

use super::attempt::said;
use super::http::{HttpRequest, get_without_tls};
use super::on_host::OnHost;
use super::pace::Pace;
use super::way::UI;
use crate::host::Host;
use crate::plan::Proof;
use crate::report::Row;

const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn rows(host: &dyn Host, proof: &Proof, pace: &Pace<'_>, tell: &mut dyn FnMut(Row)) {
    let Some(redirect) = &proof.redirect else {
        return;
    };
    let request = HttpRequest {
        host: proof.name.to_string(),
        path: UI.to_owned(),
    };
    // The path must come along.
    let wanted = format!("{}{UI}", redirect.to);
    for address in &redirect.addresses {
        pace.request();
        let (seen, ok) = match get_without_tls(&OnHost(host), *address, &request, PATIENCE) {
            Ok(answer) => {
                let right = answer.location.as_deref() == Some(wanted.as_str());
                let to = answer.location.map(|to| format!(" to {to}"));
                let seen = format!("HTTP {}{}", answer.status, to.unwrap_or_default());
                (seen, right && answer.status == 301)
            }
            Err(fault) => (fault.to_string(), false),
        };
        let leg = format!("HTTP at {address}");
        tell(said(&leg, "browser without TLS", "sent on", seen, ok));
    }
}
