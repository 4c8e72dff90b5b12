//! What earlier runs left.

use super::super::look;
use super::scene::{path, process, wanted};
use crate::host::Memory;
use crate::plan::SCHEMA;
use crate::receipt::{After, Before, Change, Outcome, Receipt, Reload};
use crate::values::{Digest, Mode, Owner, RunId};

const FILE: &str = "/etc/nms/certs/server.crt";

fn run(id: &str, outcome: Outcome, left: Option<&str>) -> Receipt {
    let change = left.map(|text| Change {
        path: FILE.to_owned(),
        before: Before::Nothing,
        after: After::File {
            digest: Digest::of(text.as_bytes()),
            mode: Mode(0o644),
            owner: Owner::ROOT,
        },
        secret: false,
    });
    Receipt {
        schema: SCHEMA,
        run: id.parse().unwrap(),
        command: "apply".to_owned(),
        started: 0,
        ended: 1,
        outcome,
        changes: change.into_iter().collect(),
        reload: Reload::NotNeeded,
        proof: Vec::new(),
        proves: None,
        reaches: None,
        problem: None,
        undid: None,
        not_kept: false,
        left: Vec::new(),
        kept: Vec::new(),
        nginx_test: None,
        skipped: Vec::new(),
    }
}

fn undo(id: &str, undone: &str, outcome: Outcome) -> Receipt {
    Receipt {
        undid: undone.parse().ok(),
        ..run(id, outcome, Some("restored"))
    }
}

fn host(text: &str, receipts: &[Receipt]) -> Memory {
    receipts
        .iter()
        .fold(Memory::new().with_file(FILE, text), |host, receipt| {
            let file = format!("/var/lib/nim-tls/runs/{}/receipt.json", receipt.run);
            host.with_file(file, serde_json::to_vec(receipt).unwrap())
        })
}

fn is_ours(text: &str, receipts: &[Receipt]) -> bool {
    look(&host(text, receipts), &wanted()).files[&path(FILE)]
        .file()
        .unwrap()
        .ours
}

#[test]
fn ours_is_what_the_last_standing_run_wrote() {
    use Outcome::{Applied, Incomplete, Refused, RolledBack};
    let first = run("2026-11-23-01", Applied, Some("one"));
    let second = run("2026-11-23-02", Applied, Some("two"));
    let undone = undo("2026-11-23-03", "2026-11-23-02", RolledBack);

    assert!(is_ours("one", std::slice::from_ref(&first)));
    assert!(!is_ours("edited", std::slice::from_ref(&first)));
    assert!(!is_ours("one", &[]));
    assert!(is_ours("two", &[first.clone(), second.clone()]));
    assert!(
        !is_ours("one", &[first.clone(), second.clone()]),
        "it was replaced"
    );
    let all = [first.clone(), second.clone(), undone.clone()];
    assert!(is_ours("one", &all) && !is_ours("two", &all));
    assert!(
        !is_ours("restored", &all),
        "undoing puts back what was somebody else's"
    );
    let refused = undo("2026-11-23-03", "2026-11-23-02", Refused);
    assert!(is_ours("two", &[first.clone(), second.clone(), refused]));
    assert!(!is_ours(
        "one",
        &[run("2026-11-23-01", RolledBack, Some("one"))]
    ));
    assert!(is_ours(
        "one",
        &[run("2026-11-23-01", Incomplete, Some("one"))]
    ));
}

/// The same, with what it has proven of agents without a certificate.
fn proving(id: &str, refused: bool, left: Option<&str>) -> Receipt {
    let agents = serde_json::json!({
        "services": [], "check_log": null, "server_chain": FILE, "server_key": FILE,
        "stale_names": [],
    });
    let proof = serde_json::json!({
        "listeners": [], "name": "nim.example.com", "other_names": [], "trust": "kept",
        "agents": refused.then_some(agents), "state": "/var/lib/nim-tls", "master": null,
    });
    Receipt {
        proves: serde_json::from_value(proof).unwrap(),
        ..run(id, Outcome::Applied, left)
    }
}

