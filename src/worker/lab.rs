//! A manager's host in memory, with an nginx and a trust store that behave, and a plan for it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod plan;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::facts::{WATCH_FOLDER, WATCHERS};
use crate::host::{Command, Entry, Host, Memory, Output, Process, Signal};
use crate::pki::Authority;
use crate::plan::{Plan, Proof, ReachProof};
use crate::report::Row;
use crate::values::{AbsPath, Attributes, Mode, Owner, RunId};

use super::job::{Ending, Job};
use super::prover::Prover;
use super::run_folder::Request;
use super::runs::Runs;
use super::stage::Ourselves;

pub(super) use plan::{nginx, plan, proof_alone, second_plan};

pub(super) const CONF: &str = "/etc/nginx/conf.d/nms-http.conf";
pub(super) const OWN_CONF: &str = "/etc/nginx/conf.d/nim-tls-agents.conf";
pub(super) const KEY: &str = "/etc/nms/certs/server.key";
pub(super) const OLD_KEY: &str = "/etc/nms/old.key";
pub(super) const ANCHOR: &str = "/usr/local/share/ca-certificates/nim-tls-root.crt";
pub(super) const PROGRAM: &str = "/usr/bin/nim-tls";
pub(super) const ERROR_LOG: &str = "/var/log/nginx/error.log";
pub(super) const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const WANTED: &str = "/etc/systemd/system/multi-user.target.wants/nginx.service";
const OLD_TEXT: &str = "server { listen 443 ssl; }\n";
const MASTER: u32 = 100;

pub(super) fn state() -> AbsPath {
    "/var/lib/nim-tls".parse().unwrap()
}

/// The host before anything was done, the state folder made.
pub(super) fn machine() -> Memory {
    let nms = Owner {
        user: 998,
        group: 998,
    };
    let label = (
        "security.selinux".to_owned(),
        b"system_u:object_r:httpd_config_t:s0\0".to_vec(),
    );
    let conf = Attributes {
        extended: vec![label],
        ..Attributes::root(0o644)
    };
    let key = Attributes {
        mode: Mode(0o640),
        owner: nms,
        extended: Vec::new(),
    };
    let machine = Memory::new()
        .with_program("/usr/bin/unshare")
        .with_program("/usr/sbin/update-ca-certificates")
        .with_program("/usr/bin/systemctl")
        .with(CONF, Entry::file(OLD_TEXT, conf))
        .with(
            "/etc/nms",
            Entry::folder(Attributes {
                owner: nms,
                ..Attributes::root(0o750)
            }),
        )
        .with(OLD_KEY, Entry::file("an old key", key))
        .with_file("/usr/local/share/ca-certificates/README", "")
        .with_file(BUNDLE, "")
        .with_file("/etc/ssl/certs/java/cacerts", "java before")
        .with("/etc/ssl/certs/stale.0", Entry::link("stale.pem"))
        .with("/var/lib", Entry::folder(Attributes::root(0o755)))
        .with(
            "/etc/systemd/system",
            Entry::folder(Attributes::root(0o755)),
        )
        .with_file(ERROR_LOG, "")
        .answering(answer)
        .on_signal(signalled);
    let title = "nginx: master process /usr/sbin/nginx -c /etc/nginx/nginx.conf";
    let worker = process(MASTER + 1, MASTER, "nginx: worker process");
    machine.set_processes(vec![process(MASTER, 1, title), worker]);
    Runs::new(&machine, &state())
        .create(&request(None))
        .unwrap();
    machine
}

pub(super) fn process(pid: u32, parent: u32, title: &str) -> Process {
    Process {
        stopped: false,
        pid,
        parent,
        started: u64::from(pid),
        title: title.to_owned(),
        exe: PathBuf::from("/usr/sbin/nginx"),
        exe_deleted: false,
        cwd: PathBuf::from("/"),
        owner: Owner::ROOT,
    }
}

fn answer(machine: &Memory, command: &Command) -> Option<Output> {
    match command.program.file_name()?.to_str()? {
        "unshare" => Some(nginx_test(machine)),
        "update-ca-certificates" => {
            rebuild_trust(machine);
            Some(Output {
                code: Some(0),
                ..Output::default()
            })
        }
        "systemctl" => {
            if command.args.iter().any(|arg| arg == "--now") {
                for (target, unit) in ["paths", "timers"].iter().zip(WATCHERS) {
                    let link = format!("{WATCH_FOLDER}/{target}.target.wants/{unit}");
                    machine.put(&link, Entry::link(format!("{WATCH_FOLDER}/{unit}")));
                }
            } else if command.args.first().is_some_and(|verb| verb == "enable") {
                machine.put(WANTED, Entry::link("/lib/systemd/system/nginx.service"));
            }
            Some(Output {
                code: Some(0),
                ..Output::default()
            })
        }
        _ => None,
    }
}

