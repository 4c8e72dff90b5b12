#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "plans are kept in files of this machine"
)]

use std::fs;
use std::sync::Arc;

use super::*;
use crate::front::tests::wishes::WISHES;
use crate::plan::tests::hosts::HOSTS;

fn kept(folder: &Path, at: usize) -> Option<(Ground, Reviewed)> {
    let answers = folder.join("answers.yaml");
    fs::write(&answers, WISHES[0].file(HOSTS[at].has_authority)).unwrap();
    let ground = Ground::of(Arc::new(HOSTS[at].host()));
    let text = fs::read_to_string(&answers).unwrap();
    let (facts, plan) = session::planned_on(&ground, &session::answers(&answers).unwrap()).ok()?;
    let reviewed = Reviewed::new(&ground, &answers, &text, &plan, Basis::of(&facts));
    Some((ground, reviewed))
}

/// Red where a part of a plan is not written down as it is read.
#[test]
fn what_was_kept_is_read_again_and_is_still_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for at in 0..HOSTS.len() {
        let Some((ground, reviewed)) = kept(folder.path(), at) else {
            continue;
        };
        count += 1;
        let file = folder.path().join(format!("plan-{at}.json"));
        reviewed.save(&file).unwrap();
        let read = Reviewed::load(&file).unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(read, reviewed);
        read.is_for(&ground, &file).unwrap();
        let answers = read.answers(&file).unwrap();
        let (facts, plan) = session::planned_on(&ground, &answers).unwrap();
        read.is_still(&ground, &plan, &Basis::of(&facts)).unwrap();
        let problem = reviewed.save(&file).unwrap_err();
        assert!(problem.what.contains("exists"), "{problem}");
    }
    assert!(count > 12, "{count}");
}

/// Red where the bytes are not compared. No byte can be another, and none be missing.
#[test]
fn every_edit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (_, reviewed) = kept(folder.path(), 0).unwrap();
    let whole = reviewed.json().into_bytes();
    let file = folder.path().join("plan.json");
    let taken = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        Reviewed::load(&file).is_ok()
    };
    assert!(taken(&whole));
    for at in (0..whole.len()).step_by(97) {
        assert!(!taken(&whole[..at]), "cut at {at}");
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        assert!(!taken(&flipped), "another byte at {at}");
    }
}
