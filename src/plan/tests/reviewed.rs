//! A reviewed plan, held against the host of another day.

use super::stand::{NMS_HTTP, STATE, Stand};
use crate::facts::{Facts, Known};
use crate::plan::{Action, Basis, Plan, not_as_reviewed, plan};

const DAY: i64 = 24 * 60 * 60;

fn planned(stand: &Stand, facts: &Facts) -> (Plan, Basis) {
    let plan = plan(facts, &stand.answers()).unwrap_or_else(|problem| panic!("{problem}"));
    (plan, Basis::of(facts))
}

/// What is said when it is done on `then` and was reviewed on `stand`.
fn said(stand: &Stand, then: &Stand) -> String {
    let (reviewed, basis) = planned(stand, &stand.facts());
    let (now, rests_on) = planned(then, &then.facts());
    not_as_reviewed((&reviewed, &basis), (&now, &rests_on)).join("\n")
}

#[test]
fn another_day_another_process_and_other_clients_change_nothing() {
    let stand = Stand::stock().newer();
    let (reviewed, basis) = planned(&stand, &stand.facts());
    let mut other = stand.clone();
    other.clients.push("10.1.2.3:4000".parse().unwrap());
    let mut facts = other.facts();
    facts.looked_at += 30 * DAY;
    let Known::Is(nginx) = &mut facts.nginx else {
        panic!("there is an nginx");
    };
    nginx.master.as_mut().unwrap().pid = 4711;
    let (now, rests_on) = planned(&other, &facts);
    assert_ne!(now.notes, reviewed.notes, "who is connected was to be told");
    assert_ne!(now.steps, reviewed.steps, "the process was to be another");
    let differs = not_as_reviewed((&reviewed, &basis), (&now, &rests_on));
    assert!(differs.is_empty(), "{differs:?}");
}

#[test]
fn every_fact_that_counts_is_named() {
    let stand = Stand::stock();
    let conf = stand.files["/etc/nginx/nginx.conf"].clone();
    let edited = format!("{}# by hand\n", stand.files[NMS_HTTP]);
    let changed = |path: &str| format!("{path}: its contents changed");
    for (then, words) in [
        (
            stand.clone().with_file(NMS_HTTP, &edited),
            changed(NMS_HTTP),
        ),
        (
            stand
                .clone()
                .with_file("/etc/nginx/nginx.conf", &format!("{conf}\n")),
            changed("/etc/nginx/nginx.conf"),
        ),
        (
            stand
                .clone()
                .with_file("/etc/nginx/mime.types", "types { text/css css; }\n"),
            changed("/etc/nginx/mime.types"),
        ),
        (
            stand.clone().with_version("nginx/1.24.0"),
            "nginx: is nginx 1.24.0 now, and was nginx 1.22.1".to_owned(),
        ),
        (
            stand.clone().with_file("/etc/nms/certs/server.crt", "x\n"),
            "/etc/nms/certs/server.crt: is there now".to_owned(),
        ),
    ] {
        let said = said(&stand, &then);
        assert!(said.contains(&words), "{words} is not in:\n{said}");
    }
    let unrelated = stand.clone().with_file("/etc/motd", "welcome\n");
    assert_eq!(said(&stand, &unrelated), "");
}

#[test]
fn other_answers_are_another_plan() {
    let stand = Stand::stock();
    let agents = stand.clone().answer("[web-1.", "[web-2.");
    let words = said(&stand, &agents);
    for expected in [
        &format!("{STATE}/issued/web-1.example.com/agent.key: was reviewed, and would not be"),
        &format!("{STATE}/issued/web-2.example.com/agent.key: would be written now, and was not"),
        "make keys and certificates: what would be done now is not what was reviewed",
    ] {
        assert!(words.contains(expected), "{expected} is not in:\n{words}");
    }
    // What an answer says that was a default before is the same, and yet not what was reviewed.
    let said_out = stand
        .clone()
        .answer("alt_names", "ports: {https: 443}\nalt_names");
    assert!(said(&stand, &said_out).contains("what the answers left open"));
}

#[test]
fn what_is_carried_out_can_not_be_another_unnoticed() {
    let stand = Stand::stock();
    let facts = stand.facts();
    let (honest, basis) = planned(&stand, &facts);
    for at in 0..honest.steps.len() {
        let mut forged = honest.clone();
        match &mut forged.steps[at].action {
            Action::Issue(issuing) => issuing.server = None,
            Action::Test(nginx) | Action::Reload(nginx) => nginx.binary = "/tmp/evil".to_owned(),
            Action::Place => continue,
            Action::Trust(trust) => trust.command = "/tmp/evil".to_owned(),
            Action::EndOldWorkers { after_seconds } => *after_seconds = 0,
            Action::Prove(proof) => proof.listeners.clear(),
            Action::Fetch(_)
            | Action::FetchKeys(_)
            | Action::Restart(_)
            | Action::Enable(_)
            | Action::Watch(_)
            | Action::Reach(_) => {
                panic!("no manager has these")
            }
        }
        let title = &honest.steps[at].title;
        let differs = not_as_reviewed((&forged, &basis), (&honest, &basis));
        let words = format!("{title}: what would be done now is not what was reviewed");
        assert_eq!(differs, [words]);
    }
    for at in 0..honest.files.len() {
        let mut forged = honest.clone();
        forged.files[at].mode.0 = 0o4777;
        let path = &honest.files[at].path;
        let differs = not_as_reviewed((&forged, &basis), (&honest, &basis));
        let words = format!("{path}: what would be written now is not what was reviewed");
        assert_eq!(differs, [words]);
    }
}
