//! nginx on the way back: it loads the files that were put back, if it accepts them.

use std::path::Path;
use std::time::Duration;

use crate::host::Host;
use crate::plan::{Action, NginxCommand, Plan};
use crate::receipt::Reload;

use super::old_workers::end;
use super::reload::{ReloadError, find_master, reload};
use super::stage::{Ourselves, Tested, test};

/// Where the plan does not say how long old workers are waited for.
const PATIENCE: u32 = 10;

/// Has nginx load what is on disk again, if this plan had it load something. Never an error:
/// the files are back in any case, and this says what nginx makes of them.
pub(super) fn return_nginx(
    host: &dyn Host,
    ourselves: &Ourselves,
    plan: &Plan,
    scratch: &Path,
) -> Reload {
    let Some(nginx) = reloaded_by(plan).filter(|_| host.is_live()) else {
        return Reload::NotNeeded;
    };
    // The ports of the plan are no longer asked for; those of before are open.
    let nginx = NginxCommand {
        listens: Vec::new(),
        ..nginx.clone()
    };
    let refused = |why: String| Reload::Refused { why };
    match find_master(host, &nginx) {
        Ok(None) => return Reload::NotRunning,
        Ok(Some(_)) => {}
        Err(error) => return refused(error.to_string()),
    }
    match test(host, ourselves, &nginx, &[], Vec::new(), scratch) {
        Ok(Tested::Accepted { .. }) => {}
        Ok(Tested::Refused { why, .. }) => return refused(why),
        Err(error) => return refused(error.to_string()),
    }
    match reload(host, &nginx) {
        Ok(reloaded) => {
            // Whoever is still connected under the rules that were taken back.
            let patience = Duration::from_secs(patience_of(plan).into());
            match end(host, &reloaded, patience) {
                Ok(_) => Reload::Done,
                Err(error) => refused(error.to_string()),
            }
        }
        Err(ReloadError::NotRunning) => Reload::NotRunning,
        Err(error) => refused(error.to_string()),
    }
}

/// What nginx says of the files that are there now, where something was left: `accepted`, or
/// `refused: path:line: words`. `None` where there is no nginx to ask.
pub(super) fn stands(
    host: &dyn Host,
    ourselves: &Ourselves,
    plan: Option<&Plan>,
    scratch: &Path,
) -> Option<String> {
    let nginx = plan.and_then(reloaded_by).filter(|_| host.is_live())?;
    Some(
        match test(host, ourselves, nginx, &[], Vec::new(), scratch) {
            Ok(Tested::Accepted { .. }) => "accepted".to_owned(),
            Ok(Tested::Refused { why, .. }) => format!("refused: {why}"),
            Err(error) => format!("could not be asked: {error}"),
        },
    )
}

/// The same as a sentence.
pub(super) fn stands_in_words(stands: &str) -> String {
    format!("nginx -t, on what is there now: {stands}")
}

fn reloaded_by(plan: &Plan) -> Option<&NginxCommand> {
    plan.steps.iter().find_map(|step| match &step.action {
        Action::Reload(nginx) => Some(nginx),
        _ => None,
    })
}

fn patience_of(plan: &Plan) -> u32 {
    let planned = plan.steps.iter().find_map(|step| match &step.action {
        Action::EndOldWorkers { after_seconds } => Some(*after_seconds),
        _ => None,
    });
    planned.unwrap_or(PATIENCE)
}
