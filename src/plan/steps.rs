//! The steps of a plan in their order, each with its words.

use super::certificates::Certificates;
use super::file::{Content, Piece};
use super::step::{Action, NginxCommand, Plan, Proof, Step, TrustChange};

const TEST: &str = "test the new files with nginx -t";
const TRUST: &str = "let this system trust the root";
const RELOAD: &str = "let nginx load the new files";
const END: &str = "end workers that still serve the old rules";
const PROVE: &str = "prove it with connections, good and bad";

/// How long whoever is connected under the old rules may finish before being cut off.
const GRACE: u32 = 10;

/// Only what there is to do; placing files is always part of it.
pub(super) fn steps(
    made: Certificates,
    command: Option<NginxCommand>,
    trust: Option<TrustChange>,
    proof: Option<Proof>,
    private: bool,
) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(issuing) = made.issuing {
        steps.push(step(
            "issue",
            "make keys and certificates",
            "in memory, before anything on this host changes",
            "nothing to undo",
            Action::Issue(issuing),
        ));
    }
    if let Some(command) = &command {
        steps.push(step(
            "test",
            TEST,
            if private {
                "in a private copy of the file system, so that a mistake is found before it matters"
            } else {
                "the weaker test, on a copy of the configuration with other paths in it: no \
                 private copy of the file system can be had here"
            },
            "nothing to undo",
            Action::Test(command.clone()),
        ));
    }
    steps.push(step(
        "place",
        "put the files in place",
        "each is written beside its target and renamed over it; what was there is kept",
        "every file is put back with its bytes, mode and owner; new ones are removed",
        Action::Place,
    ));
    if let Some(trust) = trust {
        steps.push(step(
            "trust",
            TRUST,
            "so that programs on this host accept the manager's certificate",
            "the folders that the command rewrites are put back as they were",
            Action::Trust(trust),
        ));
    }
    if let Some(command) = command {
        steps.push(step(
            "reload",
            RELOAD,
            "new workers must appear: nginx refuses a configuration without telling its caller",
            "nginx loads the files of before again",
            Action::Reload(command),
        ));
        steps.push(step(
            "end-old-workers",
            END,
            "a reload ends no connection: whoever is connected would stay under the old rules",
            "nothing to undo: clients connect again",
            Action::EndOldWorkers {
                after_seconds: GRACE,
            },
        ));
    }
    if let Some(proof) = proof {
        steps.push(step(
            "prove",
            PROVE,
            "only a request shows who gets through",
            "nothing to undo: no call that is tried exists behind nginx",
            Action::Prove(proof),
        ));
    }
    steps
}

/// The steps that a plan for a running system has and one for a folder (`--root`) has not: id
/// and title. The trust store is among them where the root is placed for it.
pub fn live_only(plan: &Plan) -> Vec<(&'static str, &'static str)> {
    let anchor = plan.changed_files().any(|file| {
        let root = file.content == Content::Issued(Piece::RootCertificate);
        root && file.path.as_str().ends_with("/nim-tls-root.crt")
    });
    let mut steps = vec![("test", TEST)];
    steps.extend(anchor.then_some(("trust", TRUST)));
    steps.extend([
        ("reload", RELOAD),
        ("end-old-workers", END),
        ("prove", PROVE),
    ]);
    steps
}

fn step(id: &str, title: &str, why: &str, undo: &str, action: Action) -> Step {
    let own = str::to_owned;
    Step {
        id: own(id),
        title: own(title),
        why: own(why),
        undo: own(undo),
        action,
    }
}
