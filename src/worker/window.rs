//! The window to keep: what was done and proven waits for somebody's word. Until then the run has
//! no receipt, so whatever ends this process leaves a run that was cut short, and is put back.

use std::time::Duration;

use crate::event::{Happening, Switch};

use super::came_back::Clients;
use super::events::Teller;
use super::job::Job;
use super::run_folder::{RunFolder, Word};
use super::steps::Failure;
use super::terminals::tell;

const PAUSE: Duration = Duration::from_millis(100);
/// How often it is looked who is connected: that costs more than the rest.
const LOOK: Duration = Duration::from_secs(2);

/// Returns when somebody said that the change shall stay; else it says why it shall not.
pub(super) fn wait(
    job: &Job<'_>,
    folder: &RunFolder<'_>,
    teller: &Teller<'_>,
    seconds: u32,
    switch: Switch,
    clients: &mut Clients<'_>,
) -> Result<(), Failure> {
    let end = job.host.uptime() + Duration::from_secs(seconds.into());
    teller.tell(Happening::Waiting { seconds, switch });
    tell(job.host, &job.request.terminal, &line(job, seconds));
    let (mut look_at, mut back) = (job.host.uptime(), None);
    loop {
        if clients.before() > 0 && job.host.uptime() >= look_at {
            look_at = job.host.uptime() + LOOK;
            let (now, of) = (clients.back(), clients.before());
            if back.replace(now) != Some(now) {
                teller.tell(Happening::CameBack { back: now, of });
            }
        }
        match folder.word() {
            Ok(Some(Word::Keep)) => return Ok(()),
            Ok(Some(Word::PutBack)) => return Err(Failure::Unwanted),
            Ok(None) => {}
            Err(error) => return Err(error.into()),
        }
        if (job.stop)() {
            return Err(Failure::Interrupted);
        }
        if job.host.uptime() >= end {
            return Err(Failure::NotKept(seconds));
        }
        job.host.sleep(PAUSE);
    }
}

/// What somebody on another terminal reads.
fn line(job: &Job<'_>, seconds: u32) -> String {
    let run = job.run;
    format!(
        "nim-tls: run {run} has changed this host, and waits for a word. All of it is put back \
         in {seconds} s unless it is kept: sudo nim-tls confirm {run}"
    )
}

#[cfg(test)]
#[path = "window/tests.rs"]
mod tests;
