#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::super::lab::{machine, process, request, state};
use super::super::runs::Runs;
use super::*;
use crate::host::{Change, Memory};

const COMMAND: &str = "/bin/sh -e /usr/sbin/update-ca-certificates";

fn with_command(machine: &Memory) {
    let mut processes = machine.processes().unwrap();
    processes.push(process(500, 1, COMMAND));
    processes.push(process(501, 1, "somebody else's"));
    machine.set_processes(processes);
    machine.mark(500, "/var/lib/nim-tls/runs/2026-01-01-02");
    machine.mark(501, "/srv/other/runs/2026-01-01-02");
}

#[test]
fn a_command_that_does_not_end_is_ended_and_nobody_elses_is_touched() {
    let machine = machine();
    let state = state();
    let folder = Runs::new(&machine, &state).create(&request(None)).unwrap();
    with_command(&machine);
    let before = machine.uptime();
    let mut said = Vec::new();
    end_leftovers(&machine, &folder, |text| said.push(text)).unwrap();
    let waited = machine.uptime().saturating_sub(before);
    assert!(waited >= PATIENCE, "it was given its time");
    assert!(
        machine
            .changes()
            .contains(&Change::Signalled(500, Signal::Terminate))
    );
    assert!(
        !machine
            .changes()
            .iter()
            .any(|one| matches!(one, Change::Signalled(501, _)))
    );
    assert!(
        said[0].contains(COMMAND) && said[0].contains("500"),
        "{said:?}"
    );
}

#[test]
fn one_that_cannot_be_ended_keeps_everything_as_it_is() {
    let machine = machine().on_signal(|_, _, _| {});
    let state = state();
    let folder = Runs::new(&machine, &state).create(&request(None)).unwrap();
    with_command(&machine);
    let problem = end_leftovers(&machine, &folder, drop).unwrap_err();
    assert_eq!(problem.exit, Exit::Incomplete);
    assert!(problem.remedy.unwrap().starts_with("kill -KILL 500;"));
    assert!(
        machine
            .changes()
            .contains(&Change::Signalled(500, Signal::Kill))
    );
}
