//! Somebody who is told to go: goes, and says what that means for this host.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::values::RunId;

use super::prompt;

/// Exit code of a line that was hung up or that came to its end.
pub(super) const HUNG_UP: u8 = 129;
pub(super) const INTERRUPTED: u8 = 130;

/// What is said; one listener says it, whatever it is by then.
static WORDS: Mutex<String> = Mutex::new(String::new());
static LISTENING: AtomicBool = AtomicBool::new(false);

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
            prompt::give_back();
            let words = WORDS.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = writeln!(io::stderr().lock(), "\n{words}");
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

/// While nothing has begun.
pub(super) fn from_questions() -> io::Result<()> {
    say("nothing was changed".to_owned())
}

/// While a run is at work, which has a process of its own.
pub(super) fn from_run(run: &RunId, options: &str) -> io::Result<()> {
    say(format!(
        "nim-tls: run {run} goes on in its own process\n  do: nim-tls watch {run}{options}"
    ))
}
