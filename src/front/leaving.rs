//! Somebody who is told to go: goes, and says what that means for this host.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::values::{RunId, shown};

use super::line::{is_hung_up, when_hung_up};
use super::place::Ground;
use super::prompt;
use super::words;

/// Exit code of a line that was hung up or that came to its end.
pub(super) const HUNG_UP: u8 = 129;
pub(super) const INTERRUPTED: u8 = 130;

/// What is said; one listener says it, whatever it is by then.
static WORDS: Mutex<String> = Mutex::new(String::new());
static LISTENING: AtomicBool = AtomicBool::new(false);

/// What goes away together with this process.
static ALONG: Mutex<Option<Arc<Ground>>> = Mutex::new(None);

/// Whoever is told to go takes away what exists for this command only.
pub(super) fn taking_along(ground: Arc<Ground>) {
    *ALONG.lock().unwrap_or_else(PoisonError::into_inner) = Some(ground);
}

/// From now on an interrupt, a request to end and a hang-up end this process at once, with the
/// exit codes of the contract (130, 143, 129).
pub(super) fn say(words: String) -> io::Result<()> {
    *WORDS.lock().unwrap_or_else(PoisonError::into_inner) = words;
    if LISTENING.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            go(signal);
        }
    });
    if io::stdin().is_terminal() {
        when_hung_up(|| go(SIGHUP));
    }
    Ok(())
}

/// Ends this process as one that was hung up, where it was: on a busy machine the signal may take
/// longer than what comes of it.
pub(super) fn where_hung_up() {
    if is_hung_up() {
        go(SIGHUP);
    }
}

/// As somebody who was told so by this signal.
fn go(signal: i32) {
    prompt::give_back();
    let words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = writeln!(io::stderr().lock(), "\n{}", shown(&words, false));
    let along = ALONG.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(ground) = along.as_ref() {
        // That it could not be removed is of no use to anybody who is told to end.
        let _ = ground.leave();
    }
    std::process::exit(128 + signal);
}

/// While nothing has begun.
pub(super) fn from_questions() -> io::Result<()> {
    say("nothing was changed".to_owned())
}

/// While a run is at work, which has a process of its own.
pub(super) fn from_run(ground: &Ground, run: &RunId) -> io::Result<()> {
    if ground.practice_folder().is_some() {
        return say(words::PRACTICE_GOES.to_owned());
    }
    let options = ground.options();
    say(format!(
        "nim-tls: run {run} goes on in its own process\n  do: nim-tls watch {run}{options}"
    ))
}
