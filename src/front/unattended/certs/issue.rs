//! `nim-tls certs issue`: further certificates from the authority of this host.

use std::collections::BTreeSet;

use crate::answers::{ClientSource, Draft, Goal, KeepKey, Role};
use crate::cli::Consent;
use crate::error::Problem;
use crate::facts::Generation;
use crate::method::{Method, Proxy};
use crate::values::{AbsPath, HostName};
use crate::worker::Runs;
use crate::yaml::value_of;

use super::super::super::output::Output;
use super::super::super::place::Ground;
use super::super::super::standing::{Standing, standing};
use super::super::apply::Order;

const LIMIT: u64 = 1 << 20;

pub(super) fn issue(
    ground: &Ground,
    names: &[HostName],
    manager: Option<&HostName>,
    consent: Consent,
    output: &Output,
) -> Result<u8, Problem> {
    let standing = standing(ground)?;
    let brought = standing
        .as_ref()
        .is_some_and(Standing::has_brought_authority);
    let root = ground.state().as_path().join("ca/root.crt");
    if !brought && !matches!(ground.host().stat(&root), Ok(Some(_))) {
        return Err(Problem::host(format!(
            "there is no authority in {} that could issue anything",
            ground.state()
        ))
        .remedy("nim-tls apply --answers FILE, with role: manager or role: ca"));
    }
    let order = Order::of("certs issue", None, consent);
    if let Some(mut standing) = standing
        && let Some(answers) = standing.answers()
    {
        // As all others were made here, for these agents alone.
        let mut answers = answers.clone();
        let without_key = |source: &ClientSource| match source {
            ClientSource::Import(authority) => authority.key.is_none(),
            ClientSource::Request(_) => false,
        };
        if answers.clients.as_ref().is_some_and(without_key) {
            return Err(Problem::host(
                "agents bring their own certificates here: the key of their authority is not said \
                 in certificates.clients.ca_key of the answers that stand",
            )
            .remedy("nim-tls apply --answers FILE, with ca_key"));
        }
        answers.agents = once_each(names)?;
        answers.orders.issue_anew = true;
        if let Some(manager) = manager {
            answers.manager_name = manager.clone();
        }
        let goal = Goal::Authority(answers);
        return order.carry(ground, &goal, output);
    }
    let told = manager.cloned().or_else(|| known_manager(ground));
    let manager_name = told.ok_or_else(|| {
        Problem::usage("nothing here tells what the agents' manager is called")
            .remedy("nim-tls certs issue NAME --manager nim.example.com")
    })?;
    let mut draft = Draft {
        version: Some(1),
        role: Some(Role::Ca),
        generation: Some(Generation::Nim2),
        proxy: Some(Proxy::NginxOss),
        method: Some(Method::ClientMtls),
        manager_name: Some(manager_name),
        agents: names.to_vec(),
        ..Draft::default()
    };
    // It exists, so this says nothing but that nobody is asked.
    draft.certificates.ca_key.keep = Some(KeepKey::Plaintext);
    let goal = Goal::check(&draft).map_err(|refusals| {
        let words: Vec<String> = refusals
            .iter()
            .map(|refusal| format!("{} {}", refusal.field, refusal.why))
            .collect();
        Problem::usage(words.join("; "))
    })?;
    order.carry(ground, &goal, output)
}

fn once_each(names: &[HostName]) -> Result<BTreeSet<HostName>, Problem> {
    let mut agents = BTreeSet::new();
    for name in names {
        if !agents.insert(name.clone()) {
            return Err(Problem::usage(format!("{name} is there twice")));
        }
    }
    Ok(agents)
}

/// By the last proof, or by what was issued before.
fn known_manager(ground: &Ground) -> Option<HostName> {
    let proven = Runs::new(ground.host(), ground.state()).in_force().ok();
    let mut proven = proven.into_iter().flatten().rev();
    if let Some(proof) = proven.find_map(|receipt| receipt.proves) {
        return Some(proof.name);
    }
    let issued = ground.state().join("issued").ok()?;
    let names = ground.host().list(issued.as_path()).ok()?;
    names.iter().find_map(|name| {
        let path: AbsPath = issued.join(&format!("{name}/nginx-agent.conf")).ok()?;
        let bytes = ground.host().read(path.as_path(), LIMIT).ok()?;
        let host = value_of(&String::from_utf8_lossy(&bytes), "server", "host")?;
        host.parse().ok()
    })
}
