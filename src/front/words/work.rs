//! What a plan would do to people and certificates, in words.

use crate::answers::Entered;
use crate::certificate::{Recipe, read_pem_chain};
use crate::facts::{AGENT_FILES, Facts, Known};
use crate::method::Method;
use crate::plan::{Authority, Plan};
use crate::values::escaped;

/// Who notices what of the work.
pub(in crate::front) fn noticed(
    facts: Option<&Facts>,
    entered: &Entered,
    plan: &Plan,
) -> [(&'static str, String); 2] {
    if plan.raises_level() {
        let nothing = "nothing: connections that are open end on their own.".to_owned();
        return [("browsers", nothing.clone()), ("agents", nothing)];
    }
    if entered.get("role") == "instance" {
        return noticed_by_instance(plan);
    }
    if !super::awaited(plan).is_empty() {
        let nothing = "nothing: requests are written, and no service is touched.".to_owned();
        return [("browsers", nothing.clone()), ("agents", nothing)];
    }
    let agents = if entered.get("method") == Method::ClientMtls.to_string() {
        cut_off(facts, !entered.get("agents").is_empty())
    } else {
        "none is refused.".to_owned()
    };
    let issues = plan
        .issuing()
        .is_some_and(|issuing| issuing.server.is_some());
    let agents = if issues {
        format!("{agents} To trust the manager, agents need the new root.")
    } else {
        agents
    };
    let browsers = if issues {
        "a new certificate; they warn where its root is not trusted, so give people the root. \
         Connections that are open end once."
    } else {
        "connections that are open end once; the certificate stays"
    };
    let browsers = browsers.to_owned();
    [("browsers", browsers), ("agents", agents)]
}

fn noticed_by_instance(plan: &Plan) -> [(&'static str, String); 2] {
    let restarts = plan.step("restart").is_some();
    let reloads = plan.step("reload").is_some();
    let changes_agent = plan
        .changed_files()
        .any(|file| AGENT_FILES.contains(&file.path.as_str()));
    let agent = match (restarts, changes_agent) {
        (true, _) => {
            "is restarted, and connects with its certificate. Where it does not get through, all \
             is put back."
        }
        (false, true) => "goes on as it is until you restart it.",
        (false, false) => "goes on as it is.",
    };
    let sees = if restarts {
        "shows this instance offline for a few seconds."
    } else {
        "sees nothing of it."
    };
    let nginx = if reloads {
        "Its nginx loads what is new, and connections that are open end on their own."
    } else {
        "Its nginx serves on as before."
    };
    let manager = format!("{sees} {nginx}");
    [("agent", agent.to_owned()), ("manager", manager)]
}

fn cut_off(facts: Option<&Facts>, names_agents: bool) -> String {
    let connected = facts.map(|facts| &facts.connected);
    let count = match connected {
        Some(Known::Is(clients)) => {
            let without = clients
                .iter()
                .filter(|client| client.certificate.is().is_none())
                .count();
            format!(
                "{} clients connected now, {without} of them without a certificate",
                clients.len()
            )
        }
        _ => "how many are connected could not be told".to_owned(),
    };
    let then = if names_agents {
        "Whoever has none of these certificates is refused until its files are brought to it."
    } else {
        "Step 4 names no agent, so none gets a certificate here: whoever has none is refused from \
         then on."
    };
    format!("{count}. {then}")
}

/// Leaves that are named; of a fleet the first few say enough.
const NAMED: usize = 5;
/// What is made of one that is signed elsewhere.
const ASKED: &str = "a request";

/// What would be made, as a tree: who signs whom, and for how long.
pub(in crate::front) fn certificates(plan: &Plan, ascii: bool) -> Vec<String> {
    let Some(issuing) = plan.issuing() else {
        if plan.is_of_instance() {
            let words = "None is made: what the manager has issued is put in its place.";
            return vec![words.to_owned()];
        }
        let words = if super::awaited(plan).is_empty() {
            "None is made: what is here is kept."
        } else {
            "None is made: those that were asked for are awaited."
        };
        return vec![words.to_owned()];
    };
    let branch = |last: bool| match (ascii, last) {
        (true, _) => "+- ",
        (false, true) => "└─ ",
        (false, false) => "├─ ",
    };
    let days = |recipe: &Recipe| format!("{} days", recipe.days);
    let line = |under: &str, name: &str, lifetime: &str| {
        let left = format!("{under}{}", escaped(name));
        format!("{left:<47} {lifetime}").trim_end().to_owned()
    };
    let mut lines = match &issuing.authority {
        Authority::New {
            root, intermediate, ..
        } => vec![
            line("", "root, new", &days(root)),
            line(branch(true), "intermediate, new", &days(intermediate)),
        ],
        Authority::Existing { .. } => vec![line("", "root and intermediate", "kept")],
        Authority::NotNeeded => Vec::new(),
    };
    if let Some(clients) = &issuing.clients {
        let found = read_pem_chain(clients.chain.as_bytes()).unwrap_or_default();
        let subject = found.first().map_or("", |one| &one.subject);
        lines.push(line("", "authority of the agents, brought", subject));
    }
    let requests = issuing.requests.as_ref();
    let manager = match (
        &issuing.server,
        requests.and_then(|asks| asks.server.as_ref()),
    ) {
        (Some(recipe), _) => days(recipe),
        (None, Some(_)) => ASKED.to_owned(),
        (None, None) => "kept as it is".to_owned(),
    };
    let agents = issuing.agents.iter();
    let agents = agents.map(|(name, agent)| (format!("agent {name}"), days(agent)));
    let asked = requests.into_iter().flat_map(|asks| asks.agents.keys());
    let asked = asked.map(|name| (format!("agent {name}"), ASKED.to_owned()));
    let mut leaves: Vec<(String, String)> = std::iter::once(("manager".to_owned(), manager))
        .chain(agents)
        .chain(asked)
        .collect();
    if leaves.len() > NAMED {
        let more = leaves.len() + 1 - NAMED;
        leaves.truncate(NAMED - 1);
        leaves.push((format!("{more} more agents"), String::new()));
    }
    let last = leaves.len() - 1;
    for (index, (name, lifetime)) in leaves.iter().enumerate() {
        let under = format!("   {}", branch(index == last));
        lines.push(line(&under, name, lifetime));
    }
    lines
}
