//! Plans of an instance: one machine is both, and the bundle is what the manager has issued there.

use std::net::Ipv4Addr;

use super::Stand;
use super::authority::NOW;
use crate::answers::{InstanceAnswers, read};
use crate::error::Problem;
use crate::facts::{AgentFile, Facts, FileFact, Known, Override, Service};
use crate::plan::{Action, Content, FileChange, Piece, Plan, Status, instance};
use crate::values::Mode;
use crate::yaml::value_of;

const BUNDLE: &str = "/var/lib/nim-tls/issued/web-1.example.com";
const SETTINGS: &str = "/etc/nginx-agent/nginx-agent.conf";
const PACKAGED: &str = "\
server:
  host: 127.0.0.1 # for now
  grpcPort: 54789
  token: \"not for your eyes\"
tls:
  enable: false
  skip_verify: true
";

pub(super) fn answers(change: impl Fn(String) -> String) -> InstanceAnswers {
    let text = format!(
        "version: 1\nrole: instance\ngeneration: nim2\nproxy: nginx-oss\nmethod: client-mtls\n\
         manager_name: nim.example.com\ncertificates: {{agent: {{bundle: {BUNDLE}}}}}\n"
    );
    InstanceAnswers::check(&read(change(text).as_bytes()).unwrap()).unwrap()
}

fn usual() -> InstanceAnswers {
    answers(|text| text)
}

/// A host with an agent of this version, and what a manager has issued for it.
fn facts(change: impl Fn(&mut Facts)) -> Facts {
    let mut facts = facts_of(&Stand::stock().applied());
    change(&mut facts);
    facts
}

pub(super) fn facts_of(stand: &Stand) -> Facts {
    let stand = stand.clone().with_file(SETTINGS, PACKAGED);
    let mut facts = stand.facts();
    assert_eq!(facts.looked_at, NOW);
    facts.agent = Known::Is("2.46.7".to_owned());
    facts.systemd = Known::Is(());
    let active = Known::Is(Service {
        state: "active".to_owned(),
        left_out: None,
    });
    facts.services.insert("nginx-agent".to_owned(), active);
    let folder = FileFact::NotAFile("a folder".to_owned());
    facts.files.insert(BUNDLE.parse().unwrap(), folder);
    let local = vec![Ipv4Addr::LOCALHOST.into()];
    let name = "nim.example.com".parse().unwrap();
    facts.names.insert(name, Known::Is(local));
    facts
}

fn planned(facts: &Facts, answers: &InstanceAnswers) -> Plan {
    instance::plan(facts, answers).unwrap_or_else(|problem| panic!("{problem}"))
}

fn refused(facts: &Facts, answers: &InstanceAnswers) -> Problem {
    let problem = instance::plan(facts, answers).expect_err("this was to be refused");
    assert!(problem.remedy.is_some(), "{problem}");
    problem
}

fn file<'a>(plan: &'a Plan, path: &str) -> &'a FileChange {
    let found = plan.files.iter().find(|file| file.path.as_str() == path);
    found.unwrap_or_else(|| panic!("{path} is not planned"))
}

fn text<'a>(plan: &'a Plan, path: &str) -> &'a str {
    match &file(plan, path).content {
        Content::Text(text) => text,
        Content::Issued(piece) => panic!("{piece:?}"),
    }
}

fn steps(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.id.as_str()).collect()
}

#[test]
fn certificate_key_authority_and_settings_are_placed() {
    let plan = planned(&facts(|_| {}), &usual());
    assert_eq!(steps(&plan), ["fetch", "place", "restart", "prove"]);
    let key = file(&plan, "/etc/nms/certs/agent.key");
    assert_eq!(key.content, Content::Issued(Piece::CarriedKey));
    assert!(key.is_sensitive());
    assert_eq!((key.mode, key.owner), (Mode(0o600), (0, 0)));
    assert_eq!(
        text(&plan, "/etc/nms/certs/agent.crt")
            .matches("BEGIN")
            .count(),
        2
    );
    assert_eq!(
        text(&plan, "/etc/nms/certs/agent-ca.pem")
            .matches("BEGIN")
            .count(),
        1
    );
    let settings = text(&plan, SETTINGS);
    for (section, key, wanted) in [
        ("server", "host", "nim.example.com"),
        ("server", "grpcPort", "443"),
        ("server", "command", "nim.example.com"),
        ("server", "metrics", "nim.example.com"),
        ("server", "token", "not for your eyes"),
        ("tls", "enable", "true"),
        ("tls", "skip_verify", "false"),
        ("tls", "ca", "/etc/nms/certs/agent-ca.pem"),
        ("tls", "cert", "/etc/nms/certs/agent.crt"),
        ("tls", "key", "/etc/nms/certs/agent.key"),
    ] {
        assert_eq!(
            value_of(settings, section, key).as_deref(),
            Some(wanted),
            "{settings}"
        );
    }
    assert!(settings.contains("# for now"), "{settings}");
    let reasons = &file(&plan, SETTINGS).reasons;
    assert_eq!(reasons.len(), 9, "each new line says why: {reasons:?}");
}

