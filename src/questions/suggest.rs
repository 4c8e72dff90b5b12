//! What the facts suggest as an answer.

use crate::certificate::{Certificate, EntryName};
use crate::facts::{Facts, FoundContent, Known};
use crate::nginx::flat;
use crate::plan::{ClientsToday, SERVICES, agents_today, usual_agents_port};
use crate::values::{HostName, SubjectName, sort_by_key};
use crate::yaml::value_of;

/// Names that stand on many a manager's certificate and are nobody's name for it: the vendor's
/// own certificate is for `manager-server` (domain facts of NIM 2).
const NOBODYS: [&str; 3] = ["localhost", "manager-server", "_"];

/// Text for a field, in the form in which it would be typed; empty where there is nothing to
/// suggest.
pub(super) fn suggestion(field: &str, facts: &Facts) -> String {
    match field {
        // Names on an instance are those of its own sites.
        "manager_name" if facts.is_instance() => agents_manager(facts).unwrap_or_default(),
        "manager_name" => manager_names(facts).into_iter().next().unwrap_or_default(),
        "alt_names" => manager_names(facts)
            .into_iter()
            .skip(1)
            .collect::<Vec<_>>()
            .join(", "),
        "certificates.ca_key.keep" => "encrypted".to_owned(),
        "certificates.server.source" => "auto".to_owned(),
        "certificates.key" => "ecdsa-p256".to_owned(),
        "options.enforce" if some_are_not_ready(facts) => "observe".to_owned(),
        "options.enforce" => "require".to_owned(),
        "options.redirect_http" => "no".to_owned(),
        "options.trust_store" => match facts.trust_store {
            Known::Absent => "no".to_owned(),
            _ => "yes".to_owned(),
        },
        "options.enable_services" => "yes".to_owned(),
        // Whoever has it keeps it.
        "options.watch" if facts.watch.texts.is_empty() => "no".to_owned(),
        "options.watch" => "yes".to_owned(),
        _ => String::new(),
    }
}

/// The manager that the agent has been told, if it is called by a name.
fn agents_manager(facts: &Facts) -> Option<String> {
    let file = facts.agent_setup.file.is()?;
    let host = value_of(&file.text, "server", "host")?;
    let named = host.parse::<HostName>().is_ok() && host != "localhost";
    named.then_some(host)
}

/// Where a fleet is on its way, going on is the next step only once all are ready.
fn some_are_not_ready(facts: &Facts) -> bool {
    let agents = facts.agents.is().into_iter().flatten();
    let Known::Is(config) = &facts.config else {
        return false;
    };
    let today = agents_today(facts, config, usual_agents_port(facts));
    let observed = matches!(today, Ok((ClientsToday::Observed, _)));
    let agents: Vec<_> = agents.into_iter().collect();
    let ready = agents.iter().all(|agent| agent.is_ready() || agent.perhaps);
    // Who has seen nobody knows nothing.
    observed && (agents.is_empty() || !ready)
}

/// Names that the manager has today: in `server_name` of the server with the gRPC services,
/// then on the certificates that nginx presents. Full names come before short ones.
fn manager_names(facts: &Facts) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let listed = configured(facts);
    let certified = presented(facts).flat_map(|leaf| leaf.names.iter());
    let certified = certified.filter_map(|name| match name {
        EntryName::Exact(SubjectName::Dns(name)) => Some(name.to_string()),
        _ => None,
    });
    for name in listed.into_iter().chain(certified) {
        let usable = name.parse::<HostName>().is_ok() && !NOBODYS.contains(&name.as_str());
        if usable && !names.contains(&name) {
            names.push(name);
        }
    }
    sort_by_key(&mut names, |name| !name.contains('.'));
    names
}

/// The `server_name` words of servers that hold a location for one of the gRPC services.
fn configured(facts: &Facts) -> Vec<String> {
    let Known::Is(config) = &facts.config else {
        return Vec::new();
    };
    let Some(http) = config.http() else {
        return Vec::new();
    };
    let serves = |directive: &crate::nginx::Directive| {
        flat(directive.children()).any(|line| {
            line.name == "location"
                && line
                    .words()
                    .any(|word| SERVICES.iter().any(|service| word.contains(service)))
        })
    };
    let servers = http
        .servers
        .iter()
        .filter(|server| serves(server.directive));
    servers
        .flat_map(|server| server.names.iter())
        .map(|name| (*name).to_owned())
        .collect()
}

fn presented(facts: &Facts) -> impl Iterator<Item = &Certificate> {
    facts
        .files
        .values()
        .filter_map(|fact| match &fact.file()?.content {
            FoundContent::Certificates(chain) => chain.first().filter(|leaf| !leaf.is_authority()),
            _ => None,
        })
}
