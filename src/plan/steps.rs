//! The steps of a plan in their order, each with its words.

use std::collections::BTreeMap;

use super::certificates::Certificates;
use super::enable::{Deed, Enable, Watch};
use super::file::FileChange;
use super::step::{Action, Fetch, NginxCommand, Plan, Restart, Step, TrustChange};
use super::to_issue::{Authority, Issuing};
use super::to_prove::Proof;
use crate::facts::{MANAGER_FILE, WATCH_FOLDER};
use crate::values::{AbsPath, HostName};

const TEST: &str = "test the new files with nginx -t";
const TRUST: &str = "let this system trust the root";
const RELOAD: &str = "let nginx load the new files";
const END: &str = "end workers that still serve the old rules";
pub(super) const RESTART: &str = "restart the agent";
const RESTART_MANAGER: &str = "restart the manager";
pub(super) const REACH: &str = "prove it with connections from here to the manager";
const WATCH: &str = "watch";
const WATCH_TITLE: &str = "have systemd look after it";
const PROVE: &str = "prove it with connections, good and bad";

/// How long whoever is connected under the old rules may finish before being cut off.
const GRACE: u32 = 10;

/// What there is to do beside placing files.
#[derive(Default)]
pub(super) struct Doing {
    /// Which nginx reads the files.
    pub(super) nginx: Option<NginxCommand>,
    /// It tests them in a copy of the file system that nobody else sees.
    pub(super) private: bool,
    pub(super) trust: Option<TrustChange>,
    /// Of the manager.
    pub(super) restart: Option<Restart>,
    pub(super) enable: Option<Enable>,
    pub(super) watch: Option<Watch>,
    pub(super) proof: Option<Proof>,
}

