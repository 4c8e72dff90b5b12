//! `nim-tls certs renew`: what the answers that stand come to, with new certificates in place of
//! those that end soon.

use crate::cli::Consent;
use crate::error::Problem;

use super::super::super::output::Output;
use super::super::super::place::Ground;
use super::super::super::standing::standing;
use super::super::apply::Order;

pub(super) fn renew(
    ground: &Ground,
    within: Option<u32>,
    consent: Consent,
    output: &Output,
) -> Result<u8, Problem> {
    let nothing = || {
        Problem::host(
            "no run that stands has kept the answers by which certificates were made here",
        )
        .remedy("nim-tls apply --answers FILE")
    };
    let mut standing = standing(ground)?.ok_or_else(nothing)?;
    let agents = standing.agents.clone();
    if let Some(answers) = standing.answers() {
        answers.orders.renew_within = within;
        answers.agents.extend(agents);
    }
    let text = Some(standing.text.as_str());
    Order::of("certs renew", text, consent).carry(ground, &standing.goal, output)
}