#[test]
fn no_secret_is_in_a_plan() {
    let plan = planned(&facts(|_| {}), &usual());
    let written = serde_json::to_string(&plan).unwrap();
    assert!(!written.contains("PRIVATE KEY"), "{written}");
}

#[test]
fn names_and_ports_are_those_of_the_answers() {
    let wanted = answers(|text| text + "agent_name: agents.example.com\nports: {grpc: 8443}\n");
    let plan = planned(&facts(|_| {}), &wanted);
    let settings = text(&plan, SETTINGS);
    let value = |key| value_of(settings, "server", key).unwrap();
    assert_eq!(value("host"), "nim.example.com");
    assert_eq!(value("grpcPort"), "8443");
    assert_eq!(
        (value("command"), value("metrics")),
        (
            "agents.example.com".to_owned(),
            "agents.example.com".to_owned()
        )
    );
    let Some(Action::Reach(proof)) = plan.steps.last().map(|step| &step.action) else {
        panic!("it ends with a proof");
    };
    assert_eq!(
        (proof.name.as_str(), proof.port.number()),
        ("agents.example.com", 8443)
    );
}

#[test]
fn what_is_there_already_is_taken_as_it_is() {
    let first = planned(&facts(|_| {}), &usual());
    let settings = text(&first, SETTINGS).to_owned();
    let facts = facts(|facts| {
        facts.agent_setup.file = Known::Is(AgentFile {
            path: SETTINGS.parse().unwrap(),
            text: settings.clone(),
        });
        // As they are after the first.
        for (path, from) in [
            ("agent.crt", "agent.crt"),
            ("agent.key", "agent.key"),
            ("agent-ca.pem", "ca.pem"),
        ] {
            let from = format!("{BUNDLE}/{from}").parse().unwrap();
            let FileFact::File(mut found) = facts.file(&from).clone() else {
                panic!("{from} is not there");
            };
            found.mode = Mode(if path == "agent.key" { 0o600 } else { 0o644 });
            found.ours = true;
            let path = format!("/etc/nms/certs/{path}").parse().unwrap();
            facts.files.insert(path, FileFact::File(found));
        }
    });
    let plan = planned(&facts, &usual());
    let changed: Vec<_> = plan
        .changed_files()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(changed, [""; 0], "twice is as once");
    assert!(plan.is_empty());
}

#[test]
fn a_name_that_somebody_else_has_taken_is_left_alone() {
    let plan = planned(
        &facts(|facts| {
            let key = "/etc/nms/certs/agent.key".parse().unwrap();
            let from = "/etc/nms/certs/manager-server.key".parse().unwrap();
            let found = facts.file(&from).clone();
            facts.files.insert(key, found);
        }),
        &usual(),
    );
    file(&plan, "/etc/nms/certs/nim-tls-agent.key");
    let key = value_of(text(&plan, SETTINGS), "tls", "key");
    assert_eq!(key.as_deref(), Some("/etc/nms/certs/nim-tls-agent.key"));
}

#[test]
fn an_agent_that_is_not_root_reads_the_key_by_its_group() {
    let plan = planned(
        &facts(|facts| facts.agent_setup.runs_as = Known::Is((998, 997))),
        &usual(),
    );
    let key = file(&plan, "/etc/nms/certs/agent.key");
    assert_eq!((key.mode, key.owner), (Mode(0o640), (0, 997)));
    assert!(
        plan.notes.iter().any(|note| note.contains("user 998")),
        "{:?}",
        plan.notes
    );
}

#[test]
fn without_systemd_nothing_is_restarted_and_that_is_said() {
    let plan = planned(&facts(|facts| facts.systemd = Known::Absent), &usual());
    assert_eq!(steps(&plan), ["fetch", "place", "prove"]);
    assert!(
        plan.notes
            .iter()
            .any(|note| note.contains("until you restart it")),
        "{:?}",
        plan.notes
    );
}