/// Only what there is to do; placing files is always part of it.
pub(super) fn steps(made: Certificates, doing: Doing) -> Vec<Step> {
    let Doing {
        nginx: command,
        private,
        trust,
        restart,
        enable,
        watch,
        proof,
    } = doing;
    let mut steps = Vec::new();
    steps.extend(made.issuing.map(issue));
    steps.extend(made.fetch.map(|fetch| {
        step(
            "fetch",
            "read the key that was brought",
            "into memory; it is written only where nginx reads it",
            "nothing to undo",
            Action::Fetch(fetch),
        )
    }));
    steps.extend(fetch_keys(made.fetch_keys));
    if let Some(command) = &command {
        steps.push(test(command.clone(), private));
    }
    let (before, after) = watch_steps(watch);
    steps.extend(before);
    steps.push(place());
    steps.extend(trust.map(trust_step));
    steps.extend(enable.map(enable_step));
    steps.extend(after);
    steps.extend(restart.map(|restart| {
        step(
            "restart",
            RESTART_MANAGER,
            "it reads its settings once, when it starts",
            "the manager is restarted with what was there before",
            Action::Restart(restart),
        )
    }));
    if let Some(command) = command {
        steps.push(reload(command));
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
    let anchor = plan
        .changed_files()
        .any(|file| file.path.as_str().ends_with("/nim-tls-root.crt"));
    let trust = anchor.then_some(("trust", TRUST));
    let mut placed = plan.changed_files();
    let unit = |file: &FileChange| file.path.as_str().starts_with(WATCH_FOLDER);
    let watch = placed.any(unit).then_some((WATCH, WATCH_TITLE));
    let state = plan.issuing().map(|issuing| issuing.folder.parent());
    let inside = |state: AbsPath| plan.files.iter().all(|file| file.path.is_below(&state));
    if state.is_some_and(inside) {
        return Vec::new();
    }
    if plan.is_of_instance() {
        // Its NGINX is told something too, or nothing.
        let mut reasons = plan.changed_files().flat_map(|file| &file.reasons);
        let nginx = reasons.any(|(_, why)| why.id.starts_with("usage-"));
        let told = [("test", TEST)].into_iter().filter(|_| nginx);
        let loaded = [("reload", RELOAD)].into_iter().filter(|_| nginx);
        let rest = [("restart", RESTART), ("prove", REACH)];
        return told
            .chain(trust)
            .chain(watch)
            .chain(loaded)
            .chain(rest)
            .collect();
    }
    let mut steps = vec![("test", TEST)];
    steps.extend(trust.into_iter().chain(watch));
    let mut changed = plan.changed_files();
    if changed.any(|file| file.path.as_str() == MANAGER_FILE) {
        steps.push(("restart", RESTART_MANAGER));
    }
    steps.extend([
        ("reload", RELOAD),
        ("end-old-workers", END),
        ("prove", PROVE),
    ]);
    steps
}

pub(super) fn issue(issuing: Issuing) -> Step {
    let signs = issuing.authority != Authority::NotNeeded || issuing.clients.is_some();
    let title = match (signs, &issuing.requests) {
        (true, Some(_)) => "make keys, certificates and signing requests",
        (false, Some(_)) => "make keys and signing requests",
        (_, None) => "make keys and certificates",
    };
    step(
        "issue",
        title,
        "in memory, before anything on this host changes",
        "nothing to undo",
        Action::Issue(issuing),
    )
}

pub(super) fn fetch_keys(keys: BTreeMap<HostName, Fetch>) -> Option<Step> {
    (!keys.is_empty()).then(|| {
        step(
            "fetch-keys",
            "read the keys of agents whose certificates have come back",
            "into memory; each is written only where it is handed out from",
            "nothing to undo",
            Action::FetchKeys(keys),
        )
    })
}

/// `private`: in a copy of the file system that nobody else sees.
pub(super) fn test(command: NginxCommand, private: bool) -> Step {
    step(
        "test",
        TEST,
        if private {
            "in a private copy of the file system, so that a mistake is found before it matters"
        } else {
            "the weaker test, on a copy of the configuration with other paths in it: no private \
             copy of the file system can be had here"
        },
        "nothing to undo",
        Action::Test(command),
    )
}

pub(super) fn reload(command: NginxCommand) -> Step {
    step(
        "reload",
        RELOAD,
        "new workers must appear: nginx refuses a configuration without telling its caller",
        "nginx loads the files of before again",
        Action::Reload(command),
    )
}

pub(super) fn place() -> Step {
    step(
        "place",
        "put the files in place",
        "each is written beside its target and renamed over it; what was there is kept",
        "every file is put back with its bytes, mode and owner; new ones are removed",
        Action::Place,
    )
}

pub(super) fn trust_step(trust: TrustChange) -> Step {
    step(
        "trust",
        TRUST,
        "so that programs on this host accept the manager's certificate",
        "the folders that the command rewrites are put back as they were",
        Action::Trust(trust),
    )
}

pub(super) fn enable_step(enable: Enable) -> Step {
    step(
        "enable",
        "have services come up with the system",
        "what is proven now holds after a restart of this host only if they do",
        "the links that the command makes are taken away again; the services run on",
        Action::Enable(enable),
    )
}

/// Those before files are placed, and those after it: units that run have their files, from their
/// start to their end.
pub(super) fn watch_steps(watch: Option<Watch>) -> (Option<Step>, Option<Step>) {
    let Some(watch) = watch else {
        return (None, None);
    };
    if watch.deed != Deed::End {
        let step = step(
            WATCH,
            WATCH_TITLE,
            "an upgrade of NGINX Instance Manager may put its own files back without a word",
            "the units are stopped, and the links that the command makes are taken away again",
            Action::Watch(watch),
        );
        return (None, Some(step));
    }
    let forget = Watch {
        deed: Deed::Forget,
        ..watch.clone()
    };
    let before = step(
        "watch-end",
        "have systemd look after it no longer",
        "the units are stopped before their files go",
        "the units are started again, with the links of before",
        Action::Watch(watch),
    );
    let after = step(
        "watch-forget",
        "have systemd forget the units",
        "it goes by what it has read, until it reads again",
        "it reads them again",
        Action::Watch(forget),
    );
    (Some(before), Some(after))
}

pub(super) fn step(id: &str, title: &str, why: &str, undo: &str, action: Action) -> Step {
    let own = str::to_owned;
    Step {
        id: own(id),
        title: own(title),
        why: own(why),
        undo: own(undo),
        action,
    }
}
