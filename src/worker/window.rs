//! The window to keep: what was done and proven waits for somebody's word. Until then the run has
//! no receipt, so whatever ends this process leaves a run that was cut short, and is put back.

use std::time::Duration;

use crate::event::Happening;

use super::came_back::Clients;
use super::events::Teller;
use super::failure::Failure;
use super::job::Job;
use super::run_folder::{RunFolder, Word};
use super::terminals::tell;

const PAUSE: Duration = Duration::from_millis(100);
/// How often it is looked who is connected: that costs more than the rest.
const LOOK: Duration = Duration::from_secs(2);

pub(super) struct Window<'a> {
    pub job: &'a Job<'a>,
    pub folder: &'a RunFolder<'a>,
    pub teller: &'a Teller<'a>,
    pub seconds: u32,
    pub clients: Clients<'a>,
    /// Whether what was changed still serves.
    pub goes_on: &'a dyn Fn() -> Result<(), Failure>,
}

impl Window<'_> {
    /// Returns when somebody said that the change shall stay; else it says why it shall not.
    pub(super) fn wait(mut self) -> Result<(), Failure> {
        let host = self.job.host;
        let end = host.uptime() + Duration::from_secs(self.seconds.into());
        let seconds = self.seconds;
        self.teller.tell(Happening::Waiting { seconds });
        tell(host, &self.job.request.terminal, &self.line());
        let (mut look_at, mut back) = (host.uptime(), None);
        loop {
            // First of all: a worker that was stopped for longer must not take a late word.
            if host.uptime() >= end {
                return Err(Failure::NotKept(self.seconds));
            }
            match self.folder.word() {
                // Kept, but only what is there: that is looked at again first.
                Ok(Some(Word::Keep)) => return (self.goes_on)(),
                Ok(Some(Word::PutBack)) => return Err(Failure::Unwanted),
                Ok(None) => {}
                Err(error) => return Err(error.into()),
            }
            if (self.job.stop)() {
                return Err(Failure::Interrupted);
            }
            if host.uptime() >= look_at {
                look_at = host.uptime() + LOOK;
                if self.folder.is_gone() {
                    // No word would be heard, and no receipt could be written.
                    let what = format!("{} is gone", self.folder.path().display());
                    return Err(Failure::Other(what));
                }
                (self.goes_on)()?;
                self.count(&mut back);
            }
            host.sleep(PAUSE);
        }
    }

    /// Tells how many clients are back, where that is news.
    fn count(&mut self, told: &mut Option<usize>) {
        let (back, of) = (self.clients.back(), self.clients.before());
        if of > 0 && told.replace(back) != Some(back) {
            self.teller.tell(Happening::CameBack { back, of });
        }
    }

    /// What somebody on another terminal reads.
    fn line(&self) -> String {
        let (run, seconds) = (self.job.run, self.seconds);
        format!(
            "nim-tls: run {run} has changed this host, and waits for a word. All of it is put \
             back in {seconds} s unless it is kept: sudo nim-tls confirm {run}"
        )
    }
}

#[cfg(test)]
#[path = "window/tests.rs"]
mod tests;