#[test]
fn what_was_proven_last_is_what_runs_in_force_have_proven() {
    let refused = |receipts: &[Receipt]| look(&host("", receipts), &wanted()).state.refused_agents;
    let first = proving("2026-11-23-01", true, Some("one"));
    assert_eq!(refused(&[]), None);
    assert_eq!(refused(std::slice::from_ref(&first)), Some(true));
    // One that changed nothing counts where it is called applied.
    let alone = proving("2026-11-23-02", false, None);
    assert_eq!(refused(&[first.clone(), alone.clone()]), Some(false));
    let unchanged = Receipt {
        outcome: Outcome::Unchanged,
        ..alone.clone()
    };
    assert_eq!(refused(&[first.clone(), unchanged]), Some(true));
    let without = run("2026-11-23-03", Outcome::Applied, Some("three"));
    let all = [first, alone, without];
    assert_eq!(refused(&all), Some(false));
    let mut all = all.to_vec();
    all.push(undo("2026-11-23-04", "2026-11-23-02", Outcome::RolledBack));
    assert_eq!(refused(&all), Some(true));
}

#[test]
fn runs_are_counted_not_spelled() {
    let early = run("2026-11-23-99", Outcome::Applied, Some("early"));
    let late = run("2026-11-23-100", Outcome::Applied, Some("late"));
    let next = run("2026-11-24-01", Outcome::Applied, None);
    assert!(is_ours("late", &[early, late, next]));
}

#[test]
fn a_run_without_a_receipt_was_cut_short_or_is_at_work() {
    let journal = "/var/lib/nim-tls/runs/2026-11-23-02/journal.jsonl";
    let before = run("2026-11-23-01", Outcome::Applied, None);
    let host = host("", &[before]).with_file(journal, "{}\n");
    let unfinished = |host: &Memory| look(host, &wanted()).state.unfinished.unwrap();
    let id: RunId = "2026-11-23-02".parse().unwrap();
    assert_eq!(
        unfinished(&host),
        (id.clone(), "it was cut short".to_owned())
    );

    let other = process(8, 1, "nim-tls __worker 2026-11-23-01");
    host.set_processes(vec![other.clone()]);
    assert_eq!(unfinished(&host).1, "it was cut short");
    host.set_processes(vec![
        other,
        process(9, 1, "/usr/bin/nim-tls __worker 2026-11-23-02"),
    ]);
    assert_eq!(
        unfinished(&host),
        (id, "it is at work (process 9)".to_owned())
    );
}

#[test]
fn a_run_that_changed_nothing_yet_is_not_unfinished() {
    let folder = "/var/lib/nim-tls/runs/2026-11-23-02";
    let host = Memory::new().with_file(format!("{folder}/request.json"), "{}");
    assert_eq!(look(&host, &wanted()).state.unfinished, None);
    // Cut short in the very first line: the change it announces was not made.
    let host = host.with_file(format!("{folder}/journal.jsonl"), "{\"pa");
    assert_eq!(look(&host, &wanted()).state.unfinished, None);
}

#[test]
fn a_damaged_receipt_is_not_passed_over() {
    let host = Memory::new()
        .with_file(
            "/var/lib/nim-tls/runs/2026-11-23-01/receipt.json",
            "{\"schema\": 1,",
        )
        .with_file("/var/lib/nim-tls/runs/lost+found/x", "");
    let (_, why) = look(&host, &wanted()).state.unfinished.unwrap();
    assert!(why.contains("damaged"), "{why}");
}

#[test]
fn a_run_without_a_receipt_that_a_later_one_put_back_is_over() {
    let begun = "/var/lib/nim-tls/runs/2026-11-23-99/journal.jsonl";
    let undone = undo("2026-11-23-100", "2026-11-23-99", Outcome::RolledBack);
    let unfinished = |receipts: &[Receipt]| {
        let host = host("restored", receipts).with_file(begun, "a line\n");
        look(&host, &wanted()).state.unfinished.map(|(run, _)| run)
    };
    assert_eq!(unfinished(&[]), "2026-11-23-99".parse().ok());
    assert_eq!(unfinished(&[undone]), None);
}
