//! The window to keep: what was done and proven waits for somebody's word. Until then the run has
//! no receipt, so whatever ends this process leaves a run that was cut short, and is put back.

use std::time::Duration;

use crate::event::Happening;

use super::events::Teller;
use super::job::Job;
use super::run_folder::{RunFolder, Word};
use super::steps::Failure;

const PAUSE: Duration = Duration::from_millis(100);

/// Returns when somebody said that the change shall stay; else it says why it shall not.
pub(super) fn wait(
    job: &Job<'_>,
    folder: &RunFolder<'_>,
    teller: &Teller<'_>,
    seconds: u32,
) -> Result<(), Failure> {
    let end = job.host.uptime() + Duration::from_secs(seconds.into());
    teller.tell(Happening::Waiting { seconds });
    loop {
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

#[cfg(test)]
#[path = "window/tests.rs"]
mod tests;
