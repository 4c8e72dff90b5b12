#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::host::{Memory, Output};

fn agent() -> Restart {
    Restart {
        unit: "nginx-agent".to_owned(),
        listens: Vec::new(),
    }
}

/// A machine whose service has had this state, and this main process, at each look; the last
/// stays.
fn machine(looks: &'static [(&'static str, u32)]) -> (Memory, Arc<AtomicU32>) {
    let looked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&looked);
    let machine = Memory::new()
        .with_program("/usr/bin/systemctl")
        .with_program("/usr/bin/journalctl")
        .answering(move |_, command| {
            let said = match command.args.first().map(String::as_str) {
                Some("show") => {
                    let look = count.fetch_add(1, Ordering::SeqCst) as usize;
                    let (state, pid) = looks[look.min(looks.len() - 1)];
                    format!("ActiveState={state}\nMainPID={pid}\n")
                }
                Some("--unit") => {
                    "level=info msg=\"up\"\nlevel=fatal msg=\"no key, token: abc\"\nbye\n"
                        .to_owned()
                }
                _ => String::new(),
            };
            Some(Output {
                code: Some(0),
                stdout: said.into_bytes(),
                ..Output::default()
            })
        });
    (machine, looked)
}

#[test]
fn one_that_stays_up_is_watched_for_a_while() {
    let (machine, _) = machine(&[("activating", 0), ("active", 7)]);
    let began = machine.uptime();
    restart(&machine, &agent()).unwrap();
    assert!(machine.uptime() >= began + LASTING);
}

/// Red where only the answer of `systemctl restart` counts.
#[test]
fn one_that_ends_soon_or_is_started_again_did_not_stay_up() {
    for looks in [
        &[("active", 7), ("activating", 0)][..],
        &[("active", 7), ("active", 7), ("active", 8)],
        &[("failed", 0)],
    ] {
        let (machine, looked) = machine(looks);
        let error = restart(&machine, &agent()).unwrap_err().to_string();
        assert!(
            error.starts_with("nginx-agent does not stay up: level=fatal"),
            "{error}"
        );
        assert!(!error.contains("abc"), "{error}");
        assert!(looked.load(Ordering::SeqCst) > 0);
    }
}

/// systemd starts nothing that was started too often within a few seconds.
#[test]
fn one_that_systemd_has_given_up_is_started_again() {
    let reset = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&reset);
    let machine = Memory::new()
        .with_program("/usr/bin/systemctl")
        .answering(move |_, command| {
            let mut done = Output {
                code: Some(0),
                ..Output::default()
            };
            match command.args.first().map(String::as_str) {
                Some("reset-failed") => {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                Some("restart") if count.load(Ordering::SeqCst) == 0 => {
                    done.code = Some(1);
                    done.stderr =
                        b"Job failed: start of the service was attempted too often".to_vec();
                }
                _ => done.stdout = b"ActiveState=active\nMainPID=7\n".to_vec(),
            }
            Some(done)
        });
    restart(&machine, &agent()).unwrap();
    assert_eq!(reset.load(Ordering::SeqCst), 1);
}

#[test]
fn a_host_without_systemctl_says_so() {
    let error = restart(&Memory::new(), &agent()).unwrap_err();
    assert!(matches!(error, RestartError::NoSystemctl), "{error}");
}
