//! A word to a run that waits to be kept, and what the run makes of it.

use std::time::Duration;

use crate::error::{Exit, Problem};
use crate::event::Happening;
use crate::receipt::Outcome;
use crate::values::RunId;
use crate::worker::{self, Runs, Word};

use super::busy;
use super::following;
use super::output::Output;
use super::place::Ground;

const PAUSE: Duration = Duration::from_millis(20);
/// A worker looks ten times a second whether there is a word.
const SOON: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(15);

/// Says it, and waits until the worker has heard it; gives what became of the run, where that is
/// over. Only this tells whether the word came in time.
pub(super) fn say(
    ground: &Ground,
    run: &RunId,
    word: Word,
    output: &Output,
) -> Result<Option<Outcome>, Problem> {
    let host = ground.host();
    let mut events = worker::follow(host, ground.state(), run, 0);
    let folder = Runs::new(host, ground.state()).open(run);
    folder.say(word)?;
    let (said, mut told) = (host.uptime(), false);
    loop {
        let worker = busy::worker_of(ground, run);
        for event in events.news()? {
            match event.what {
                Happening::Ended { outcome, .. } => return Ok(Some(outcome)),
                Happening::PuttingBack { .. } => return Ok(None),
                _ => {}
            }
        }
        let Some(worker) = worker else {
            let receipt = following::receipt(ground, run).ok().flatten();
            return Ok(receipt.map(|receipt| receipt.outcome));
        };
        let waited = host.uptime().saturating_sub(said);
        if waited >= SOON && !told {
            told = true;
            output.tell(&format!(
                "waiting for process {}, which carries out run {run}",
                worker.pid
            ));
        }
        if waited >= PATIENCE {
            let pid = worker.pid;
            let (how, remedy) = if worker.stopped {
                ("is stopped", format!("kill -CONT {pid}"))
            } else {
                (
                    "does not answer",
                    format!("nim-tls watch {run}{}", ground.options()),
                )
            };
            let what = format!(
                "process {pid}, which carries out run {run}, {how}: what you said counts if it \
                 goes on within the time to keep, and else everything is put back"
            );
            return Err(Problem::new(Exit::Busy, what).remedy(remedy));
        }
        host.sleep(PAUSE);
    }
}