/// Refuses a configuration that has a file named `broken.conf`, in the words that stand in it
/// or in some of its own.
fn nginx_test(machine: &Memory) -> Output {
    let entries = machine.entries();
    let broken = entries.get(Path::new("/etc/nginx/conf.d/broken.conf"));
    let unknown = "nginx: [emerg] unknown directive \"x\" in /etc/nginx/conf.d/broken.conf:1\n";
    let (code, said) = match broken.map(|entry| String::from_utf8_lossy(&entry.bytes)) {
        Some(words) if words.starts_with("nginx: ") => (1, words.into_owned()),
        Some(_) => (1, unknown.to_owned()),
        None => (0, "nginx: test is successful\n".to_owned()),
    };
    let stdout = b"nim-tls stage: nginx says\n".to_vec();
    Output {
        code: Some(code),
        stdout,
        stderr: said.as_bytes().to_vec(),
        ..Output::default()
    }
}

fn rebuild_trust(machine: &Memory) {
    let file = |bytes: Vec<u8>| Entry::file(bytes, Attributes::root(0o644));
    let anchor = machine.read(Path::new(ANCHOR), 1 << 20).unwrap_or_default();
    machine.put(BUNDLE, file(anchor));
    machine.put("/etc/ssl/certs/java/cacerts", file(b"java after".to_vec()));
    machine.put("/etc/ssl/certs/new/deep/er.pem", file(b"new".to_vec()));
    machine.put("/etc/ssl/certs/1234.0", Entry::link("nim-tls-root.pem"));
    machine.take_away("/etc/ssl/certs/stale.0");
}

/// As nginx does: a new worker, the old ones on their way out.
pub(super) fn signalled(machine: &Memory, to: &Process, signal: Signal) {
    let mut processes = machine.processes().unwrap();
    match signal {
        Signal::Hangup if to.pid == MASTER => {
            let next = processes.iter().map(|process| process.pid).max().unwrap() + 1;
            for worker in processes
                .iter_mut()
                .filter(|process| process.parent == MASTER)
            {
                worker.title = "nginx: worker process is shutting down".to_owned();
            }
            processes.push(process(next, MASTER, "nginx: worker process"));
        }
        _ => processes.retain(|process| process.pid != to.pid),
    }
    machine.set_processes(processes);
}

pub(super) fn request(undoes: Option<&RunId>) -> Request {
    Request {
        command: "test".to_owned(),
        undoes: undoes.cloned(),
        user: "alice".to_owned(),
        keep_within: None,
        runs_seen: None,
        answers: None,
        by_switch: false,
        terminal: "/dev/pts/3".to_owned(),
    }
}

/// A proof that comes out as told.
pub(super) struct Told(pub bool);

impl Prover for Told {
    fn before(&mut self, _host: &dyn Host, _plan: &Plan) {}

    fn prove(
        &mut self,
        _host: &dyn Host,
        _proof: &Proof,
        authority: Option<&Authority>,
        tell: &mut dyn FnMut(&Row),
    ) -> Vec<Row> {
        assert!(authority.is_some(), "throw-away clients need the authority");
        self.tell(tell)
    }

    fn reach(
        &mut self,
        _host: &dyn Host,
        _proof: &ReachProof,
        tell: &mut dyn FnMut(&Row),
    ) -> Vec<Row> {
        self.tell(tell)
    }
}

/// The same of agents whose certificates are there: nothing is made for the proof.
pub(super) struct ToldOfOurs;

impl Prover for ToldOfOurs {
    fn before(&mut self, _host: &dyn Host, _plan: &Plan) {}

    fn prove(
        &mut self,
        _host: &dyn Host,
        _proof: &Proof,
        _authority: Option<&Authority>,
        tell: &mut dyn FnMut(&Row),
    ) -> Vec<Row> {
        Told(true).tell(tell)
    }

    fn reach(
        &mut self,
        _host: &dyn Host,
        _proof: &ReachProof,
        tell: &mut dyn FnMut(&Row),
    ) -> Vec<Row> {
        Told(true).tell(tell)
    }
}

