//! nginx on the way back: it loads the files that were put back, if it accepts them.

use std::path::Path;
use std::time::Duration;

use crate::host::Host;
use crate::plan::{Action, NginxCommand, Plan};
use crate::receipt::Reload;
use crate::values::escaped;

use super::old_workers::end;
use super::reload::{ReloadError, find_master, reload};
use super::stage::{Changes, Ourselves, Tested, test};
use super::undo::Stays;

/// Where the plan does not say how long old workers are waited for.
const PATIENCE: u32 = 10;
/// No configuration is larger.
const MOST_BYTES: u64 = 1 << 20;

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
    match test(host, ourselves, &nginx, Changes::default(), scratch) {
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
    stays: &[Stays],
    scratch: &Path,
) -> Option<String> {
    let nginx = plan.and_then(reloaded_by).filter(|_| host.is_live())?;
    Some(
        match test(host, ourselves, nginx, Changes::default(), scratch) {
            Ok(Tested::Accepted { .. }) => "accepted".to_owned(),
            Ok(Tested::Refused { why, .. }) => {
                format!("refused: {}", with_place(host, &why, stays))
            }
            Err(error) => format!("could not be asked: {error}"),
        },
    )
}

/// Of a file that it cannot open nginx says its name, not where it read it: the line is looked
/// for in what was left.
fn with_place(host: &dyn Host, why: &str, stays: &[Stays]) -> String {
    let named = why.split('"').nth(1).filter(|path| path.starts_with('/'));
    let (Some(named), false) = (named, why.starts_with('/')) else {
        return why.to_owned();
    };
    let found = stays.iter().find_map(|one| {
        let path = &one.change.path;
        let text = host.read(Path::new(path), MOST_BYTES).ok()?;
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().position(|line| line.contains(named))?;
        Some(format!("{}:{}: {why}", escaped(path), line + 1))
    });
    found.unwrap_or_else(|| why.to_owned())
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
