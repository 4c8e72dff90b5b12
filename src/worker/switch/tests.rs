#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use super::super::lab::{self, PROGRAM, go_on_to_keep, machine, plan, rollback, state, world};
use super::super::{Runs, Word, exit_of, follow, waits};
use super::*;
use crate::error::Exit;
use crate::event::Happening;
use crate::host::{Change, Faults, Memory};

const UNIT: &str = "/etc/systemd/system/nim-tls-return-2026-01-01-02.service";

fn said(code: i32) -> Output {
    Output {
        code: Some(code),
        stderr: b"Failed to connect to bus\n".to_vec(),
        ..Output::default()
    }
}

/// A machine that was booted by systemd, which answers so.
fn with_systemd(code: i32) -> Memory {
    machine()
        .with_program("/usr/bin/systemd-run")
        .with_program("/usr/bin/systemctl")
        .with_file("/run/systemd/system/x", "")
        .answering(move |_, command| {
            let name = command.program.file_name()?.to_str()?;
            name.starts_with("system").then(|| said(code))
        })
}

/// Applies with a window; what was armed, and what `act` sees in it before it says its word.
fn armed<T>(machine: &Memory, word: Word, act: impl Fn(&RunId) -> T) -> (RunId, Switch, T) {
    let run = lab::started(machine, None, Some(&plan()));
    let state = state();
    let seen = std::cell::OnceCell::new();
    let stop = || {
        if let Some(waits) = waits(machine, &state, &run) {
            let _ = seen.set((waits.switch.unwrap(), act(&run)));
            Runs::new(machine, &state).open(&run).say(word).unwrap();
        }
        false
    };
    go_on_to_keep(machine, &run, &plan(), 60, &stop);
    let (switch, seen) = seen.into_inner().expect("it waited");
    (run, switch, seen)
}

fn ran(machine: &Memory, program: &str) -> Vec<String> {
    let changes = machine.changes().into_iter();
    let ran = changes.filter_map(|change| match change {
        Change::Ran(words) if words.contains(program) => Some(words),
        _ => None,
    });
    ran.collect()
}

#[test]
fn a_unit_and_a_timer_are_there_while_it_waits_and_gone_when_it_is_kept() {
    let machine = with_systemd(0);
    let (run, switch, text) = armed(&machine, Word::Keep, |_| {
        let unit = machine.read(Path::new(UNIT), 1 << 20).unwrap();
        let (_, link) = paths(&"2026-01-01-02".parse().unwrap());
        let link = machine.stat(link.as_path()).unwrap().unwrap();
        assert_eq!(link.kind, crate::host::Kind::Link(UNIT.into()));
        String::from_utf8(unit).unwrap()
    });
    assert_eq!((run.as_str(), switch), ("2026-01-01-02", Switch::Restart));
    let start = format!(
        "ExecStart={PROGRAM} __return {run} --state-dir {}\n",
        state()
    );
    assert!(text.contains(&start), "{text}");
    let [timer] = &ran(&machine, "systemd-run")[..] else {
        panic!("{:?}", machine.changes());
    };
    assert!(timer.ends_with(&format!(
        "-- {PROGRAM} __return {run} --state-dir {}",
        state()
    )));
    let asked = ran(&machine, "systemctl");
    assert_eq!(
        asked.last(),
        Some(&format!("/usr/bin/systemctl stop nim-tls-look-{run}.timer"))
    );
    let left = world(&machine);
    let of_switch = |path: &str| path.contains("nim-tls-return");
    assert!(!left.keys().any(|path| of_switch(&path.to_string_lossy())));
    let receipt = Runs::new(&machine, &state()).open(&run).receipt();
    let changes = receipt.unwrap().unwrap().changes;
    assert!(!changes.is_empty());
    assert!(!changes.iter().any(|change| of_switch(&change.path)));
    assert_eq!(rollback(&machine, Some(&run)).1.exit, Exit::Done);
}

/// As a timer does after a kill of the worker: the journal is all there is.
#[test]
fn whatever_undoes_the_run_takes_the_unit_away() {
    let machine = with_systemd(0);
    let before = world(&machine);
    armed(&machine, Word::PutBack, |_| ());
    assert_eq!(world(&machine), before);
}

#[test]
fn where_it_cannot_be_had_the_run_goes_on_and_says_so() {
    let machine = with_systemd(1);
    let before = world(&machine);
    let (_, switch, ()) = armed(&machine, Word::PutBack, |_| ());
    let Switch::Nothing { why } = switch else {
        panic!("{switch:?}");
    };
    assert_eq!(why, "systemd-run says: Failed to connect to bus");
    assert_eq!(world(&machine), before);
    // A machine in memory starts no other process either.
    let without = lab::machine();
    let (run, switch, ()) = armed(&without, Word::Keep, |_| ());
    assert!(matches!(switch, Switch::Nothing { .. }), "{switch:?}");
    let events = follow(&without, &state(), &run, 0).news().unwrap();
    let kept = |event: &crate::event::Event| matches!(event.what, Happening::Ended { exit: 0, .. });
    assert!(events.iter().any(kept));
}

#[test]
fn a_path_means_itself_in_a_unit() {
    let path: AbsPath = "/srv/50%n/nim-tls".parse().unwrap();
    assert_eq!(in_unit(&path), "/srv/50%%n/nim-tls");
}

/// Killed at any call: the next start puts it back, the switch with it; kept is kept.
#[test]
fn wherever_it_is_killed_the_switch_goes_with_the_rest() {
    let before = world(&with_systemd(0));
    let (mut cut_short, mut kept) = (0, 0);
    for fault in 1.. {
        let machine = with_systemd(0);
        let run = lab::started(&machine, None, Some(&plan()));
        let state = state();
        let stop = || {
            if waits(&machine, &state, &run).is_some() {
                let _ = Runs::new(&machine, &state).open(&run).say(Word::Keep);
            }
            false
        };
        machine.set_faults(Faults::From(fault));
        go_on_to_keep(&machine, &run, &plan(), 1, &stop);
        let over = !machine.met_fault();
        machine.set_faults(Faults::None);
        let runs = Runs::new(&machine, &state);
        if runs.cut_short(None).unwrap().is_some() {
            cut_short += 1;
            let waited = waits(&machine, &state, &run).is_some();
            assert_eq!(rollback(&machine, None).1.exit, Exit::Done, "{fault}");
            assert_eq!(world(&machine), before, "{fault}");
            let receipt = runs.open(&run).receipt().unwrap().unwrap();
            let code = if waited { Exit::NotKept } else { Exit::PutBack };
            assert_eq!(exit_of(&receipt), code, "{fault}");
        } else if runs.in_force().unwrap().is_empty() {
            assert_eq!(world(&machine), before, "{fault}");
        } else {
            kept += 1;
            disarm(&machine, &run).unwrap();
            assert!(!world(&machine).contains_key(Path::new(UNIT)), "{fault}");
            assert_eq!(rollback(&machine, None).1.exit, Exit::Done, "{fault}");
        }
        if over {
            break;
        }
    }
    assert!(cut_short > 10 && kept > 3, "{cut_short} {kept}");
}