#[test]
fn a_host_without_settings_gets_some() {
    let plan = planned(
        &facts(|facts| {
            facts.agent_setup.file = Known::Absent;
            facts.files.remove(&SETTINGS.parse().unwrap());
        }),
        &usual(),
    );
    let settings = file(&plan, SETTINGS);
    assert_eq!(
        (settings.status, settings.mode),
        (Status::Create, Mode(0o640))
    );
}

#[test]
fn what_counts_more_than_the_file_has_to_say_the_same() {
    let with = |key: &str, value: &str| {
        let made = Override {
            made_in: "the environment of the running agent (X)".to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
        };
        facts(|facts| facts.agent_setup.overrides = vec![made.clone()])
    };
    let problem = refused(&with("tls.skip_verify", "true"), &usual());
    assert!(
        problem.what.contains("sets tls.skip_verify to \"true\""),
        "{problem}"
    );
    refused(&with("server.grpcport", "443x"), &usual());
    for (key, value) in [
        ("server.grpcport", "443"),
        ("tls.enable", "TRUE"),
        ("server.token", "x"),
    ] {
        planned(&with(key, value), &usual());
    }
}

#[test]
fn agents_of_other_versions_are_refused() {
    for version in ["3.11.3", "1.0.0", "0.9.4"] {
        let facts = facts(|facts| facts.agent = Known::Is(version.to_owned()));
        assert!(refused(&facts, &usual()).what.contains(version));
    }
    let unclear = facts(|facts| facts.agent = Known::Unclear("nobody asked".to_owned()));
    assert!(refused(&unclear, &usual()).what.contains("nobody asked"));
    let none = facts(|facts| facts.agent = Known::Absent);
    assert!(refused(&none, &usual()).what.contains("not installed"));
}

#[test]
fn a_certificate_that_would_not_do_is_refused() {
    let expired = facts(|facts| facts.looked_at += 2 * 365 * 86_400);
    let problem = refused(&expired, &usual());
    assert!(problem.what.contains("has expired"), "{problem}");
    let early = facts(|facts| facts.looked_at -= 86_400 * 365);
    assert!(refused(&early, &usual()).what.contains("is not valid"));
    // What a manager presents is not made for agents.
    let pair = "cert: /etc/nms/certs/server.crt, key: /etc/nms/certs/server.key";
    let servers = answers(|text| text.replace(&format!("bundle: {BUNDLE}"), pair));
    assert!(
        refused(&facts(|_| {}), &servers)
            .what
            .contains("clientAuth")
    );
}

#[test]
fn the_nginx_of_the_instance_is_the_one_that_was_named() {
    let plus = answers(|text| text.replace("nginx-oss", "nginx-plus"));
    let problem = refused(&facts(|_| {}), &plus);
    assert!(
        problem.what.contains("this instance runs nginx 1.22.1"),
        "{problem}"
    );
    assert_eq!(problem.remedy.as_deref(), Some("say proxy: nginx-oss"));
}

#[test]
fn what_somebody_has_put_in_place_by_hand_is_not_copied_beside_it() {
    let in_place = |mode: u32| {
        facts(|facts| {
            for (path, from) in [("agent.crt", "agent.crt"), ("agent.key", "agent.key")] {
                let from = format!("{BUNDLE}/{from}").parse().unwrap();
                let FileFact::File(mut found) = facts.file(&from).clone() else {
                    panic!("{from} is not there");
                };
                (found.ours, found.mode) = (false, Mode(mode));
                let path = format!("/etc/nms/certs/{path}").parse().unwrap();
                facts.files.insert(path, FileFact::File(found));
            }
        })
    };
    let plan = planned(&in_place(0o600), &usual());
    let changed: Vec<_> = plan
        .changed_files()
        .map(|file| file.path.as_str())
        .collect();
    assert!(
        changed
            .iter()
            .all(|path| !path.contains("agent.key") && !path.contains("agent.crt")),
        "{changed:?}"
    );
    let key = value_of(text(&plan, SETTINGS), "tls", "key");
    assert_eq!(key.as_deref(), Some("/etc/nms/certs/agent.key"));
    let problem = refused(&in_place(0o644), &usual());
    assert!(
        problem.what.contains("others can read the key"),
        "{problem}"
    );
    let mut facts = in_place(0o600);
    facts.agent_setup.runs_as = Known::Is((998, 997));
    let problem = refused(&facts, &usual());
    assert!(
        problem.what.contains("the agent cannot read the key"),
        "{problem}"
    );
    assert!(problem.remedy.unwrap().starts_with("chown root:997 "));
}
