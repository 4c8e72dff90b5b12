//! What every front says in the same words: sentences and tables of text, wrapped where a width
//! is given.

use std::fmt::Write as _;

use crate::answers::Entered;
use crate::certificate::Recipe;
use crate::event::Switch;
use crate::facts::{AgentFile, Facts, Known};
use crate::method::{self, Cell, Method, Proxy};
use crate::plan::{self, Authority, Plan};
use crate::prerequisites::{Check, Status};
use crate::receipt::Outcome;
use crate::report::{MANAGER, Row, Standing, holds};
use crate::topology;
use crate::values::{Port, advised, escaped, wrapped};

use super::starting::KEEP_WITHIN;

/// What the wizard is for.
const WELCOME: &str = "This wizard encrypts the connections of browsers and agents to \
    NGINX Instance Manager, and lets agents in only with a certificate if you want that. You see \
    every line before it is written, nothing is changed before your yes in step 7, and all of it \
    can be put back.";

/// The same on an instance.
const WELCOME_INSTANCE: &str = "This is an instance of NGINX Instance Manager. The wizard encrypts the \
    connections of its agent to the manager, and gives the agent the certificate that the manager \
    has issued for it. You see every line before it is written, nothing is changed before your yes \
    in step 7, and all of it can be put back.";

pub(super) fn welcome(facts: &Facts) -> &'static str {
    if facts.is_instance() {
        WELCOME_INSTANCE
    } else {
        WELCOME
    }
}

/// What a run does without its screen, where the host exists for this command only.
pub(super) const PRACTICE_GOES: &str =
    "If you leave, the practice host goes away with everything on it.";

/// What is real, and what is not.
pub(super) fn practice(folder: &str) -> String {
    format!(
        "PRACTICE HOST (simulated), below {folder}. Files, certificates and TLS connections are \
         real; nginx, services and commands are simulated. Nothing outside that folder is \
         touched, and it goes away at the end."
    )
}

pub(super) const NOTHING_TO_DO: &str =
    "Nothing has to be done: this host is as the answers want it.";
pub(super) const NOTHING_TO_PROVE: &str = "Done. There was nothing to prove: no running service was touched, and who was let in before \
     is let in now.";
pub(super) const HANDED_OUT: &str = "Done: the certificates are made, no service was touched, and who was let in before is let in \
     now. Next: bring each agent its files; then start nim-tls again with the same answers, and \
     say yes.";
pub(super) const HAND_OUT: &str =
    "Issue and hand out only: makes the agents' certificates, touches no service.";
const IF_IT_FAILS: &str = "If anything fails, all of it is put back.";
pub(super) const IF_THE_LINE_DROPS: &str =
    "If the line drops, the work goes on: start nim-tls again to see it.";

/// In place of the text of a file that has none to show.
pub(super) fn without_text(sensitive: bool) -> &'static str {
    if sensitive {
        "A secret. It is made while applying, readable by root alone, and shown nowhere."
    } else {
        "Made while applying: what is in it depends on keys that do not exist yet."
    }
}

/// When all of it is put back without a word of anybody's.
pub(super) fn if_it_fails(plan: &Plan) -> String {
    if plan.proves() {
        let minutes = KEEP_WITHIN / 60;
        format!(
            "If anything fails, or nobody says Keep within {minutes} minutes of the proof, all is \
             put back."
        )
    } else {
        IF_IT_FAILS.to_owned()
    }
}

/// To follow "all of it is put back", where something is known of what covers that.
pub(super) fn covers(switch: Option<&Switch>) -> String {
    switch.map_or_else(String::new, |switch| format!(", {}", switch.in_words()))
}

/// How many addresses have come back, of those that were connected before a change.
pub(super) fn came_back(back: usize, of: usize) -> String {
    format!("Addresses that are back: {back} of {of}")
}

/// Where an instance finds what was made for it; `issued` is the folder of all of them.
pub(super) fn files_wait(issued: &str) -> String {
    format!(
        "Each agent's files wait in {issued}/NAME (nginx-agent.conf there says what goes where)."
    )
}

/// Whether anything has been changed.
pub(super) fn state(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Applied => "CHANGED, proven",
        Outcome::RolledBack => "put back as it was",
        Outcome::Unchanged | Outcome::Refused => "nothing changed",
        Outcome::Incomplete => "IN BETWEEN, see below",
    }
}

