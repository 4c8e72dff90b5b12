#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::plan::ReachProof;
use crate::receipt::{Before, Change};
use crate::values::{Digest, HostName, Mode, Owner, Port};

fn receipt(outcome: Outcome) -> Receipt {
    let placed = |path: &str| Change {
        path: path.to_owned(),
        before: Before::Nothing,
        after: After::File {
            digest: Digest::of(b"x"),
            mode: Mode(0o600),
            owner: Owner::ROOT,
        },
        secret: false,
    };
    Receipt {
        schema: 1,
        run: "2026-01-01-01".parse().unwrap(),
        command: "apply".to_owned(),
        started: 0,
        ended: 0,
        outcome,
        changes: vec![
            placed("/etc/nms/certs/server.crt"),
            placed("/srv/tls/issued/web-1.example.com/agent.crt"),
            placed("/srv/tls/issued/web-1.example.com/agent.key"),
        ],
        reload: Reload::Done,
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

fn shown(receipt: &Receipt, exit: u8, notes: &[String]) -> String {
    let about = About {
        goes_away: false,
        exit,
        notes,
        options: " --state-dir /srv/tls",
        issued: "/srv/tls/issued",
    };
    text(receipt, &about, 80)
}

#[test]
fn an_applied_run_ends_with_what_is_left_to_do() {
    let mut proven = receipt(Outcome::Applied);
    let name: HostName = "nim.example.com".parse().unwrap();
    proven.reaches = Some(ReachProof {
        host: name.clone(),
        name,
        port: Port::HTTPS,
        ca: None,
        system: None,
        certificate: None,
        key: None,
        shows_certificate: true,
        agent: false,
        settings: Vec::new(),
        reports: None,
    });
    let text = shown(&proven, 0, &[]);
    for line in [
        "      nim-tls certs hand-out web-1.example.com --state-dir /srv/tls",
        "      nim-tls verify --state-dir /srv/tls",
        "      nim-tls rollback 2026-01-01-01 --state-dir /srv/tls",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    assert_eq!(text.matches("hand-out ").count(), 1, "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
}

#[test]
fn what_differs_from_the_answers_is_part_of_the_result() {
    let note = format!("{LEFT}the certificate of db-1 still works");
    let applied = receipt(Outcome::Applied);
    let text = shown(&applied, 0, std::slice::from_ref(&note));
    assert!(text.contains("not as the answers want it"), "{text}");
    let document = serde_json::to_value(RunDocument::of(
        &applied,
        std::slice::from_ref(&note),
        &Outward::default(),
    ))
    .unwrap();
    assert_eq!(document["notes"][0], note);
    let unchanged = serde_json::to_value(RunDocument::unchanged(vec![note.clone()])).unwrap();
    assert_eq!(unchanged["outcome"], "unchanged");
    assert_eq!(unchanged["notes"][0], note);
}

#[test]
fn refused_is_what_never_began() {
    let mut refused = receipt(Outcome::Refused);
    assert!(shown(&refused, 1, &[]).contains("refused, nothing is changed"));
    refused.problem = Some("the disk is full; everything was put back".to_owned());
    let text = shown(&refused, 3, &[]);
    assert!(text.contains("failed, and everything was put back") && !text.contains("refused"));
    refused.problem = Some("it was interrupted; everything was put back".to_owned());
    assert!(shown(&refused, 3, &[]).contains("interrupted, and everything"));
}
