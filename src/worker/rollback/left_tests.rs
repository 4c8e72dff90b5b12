#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use super::super::lab::{
    self, ANCHOR, BUNDLE, CONF, KEY, OLD_KEY, OWN_CONF, apply, machine, plan, rollback, state,
    world,
};
use super::super::{Runs, follow};
use super::tests::{bytes, receipt};
use super::*;
use crate::error::Exit;
use crate::event::Happening;
use crate::host::{Change as Done, Entry, Faults, Host, Memory, Signal};
use crate::receipt::Before;
use crate::values::{Attributes, RunId};

/// Words of its events, one after the other.
fn said(machine: &Memory, run: &RunId) -> String {
    let events = follow(machine, &state(), run, 0).news().unwrap();
    let said = events.into_iter().filter_map(|event| match event.what {
        Happening::Said { text, .. } => Some(text),
        _ => None,
    });
    said.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_a_file_that_is_left_needs_is_kept_and_how_nginx_stands_is_said() {
    let machine = machine();
    let before = world(&machine);
    let (applied, _) = apply(&machine, &plan());
    let attributes = before[Path::new(CONF)].attributes.clone();
    let conf = format!("ssl_certificate /etc/nms/certs/server.crt; ssl_certificate_key {KEY};\n");
    machine.put(CONF, Entry::file(conf, attributes));
    let key = bytes(&machine, KEY);
    let (run, ending) = rollback(&machine, None);
    assert_eq!(ending.exit, Exit::Incomplete);
    let problem = ending.problem.unwrap();
    assert!(
        problem.contains("somebody changed it since; kept, because"),
        "{problem}"
    );
    assert!(
        problem.ends_with("nginx -t, on what is there now: accepted"),
        "{problem}"
    );
    assert_eq!(
        bytes(&machine, KEY),
        key,
        "nginx would not start without it"
    );
    assert!(
        !machine.entries().contains_key(Path::new(ANCHOR)),
        "nginx does not need it"
    );
    let receipt = receipt(&machine, &run);
    assert_eq!(receipt.left, [CONF]);
    assert_eq!(receipt.nginx_test.as_deref(), Some("accepted"));
    let kept: Vec<&str> = receipt.kept.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(
        kept,
        ["/etc/nms/certs", KEY, "/etc/nms/certs/server.crt", OWN_CONF]
    );

    machine.put(CONF, before[Path::new(CONF)].clone());
    let (_, ending) = rollback(&machine, Some(&applied));
    assert_eq!(ending.exit, Exit::Done, "{:?}", ending.problem);
    assert_eq!(world(&machine), before);
}

#[test]
fn a_copy_that_is_missing_or_damaged_leaves_what_is_there() {
    for damaged in [false, true] {
        let machine = machine();
        let (applied, _) = apply(&machine, &plan());
        let done = world(&machine);
        let state = state();
        let folder = Runs::new(&machine, &state).open(&applied);
        let copies = folder.path().join("before");
        for name in machine.list(&copies).unwrap() {
            let copy = copies.join(name);
            machine.take_away(&copy);
            if damaged {
                machine.put(&copy, Entry::file("x", Attributes::root(0o600)));
            }
        }
        let (run, ending) = rollback(&machine, None);
        assert_eq!(ending.exit, Exit::Incomplete);
        let word = if damaged { "damaged" } else { "missing" };
        assert!(ending.problem.unwrap().contains(&format!(" is {word}")));
        for path in &receipt(&machine, &run).left {
            let path = Path::new(path);
            assert_eq!(
                world(&machine).get(path),
                done.get(path),
                "{}",
                path.display()
            );
        }
        assert!(receipt(&machine, &run).left.contains(&CONF.to_owned()));
        // One that took the place of something else is not taken away either.
        assert!(receipt(&machine, &run).left.contains(&OLD_KEY.to_owned()));
    }
}

/// What nginx is told to read is still there where it could not be told otherwise; and once the
/// copy can be had again, all of it goes.
#[test]
fn what_could_not_be_put_back_keeps_the_files_that_it_may_name() {
    let machine = machine();
    let before = world(&machine);
    let (applied, _) = apply(&machine, &plan());
    let state = state();
    let runs = Runs::new(&machine, &state);
    let changes = receipt(&machine, &applied).changes;
    let conf = changes.iter().find(|change| change.path == CONF).unwrap();
    let Before::File { kept, .. } = &conf.before else {
        panic!("{conf:?}");
    };
    let copy = runs.open(&applied).copies().join(kept);
    let bytes = machine.read(&copy, 1 << 20).unwrap();
    machine.put(&copy, Entry::file("x", Attributes::root(0o600)));
    let (run, ending) = rollback(&machine, None);
    assert_eq!(ending.exit, Exit::Incomplete);
    let now = world(&machine);
    for path in [KEY, "/etc/nms/certs/server.crt"] {
        assert!(now.contains_key(Path::new(path)), "{path} is still named");
        let kept = receipt(&machine, &run).kept;
        assert!(kept.iter().any(|one| one.path == path), "{path}");
    }
    machine.put(&copy, Entry::file(bytes, Attributes::root(0o600)));
    let (_, again) = rollback(&machine, None);
    assert_eq!(again.exit, Exit::Done, "{:?}", again.problem);
    assert_eq!(world(&machine), before);
}

/// A store of certificates names no file: whatever it is that keeps it, the rest goes.
#[test]
fn what_names_nothing_keeps_nothing() {
    let machine = machine();
    let (applied, _) = apply(&machine, &plan());
    let changes = receipt(&machine, &applied).changes;
    let bundle = changes.iter().find(|change| change.path == BUNDLE).unwrap();
    let Before::File { kept, .. } = &bundle.before else {
        panic!("{bundle:?}");
    };
    let state = state();
    let copy = Runs::new(&machine, &state)
        .open(&applied)
        .copies()
        .join(kept);
    machine.put(&copy, Entry::file("x", Attributes::root(0o600)));
    let (run, ending) = rollback(&machine, None);
    assert_eq!(ending.exit, Exit::Incomplete);
    let receipt = receipt(&machine, &run);
    assert_eq!(receipt.left, [BUNDLE]);
    assert_eq!(receipt.kept, []);
    assert!(!machine.entries().contains_key(Path::new(KEY)));
}

#[test]
fn a_damaged_receipt_is_replaced_by_the_journal() {
    let machine = machine();
    let before = world(&machine);
    let (applied, _) = apply(&machine, &plan());
    let state = state();
    let runs = Runs::new(&machine, &state);
    let file = runs.open(&applied).path().join("receipt.json");
    machine.put(&file, Entry::file("{}", Attributes::root(0o600)));
    let (run, ending) = rollback(&machine, Some(&applied));
    assert_eq!(ending.exit, Exit::Done, "{:?}", ending.problem);
    assert_eq!(world(&machine), before);
    assert!(said(&machine, &run).contains("the journal of the run is used instead"));
    assert_eq!(receipt(&machine, &applied).outcome, Outcome::RolledBack);
    let aside = runs.open(&applied).path().join("receipt-damaged.json");
    assert_eq!(machine.read(&aside, 100).unwrap(), b"{}");
}

#[test]
fn a_command_that_a_killed_worker_left_running_is_waited_for() {
    // Power off at some call in the middle; the command goes on for a while after that.
    let machine = machine();
    let before = world(&machine);
    let run = lab::started(&machine, None, Some(&plan()));
    let ran = |machine: &Memory| {
        let ran = |change: &Done| matches!(change, Done::Ran(what) if what.contains("update-ca"));
        machine.changes().iter().any(ran)
    };
    let call = (1..1000)
        .find(|call| {
            let machine = lab::machine();
            let run = lab::started(&machine, None, Some(&plan()));
            machine.set_faults(Faults::From(*call));
            lab::go_on(&machine, &run, &plan());
            ran(&machine)
        })
        .unwrap();
    machine.set_faults(Faults::From(call));
    lab::go_on(&machine, &run, &plan());
    machine.set_faults(Faults::None);
    let mut processes = machine.processes().unwrap();
    processes.push(lab::process(
        500,
        1,
        "/bin/sh /usr/sbin/update-ca-certificates",
    ));
    machine.set_processes(processes);
    machine.mark(500, &format!("/var/lib/nim-tls/runs/{run}"));
    // Its last deed, as it is ended.
    let machine = machine.on_signal(|machine, process, signal| {
        if (process.pid, signal) == (500, Signal::Terminate) {
            let file = Entry::file("late", Attributes::root(0o644));
            machine.put("/etc/ssl/certs/ca-certificates.crt.new", file);
        }
        lab::signalled(machine, process, signal);
    });
    let (run, ending) = rollback(&machine, None);
    assert_eq!(ending.exit, Exit::Done, "{:?}", ending.problem);
    assert_eq!(world(&machine), before, "what it did last is put back, too");
    assert!(said(&machine, &run).contains("waiting for its end"));
}

#[test]
fn a_run_that_was_cut_short_keeps_its_own_times() {
    let machine = machine();
    let began = machine.now();
    let cut = lab::started(&machine, None, Some(&plan()));
    machine.set_faults(Faults::From(20));
    lab::go_on(&machine, &cut, &plan());
    machine.set_faults(Faults::None);
    machine.advance(std::time::Duration::from_secs(1000));
    let (run, ending) = rollback(&machine, None);
    assert_eq!(ending.exit, Exit::Done, "{:?}", ending.problem);
    let (closed, undo) = (receipt(&machine, &cut), receipt(&machine, &run));
    assert_eq!(closed.outcome, Outcome::RolledBack);
    assert!(
        closed.started == began && closed.ended < undo.started,
        "{closed:?}"
    );
}

#[test]
fn one_that_is_turned_away_leaves_no_receipt() {
    let machine = machine();
    apply(&machine, &plan());
    let _held = machine
        .lock(Path::new("/var/lib/nim-tls/lock"), "")
        .unwrap();
    let (run, ending) = rollback(&machine, None);
    assert_eq!(ending.exit, Exit::Busy);
    let state = state();
    let folder = Runs::new(&machine, &state).open(&run);
    assert_eq!(folder.receipt().unwrap(), None);
    assert!(!folder.was_begun().unwrap());
}

#[test]
fn where_nginx_names_no_place_the_line_of_what_was_left_is_given() {
    let machine = machine();
    let before = world(&machine);
    apply(&machine, &plan());
    let attributes = before[Path::new(CONF)].attributes.clone();
    let conf = "# edited\nssl_certificate /etc/gone.crt;\n";
    machine.put(CONF, Entry::file(conf, attributes));
    let words = "nginx: [emerg] cannot load certificate \"/etc/gone.crt\": no such file\n";
    let broken = Entry::file(words, Attributes::root(0o644));
    machine.put("/etc/nginx/conf.d/broken.conf", broken);
    let (run, _) = rollback(&machine, None);
    let said = receipt(&machine, &run).nginx_test.unwrap();
    assert!(
        said.starts_with(&format!("refused: {CONF}:2: cannot load")),
        "{said}"
    );
}