/// Whether all that was tried came out right, and what that says.
pub(super) fn proven(rows: &[Row]) -> (bool, String) {
    let ok = rows.iter().filter(|row| row.ok == Some(true)).count();
    let tried = rows.iter().filter(|row| row.ok.is_some()).count();
    let (proven, word) = verdict(rows);
    let means = if is_of_instance(rows) {
        "This says that the agent's certificate gets through from here, and that the manager is who \
         it should be."
    } else if Standing::of(rows) == Standing::NotEnforced {
        "Agents are judged and logged, and nobody is refused yet: nim-tls agents lists who is ready."
    } else {
        "This says that our certificates get through and others do not; agents come back once they \
         have theirs."
    };
    let said = format!(
        "{word}: {ok} of {tried} connections as they must be, {} not tried. {means}",
        rows.len() - tried
    );
    (proven, said)
}

/// What only a person can see, once it is proven.
pub(super) fn look_now(of_instance: bool) -> &'static str {
    if of_instance {
        "Look at the manager now: is this instance online?"
    } else {
        "Open the UI in a browser now."
    }
}

pub(super) const TAKE_AWAY: &str =
    "What was brought here for it can be taken away: the key among it is a copy.";

/// Whether it was proven from an instance.
pub(super) fn is_of_instance(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.leg.starts_with(MANAGER))
}

/// Whether all that was tried came out right, in a word.
pub(super) fn verdict(rows: &[Row]) -> (bool, &'static str) {
    match Standing::of(rows) {
        _ if !holds(rows) => (false, "NOT PROVEN"),
        Standing::NotEnforced => (true, "PROVEN, NOT ENFORCED"),
        _ => (true, "PROVEN"),
    }
}

/// What this host is: a word, and what was found.
pub(super) fn host(facts: &Facts) -> Vec<(&'static str, String)> {
    let told = |known: Known<String>, absent: &str| match known {
        Known::Is(words) => words,
        Known::Absent => absent.to_owned(),
        Known::Unclear(why) => format!("could not be told: {why}"),
    };
    let nim = facts.nim.clone().map(|nim| {
        let version = nim
            .version
            .unwrap_or_else(|| "2, version unknown".to_owned());
        format!("{version} (told by {})", nim.evidence)
    });
    let mut words = vec![
        (
            "system",
            told(
                facts.os.clone().map(|os| os.name),
                "it does not say what it is",
            ),
        ),
        (
            "manager",
            told(
                nim,
                if facts.is_instance() {
                    "not here: this is an instance"
                } else {
                    "NGINX Instance Manager is not installed here"
                },
            ),
        ),
        (
            "nginx",
            told(
                facts.nginx.clone().map(|nginx| nginx.build.to_string()),
                "not installed here",
            ),
        ),
        (
            "agent",
            told(facts.agent.clone(), "no NGINX Agent on this host"),
        ),
    ];
    if facts.is_instance() {
        words.push(("today", today(facts)));
        return words;
    }
    words.extend([
        (
            "authority",
            match &facts.state.ca {
                Known::Is(ca) => format!("one of ours is here: {}", ca.root.subject),
                Known::Absent => "none of ours yet; this run would make one".to_owned(),
                Known::Unclear(why) => format!("could not be told: {why}"),
            },
        ),
        ("today", today(facts)),
    ]);
    words
}

/// The same as a sentence.
pub(super) fn today_in_full(facts: &Facts) -> String {
    let words = today(facts);
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// How agents and the manager stand to each other now.
fn today(facts: &Facts) -> String {
    if facts.is_instance() {
        let told = |file: &AgentFile| format!("the agent connects {}", file.connects().1);
        return match &facts.agent_setup.file {
            Known::Is(file) => told(file),
            Known::Absent => "the agent has no settings".to_owned(),
            Known::Unclear(why) => format!("could not be told: {why}"),
        };
    }
    plan::today(facts, Port::HTTPS).map_or_else(
        |problem| problem.what,
        |today| format!("agents are {today}"),
    )
}

/// The prerequisites, each with its remedy, and how many stand in the way.
pub(super) fn checks(checks: &[Check], width: usize) -> String {
    let mut text = String::new();
    for check in checks {
        let head = format!("{:<8} ", check.status.word());
        let words = format!("{}: {}", check.title, check.detail);
        text.push_str(&wrapped(&head, &words, width));
        if let Some(remedy) = &check.remedy {
            text.push_str(&advised("         ", remedy, width));
        }
    }
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    let failed = count(Status::Failed);
    let end = match failed {
        0 => "nothing stands in the way of a plan".to_owned(),
        1 => "1 thing has to be mended first".to_owned(),
        several => format!("{several} things have to be mended first"),
    };
    let end = format!(
        "{end} (ok: {}, warnings: {}, unknown: {})",
        count(Status::Ok),
        count(Status::Warning),
        count(Status::Unknown),
    );
    text.push('\n');
    text.push_str(&wrapped("", &end, width));
    text
}

/// What a cell of the table says. "N/A" holds everywhere; "not here" for this host only.
fn word(cell: &Cell, facts: &Facts) -> &'static str {
    match method::fits(cell, facts) {
        _ if cell.not_applicable.is_some() => "N/A",
        Some(Ok(())) => "fits",
        Some(Err(_)) => "not here",
        None => "offered",
    }
}

