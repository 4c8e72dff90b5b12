//! What nginx verifies agents by: the authorities, how far it looks, and who is revoked.

use super::super::finding::{Evidence, Finding};
use super::super::seen::{at, of_file};
use super::ground::{Ground, certificates};
use crate::certificate::{Certificate, Flaw, Purpose, chain_verifies};
use crate::facts::{Known, State};
use crate::nginx::{Config, Server};

const DAY: i64 = 86_400;
/// Less than this is left of a list: that is said.
const SOON: i64 = 30 * DAY;

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let Some((config, http)) = ground.http() else {
        return Vec::new();
    };
    let of_agents = &ground.before_manager().of_agents;
    let mut found = Vec::new();
    for server in http
        .servers
        .iter()
        .filter(|one| of_agents.contains(&one.directive.at))
    {
        let asks = server.scope.value("ssl_verify_client");
        if !matches!(asks, Some("on" | "optional")) {
            continue;
        }
        found.extend(authorities(ground, config, server));
        found.extend(revocation(ground, config, server));
    }
    found
}

fn authorities(ground: &Ground<'_>, config: &Config, server: &Server<'_>) -> Option<Finding> {
    let line = server
        .scope
        .nearest("ssl_client_certificate")
        .into_iter()
        .next()?;
    let (path, file) = ground.named(line)?;
    let bundle = certificates(file)?;
    let now = ground.facts.looked_at;
    let ended = bundle.iter().filter(|one| one.validity.not_after < now);
    let ended: Vec<Evidence> = ended
        .map(|one| of_file(&path, format!("{} has expired", one.subject)))
        .collect();
    if !ended.is_empty() {
        return ground.finding("agents-authority-expired", ended);
    }
    let issued = issued(&ground.facts.state, now);
    let judged: Vec<_> = issued
        .iter()
        .filter_map(|chain| Some((chain.first()?, verifies(chain, bundle, now))))
        .collect();
    // Agents of former authorities may be gone; where none gets through, something is wrong here.
    let (leaf, _) = judged
        .first()
        .filter(|_| judged.iter().all(|(_, fits)| !fits))?;
    let names_issuer = |chain: &[Certificate]| {
        bundle
            .iter()
            .any(|one| chain.iter().any(|other| other.names_as_issuer(one)))
    };
    let id = if issued.iter().any(|chain| names_issuer(chain)) {
        "agents-authority-incomplete"
    } else {
        "agents-authority-other"
    };
    let words = format!(
        "does not verify {}, which was issued here for an agent",
        leaf.subject
    );
    ground.finding(id, vec![at(config, &line.at), of_file(&path, words)])
}

/// The certificates of agents that lie here, and are good by date.
fn issued(state: &State, now: i64) -> Vec<&[Certificate]> {
    let issued = state.issued.values();
    let chains = issued.filter_map(|one| match one {
        Known::Is(one) => Some(one.chain.as_slice()),
        _ => None,
    });
    chains
        .filter(|chain| {
            chain
                .first()
                .is_some_and(|leaf| leaf.validity.contains(now))
        })
        .collect()
}

/// Whether a root of the bundle vouches for the chain, by authorities that stand in either.
fn verifies(chain: &[Certificate], bundle: &[Certificate], now: i64) -> bool {
    let roots = bundle.iter().filter(|one| one.is_self_issued());
    roots.into_iter().any(|root| {
        let mut all: Vec<&Certificate> = chain.iter().collect();
        while let Some(last) = all.last().filter(|last| !last.names_as_issuer(root)) {
            let next = bundle
                .iter()
                .find(|one| last.names_as_issuer(one) && !all.contains(one));
            match next {
                Some(next) => all.push(next),
                None => break,
            }
        }
        let judged = chain_verifies(&all, root, now, Purpose::Agent);
        !matches!(judged, Err(fault) if fault.flaw != Flaw::Expired)
    })
}

fn revocation(ground: &Ground<'_>, config: &Config, server: &Server<'_>) -> Vec<Finding> {
    let Some(line) = server.scope.nearest("ssl_crl").into_iter().next() else {
        return Vec::new();
    };
    let path = config.resolved(line.arg(0).unwrap_or_default());
    let Some(Ok(lists)) = ground.lists.get(&path) else {
        return Vec::new(); // nginx itself refuses what is no list
    };
    let now = ground.facts.looked_at;
    let ends = |within: i64| {
        let ended = lists
            .iter()
            .filter_map(move |list| Some((list, list.ends? - now)));
        let ended = ended.filter(move |(_, left)| *left < within);
        ended.collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    let ended: Vec<Evidence> = ends(0)
        .iter()
        .map(|(list, _)| of_file(&path, format!("the list of {} has expired", list.issuer)))
        .collect();
    let is_over = !ended.is_empty();
    found.extend(ground.where_seen("list-of-revoked-expired", ended));
    let soon = ends(SOON).into_iter().filter(|_| !is_over);
    let soon = soon.map(|(list, left)| {
        of_file(
            &path,
            format!("the list of {} ends in {} days", list.issuer, left / DAY),
        )
    });
    found.extend(ground.where_seen("list-of-revoked-ends-soon", soon.collect()));
    let client = server
        .scope
        .nearest("ssl_client_certificate")
        .into_iter()
        .next();
    let bundle = client.and_then(|line| ground.named(line));
    let bundle = bundle.as_ref().and_then(|(_, file)| certificates(file));
    let without = bundle
        .into_iter()
        .flatten()
        .filter(|one| one.is_authority() && !lists.iter().any(|list| list.issuer == one.subject));
    let without = without.map(|one| of_file(&path, format!("holds no list of {}", one.subject)));
    found.extend(ground.where_seen("list-of-revoked-missing", without.collect()));
    found
}