impl Told {
    fn tell(&self, tell: &mut dyn FnMut(&Row)) -> Vec<Row> {
        let row = Row {
            seen: "answered".to_owned(),
            ok: Some(self.0),
            why: None,
            ..Row::not_tried("browser -> nginx", "no certificate", "answered", "")
        };
        tell(&row);
        vec![row]
    }
}

/// Everything on the machine besides what runs keep about themselves.
pub(super) fn world(machine: &Memory) -> BTreeMap<PathBuf, Entry> {
    let mut entries = machine.entries();
    entries.retain(|path, _| {
        !path.starts_with("/var/lib/nim-tls/runs") && path != Path::new("/var/lib/nim-tls/lock")
    });
    entries
}

pub(super) fn apply(machine: &Memory, plan: &Plan) -> (RunId, Ending) {
    apply_with(machine, plan, &mut Told(true), &|| false)
}

pub(super) fn apply_with(
    machine: &Memory,
    plan: &Plan,
    prover: &mut dyn Prover,
    stop: &dyn Fn() -> bool,
) -> (RunId, Ending) {
    let run = started(machine, None, Some(plan));
    let ending = with_job(machine, &run, None, stop, |job| {
        super::apply::apply(job, plan, None, prover)
    });
    (run, ending)
}

pub(super) fn rollback(machine: &Memory, undoes: Option<&RunId>) -> (RunId, Ending) {
    let run = started(machine, undoes, None);
    let ending = go_on_back(machine, &run, undoes);
    (run, ending)
}

/// The folder of a run, its plan in it: what a front has done when the worker starts.
pub(super) fn started(machine: &Memory, undoes: Option<&RunId>, plan: Option<&Plan>) -> RunId {
    let state = state();
    let folder = Runs::new(machine, &state).create(&request(undoes)).unwrap();
    if let Some(plan) = plan {
        folder.write_plan(plan).unwrap();
    }
    folder.id().clone()
}

/// The worker of an apply that was [`started`].
pub(super) fn go_on(machine: &Memory, run: &RunId, plan: &Plan) -> Ending {
    go_on_with(machine, run, plan, &mut Told(true))
}

pub(super) fn go_on_with(
    machine: &Memory,
    run: &RunId,
    plan: &Plan,
    prover: &mut dyn Prover,
) -> Ending {
    with_job(machine, run, None, &|| false, |job| {
        super::apply::apply(job, plan, None, prover)
    })
}

/// The worker of an apply whose plan was begun when so many runs had changed something.
pub(super) fn go_on_having_seen(
    machine: &Memory,
    run: &RunId,
    plan: &Plan,
    runs_seen: Option<usize>,
) -> Ending {
    let mut request = request(None);
    request.runs_seen = runs_seen;
    with_request(machine, run, &request, &|| false, |job| {
        super::apply::apply(job, plan, None, &mut Told(true))
    })
}

/// The worker of an apply that waits to be kept.
pub(super) fn go_on_to_keep(
    machine: &Memory,
    run: &RunId,
    plan: &Plan,
    seconds: u32,
    stop: &dyn Fn() -> bool,
) -> Ending {
    let mut request = request(None);
    request.keep_within = Some(seconds);
    with_request(machine, run, &request, stop, |job| {
        super::apply::apply(job, plan, None, &mut Told(true))
    })
}

/// The worker of a rollback that was [`started`].
pub(super) fn go_on_back(machine: &Memory, run: &RunId, undoes: Option<&RunId>) -> Ending {
    with_job(machine, run, undoes, &|| false, super::rollback::rollback)
}

fn with_job(
    machine: &Memory,
    run: &RunId,
    undoes: Option<&RunId>,
    stop: &dyn Fn() -> bool,
    act: impl FnOnce(&Job<'_>) -> Ending,
) -> Ending {
    with_request(machine, run, &request(undoes), stop, act)
}

fn with_request(
    machine: &Memory,
    run: &RunId,
    request: &Request,
    stop: &dyn Fn() -> bool,
    act: impl FnOnce(&Job<'_>) -> Ending,
) -> Ending {
    let ourselves = Ourselves(vec![PROGRAM.to_owned(), "__stage".to_owned()]);
    let (host, state, ourselves) = (machine, &state(), &ourselves);
    act(&Job {
        host,
        state,
        run,
        request,
        stop,
        ourselves,
        program: Some(PROGRAM.parse().unwrap()),
    })
}