/// The comparison table, why cells do not fit, and the legs as sentences.
pub(super) fn methods(cells: &[Cell], facts: &Facts, width: usize) -> String {
    let mut text = String::new();
    line(&mut text, "", Proxy::ALL.map(Proxy::title));
    for method in Method::ALL {
        let words = Proxy::ALL.map(|proxy| {
            let cell = cells
                .iter()
                .find(|cell| cell.method == method && cell.proxy == proxy);
            cell.map_or("", |cell| word(cell, facts))
        });
        line(&mut text, method.title(), words);
    }
    text.push_str("\nNGINX Instance Manager 2. N/A: there is no such thing anywhere.\n");
    let mut reasons: Vec<(&str, String)> = Vec::new();
    for cell in cells {
        let reason = match (cell.not_applicable, method::fits(cell, facts)) {
            (Some(why), _) => ("  N/A       ", format!("{}: {why}", about(cell, why))),
            (None, Some(Err(why))) => ("  not here  ", format!("{}: {why}", cell.proxy.title())),
            (None, Some(Ok(())) | None) => continue,
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    for (head, reason) in reasons {
        text.push_str(&wrapped(head, &escaped(&reason), width));
    }
    if let Known::Is(nginx) = &facts.nginx {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\nThis host runs {}.", nginx.build);
    }
    for method in [Method::SslTermination, Method::ClientMtls] {
        let _ = writeln!(text, "\n{}", method.title());
        for leg in topology::legs(method) {
            text.push_str(&wrapped("  - ", &leg.sentence(), width));
        }
    }
    text
}

/// A reason that concerns a whole column is said once, for the column.
fn about(cell: &Cell, why: &str) -> &'static str {
    let column = method::cells()
        .iter()
        .filter(|other| other.proxy == cell.proxy)
        .all(|other| other.not_applicable == Some(why));
    if column {
        cell.proxy.title()
    } else {
        cell.method.title()
    }
}

fn line(text: &mut String, head: &str, words: [&str; 3]) {
    let [first, second, third] = words;
    let row = format!("{head:<20}{first:<11}{second:<12}{third}");
    text.push_str(row.trim_end());
    text.push('\n');
}

/// What a method is good for.
pub(super) fn gives(method: Method) -> &'static str {
    match method {
        Method::SslTermination => {
            "traffic is encrypted and the manager proves who it is. Anybody who reaches the port \
             can act as an agent."
        }
        Method::ClientMtls => {
            "everything SSL Termination gives, and each agent proves who it is. Browsers need no \
             certificate. Agents without one are refused from then on."
        }
        Method::GrpcHealthChecks => "nginx watches whether the manager's services answer.",
    }
}

/// Who notices what of the work.
pub(super) fn noticed(
    facts: Option<&Facts>,
    entered: &Entered,
    plan: &Plan,
) -> [(&'static str, String); 2] {
    if entered.get("role") == "instance" {
        return noticed_by_instance(plan);
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
    let agent = if plan.step("restart").is_some() {
        "is restarted, and connects with its certificate. Where it does not get through, all is put \
         back."
    } else {
        "goes on as it is until you restart it."
    };
    let manager = "shows this instance offline for a few seconds. Its nginx serves on as before.";
    [("agent", agent.to_owned()), ("manager", manager.to_owned())]
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

/// What would be made, as a tree: who signs whom, and for how long.
pub(super) fn certificates(plan: &Plan, ascii: bool) -> Vec<String> {
    let Some(issuing) = plan.issuing() else {
        if plan.is_of_instance() {
            let words = "None is made: what the manager has issued is put in its place.";
            return vec![words.to_owned()];
        }
        return vec!["None is made: what is here is kept.".to_owned()];
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
    };
    let manager = issuing.server.as_ref();
    let manager = manager.map_or_else(|| "kept as it is".to_owned(), days);
    let agents = issuing.agents.iter();
    let mut leaves: Vec<(String, String)> = std::iter::once(("manager".to_owned(), manager))
        .chain(agents.map(|(name, agent)| (format!("agent {name}"), days(agent))))
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
