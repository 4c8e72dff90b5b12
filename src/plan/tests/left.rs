//! What the answers want otherwise, and no plan changes, is said.

use super::stand::{STATE, Stand, text};
use crate::plan::Plan;

const KEEP: &str = "certificates: {ca_key: {keep: plaintext}}";

fn said(plan: &Plan) -> String {
    let differences = plan
        .notes
        .iter()
        .filter(|note| note.starts_with(crate::plan::LEFT));
    differences.cloned().collect::<Vec<_>>().join("\n")
}

/// What is said of a settled host for these answers, and nothing else is to be done.
fn unchanged(stand: &Stand) -> String {
    let plan = stand.planned();
    assert!(
        plan.is_empty(),
        "{:?}",
        plan.changed_files().collect::<Vec<_>>()
    );
    let said = said(&plan);
    assert_eq!(plan.leaves_differences(), !said.is_empty());
    said
}

#[test]
fn the_same_answers_leave_nothing_to_say() {
    for answers in ["[]", "[10.0.0.5, nim]"] {
        let stand = Stand::stock().answer("alt_names: []", &format!("alt_names: {answers}"));
        assert_eq!(unchanged(&stand.settled()), "");
    }
    let short = "certificates: {days: {root: 300, agent: 365}, ca_key: {keep: plaintext}}";
    // Neither where a default was cut to its issuer's end.
    let short = Stand::stock().answer(KEEP, &short.replace("agent: 365", "agent: 100"));
    assert_eq!(unchanged(&short.settled()), "");
}

#[test]
fn keys_that_were_to_be_discarded_or_encrypted_and_lie_there() {
    let stand = Stand::stock().settled();
    let discard = unchanged(&stand.clone().answer("keep: plaintext", "keep: discard"));
    assert!(discard.contains("NOT encrypted"), "{discard}");
    assert!(
        discard.ends_with(&format!(
            "rm {STATE}/ca/root.key {STATE}/ca/intermediate.key"
        )),
        "{discard}"
    );
    let encrypted = unchanged(&stand.answer("keep: plaintext", "keep: encrypted"));
    assert!(encrypted.contains("NOT encrypted"), "{encrypted}");
}

#[test]
fn an_agent_that_is_no_longer_listed_still_gets_through() {
    let both = "agents: [web-1.example.com, db-1.example.com]";
    let stand = Stand::stock()
        .answer("agents: [web-1.example.com]", both)
        .settled();
    let said = unchanged(&stand.answer(both, "agents: [web-1.example.com]"));
    assert!(
        said.contains("agents that are not listed (db-1.example.com)"),
        "{said}"
    );
    assert!(!said.contains("web-1"), "{said}");
}

#[test]
fn a_root_that_is_trusted_and_names_and_lifetimes_of_before() {
    let more = "alt_names: [10.0.0.5, nim]";
    let stand = Stand::stock().answer("alt_names: []", more).settled();
    let names = unchanged(&stand.clone().answer(more, "alt_names: []"));
    assert!(names.contains("is for nim, 10.0.0.5 too"), "{names}");
    // The vendor's own name is carried over by intent.
    assert!(!names.contains("manager-server"), "{names}");

    let trusted = stand
        .clone()
        .answer(KEEP, &format!("{KEEP}\noptions: {{trust_store: false}}"));
    let said = unchanged(&trusted);
    assert!(
        said.contains("rm /usr/local/share/ca-certificates/nim-tls-root.crt && update-ca"),
        "{said}"
    );

    let days = "certificates: {days: {server: 30, agent: 30}, ca_key: {keep: plaintext}}";
    let said = unchanged(&stand.answer(KEEP, days));
    assert!(
        said.contains("the server certificate, made for 365 days"),
        "{said}"
    );
    assert!(
        said.contains("the certificate of web-1.example.com, made for 3"),
        "{said}"
    );
    assert!(!said.contains("the root"), "{said}");
}

#[test]
fn the_spread_of_lifetimes_is_said_once() {
    let plan = Stand::stock().planned();
    let spread = plan
        .notes
        .iter()
        .filter(|note| note.contains("a tenth of the 365"));
    assert_eq!(spread.count(), 1, "{:?}", plan.notes);
    assert!(text(&plan, super::stand::NMS_HTTP).contains("auth_request"));
}
