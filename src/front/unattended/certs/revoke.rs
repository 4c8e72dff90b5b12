//! `nim-tls certs revoke`: what the answers that stand come to, without some of the agents.

use crate::answers::Goal;
use crate::cli::Consent;
use crate::error::Problem;
use crate::method::{Method, Proxy};
use crate::values::HostName;

use super::super::super::output::Output;
use super::super::super::place::Ground;
use super::super::super::standing::standing;
use super::super::apply::Order;

pub(super) fn revoke(
    ground: &Ground,
    names: &[HostName],
    consent: Consent,
    output: &Output,
) -> Result<u8, Problem> {
    let nothing = || {
        Problem::host(
            "no run that stands has set client mTLS up here, so nobody would look at what is \
             revoked",
        )
        .remedy("nim-tls apply --answers FILE, with role: manager and method: client-mtls")
    };
    let mut standing = standing(ground)?.ok_or_else(nothing)?;
    let agents = standing.agents.clone();
    let Goal::Manager(answers) = &mut standing.goal else {
        return Err(nothing());
    };
    if answers.method != Method::ClientMtls || answers.proxy == Proxy::None {
        return Err(nothing());
    }
    answers.agents.extend(agents);
    answers.orders.revoke = names.iter().cloned().collect();
    let text = Some(standing.text.as_str());
    Order::of("certs revoke", text, consent).carry(ground, &standing.goal, output)
}
