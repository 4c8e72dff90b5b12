//! A viewer that is told to go: it goes, and says that the work goes on without it.

use std::io::{self, Write};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::values::RunId;

/// From now on an interrupt, a request to end and a hang-up end this process at once, with the
/// exit codes of the contract (130, 143, 129). The run has a process of its own.
pub(super) fn leave_when_told(run: &RunId, options: &str) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let words = format!(
        "\nnim-tls: run {run} goes on in its own process\n  do: nim-tls watch {run}{options}"
    );
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let _ = writeln!(io::stderr().lock(), "{words}");
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}
