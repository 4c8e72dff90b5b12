//! How a front begins a run: what was shown is what is done, or nothing is.

use zeroize::Zeroizing;

use crate::answers::Goal;
use crate::error::Problem;
use crate::plan::{Plan, hand_out_only};
use crate::values::RunId;
use crate::worker::{self, Runs, Started};

use super::busy;
use super::place::Ground;
use super::session;

/// Seconds that somebody has to see that the UI can still be reached, and to say so.
pub(super) const KEEP_WITHIN: u32 = 120;

/// Seconds that a log tells more, unless somebody says otherwise: agents try again within a minute
/// or two.
pub(super) const RAISED_FOR: u32 = 300;

/// Starts what was shown for `answers`, whose `text` is kept with the run, where the host is still
/// the one that it was shown for.
pub(super) fn start(
    ground: &Ground,
    answers: &Goal,
    text: Option<String>,
    shown: &Plan,
    passphrase: &Zeroizing<String>,
) -> Result<Started, Problem> {
    busy::refuse(ground)?;
    let runs_seen = Runs::new(ground.host(), ground.state()).that_changed().ok();
    let whole = session::planned(ground, answers)?;
    let part = hand_out_only(&whole).ok();
    let same = |plan: &Plan| plan.steps == shown.steps && plan.files == shown.files;
    let Some(plan) = [Some(whole), part].into_iter().flatten().find(same) else {
        return Err(Problem::host(
            "this host has changed since it was looked at, so nothing was begun; go back, and \
             look at Files again",
        ));
    };
    let (command, window) = match answers {
        Goal::LogLevel => ("doctor --fix", Some(RAISED_FOR)),
        // Where no service is touched, nobody can be locked out.
        _ => ("apply", plan.proves().then_some(KEEP_WITHIN)),
    };
    let mut request = worker::request(command, None);
    request.keep_within = window;
    request.runs_seen = runs_seen;
    request.answers = text;
    let launch = ground.launch()?;
    let (host, state) = (ground.host(), ground.state());
    worker::start(host, state, &launch, &request, Some(&plan), passphrase)
}

/// Starts the way back from this run. Named, because it may have been put back meanwhile, and
/// then another one would be the latest.
pub(super) fn put_back(ground: &Ground, run: &RunId) -> Result<Started, Problem> {
    busy::refuse_at_work(ground)?;
    let target = worker::target(ground.host(), ground.state(), Some(run), None)?;
    let request = worker::request("rollback", Some(target.run));
    let launch = ground.launch()?;
    worker::start(ground.host(), ground.state(), &launch, &request, None, "")
}
