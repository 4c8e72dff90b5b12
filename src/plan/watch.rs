//! systemd looks after what was set up, where that is asked for: a service that runs the doctor, a
//! timer and a unit that starts it after each change of the files.

use std::collections::BTreeSet;

use super::enable::{Deed, Watch};
use super::file::{Content, FileChange, Status};
use super::manager::SERVICES;
use super::naming::literal;
use super::placed::{below, change, removal};
use super::step::LEFT;
use super::template::{Explained, WatchTexts, watch_texts};
use crate::error::Problem;
use crate::facts::{Facts, Known, MANAGER_FILE, WATCH_FOLDER, WATCH_UNITS, WATCHERS};
use crate::nginx::flat;
use crate::values::{AbsPath, Gather as _, with_command};

/// systemd keeps a watch on each, and on each folder above it. A plan comes to about twenty.
const MOST: usize = 64;
/// Where this program keeps its own, unless it is told another folder.
const STATE: &str = "/var/lib/nim-tls";
const LEAVE_OUT: &str = "leave options.watch out, and look yourself: nim-tls doctor";

/// Adds the units to what is placed, or takes them away where nobody wants them any more. Gives
/// what systemd is to be asked for it.
pub(super) fn plan(
    facts: &Facts,
    wanted: bool,
    files: &mut Vec<FileChange>,
    notes: &mut Vec<String>,
) -> Result<Option<Watch>, Problem> {
    if !wanted {
        return Ok(ended(facts, files, notes));
    }
    if !facts.watch.possible {
        let what = "options.watch: systemd does not run here, and nothing else would start it";
        return Err(Problem::host(what).remedy(LEAVE_OUT));
    }
    let program = program(facts, notes)?;
    let paths = watched(facts, files, notes);
    let units = units(facts, program, &paths)?;
    let before = files.len();
    files.extend(units);
    let new = files[before..].iter().any(FileChange::changes);
    if !facts.live {
        let units = WATCHERS.join(" ");
        notes.push(format!(
            "options.watch: the units are not enabled in a folder (--root), but on the system that \
             it becomes: systemctl enable --now {units}"
        ));
    }
    let any = facts.live && (new || facts.watch.idle);
    // Those that run do not take up what is new by being enabled once more.
    let deed = if facts.watch.texts.is_empty() {
        Deed::Begin
    } else {
        Deed::Renew
    };
    Ok(any.then(|| of(deed, WATCHERS.map(str::to_owned).into())))
}

fn of(deed: Deed, units: Vec<String>) -> Watch {
    Watch {
        deed,
        units,
        rewrites: vec![WATCH_FOLDER.to_owned()],
    }
}

fn paths() -> impl Iterator<Item = AbsPath> {
    WATCH_UNITS
        .iter()
        .map(|unit| below(&literal(WATCH_FOLDER), unit))
}

/// Units of ours go; what somebody has changed is theirs.
fn ended(facts: &Facts, files: &mut Vec<FileChange>, notes: &mut Vec<String>) -> Option<Watch> {
    let there: Vec<AbsPath> = paths()
        .filter(|path| facts.watch.texts.contains_key(path))
        .collect();
    let gone: Vec<FileChange> = there
        .iter()
        .filter_map(|path| removal(facts, path))
        .collect();
    let goes = |path: &AbsPath| gone.iter().any(|file| file.path == *path);
    notes.extend(there.iter().filter(|path| !goes(path)).map(|path| {
        format!(
            "{LEFT}{path} is not as nim-tls wrote it, and options.watch does not ask for it: \
             systemctl disable --now {}",
            path.name()
        )
    }));
    let units = WATCHERS.iter().map(|unit| (*unit).to_owned());
    let units = units.filter(|unit| gone.iter().any(|file| file.path.name() == unit));
    let end = (facts.live && !gone.is_empty()).then(|| of(Deed::End, units.collect()));
    files.extend(gone);
    end
}

/// What the units start. The one that they start today goes on being it, whoever plans: else
/// another copy, started to look at the host, would find the units changed.
fn program<'a>(facts: &'a Facts, notes: &mut Vec<String>) -> Result<&'a AbsPath, Problem> {
    match (&facts.watch.program, &facts.program) {
        (Some(today), own) => {
            if own.is().is_some_and(|own| own != today) {
                notes.push(format!(
                    "options.watch: the units go on starting {today}, which is another copy of \
                     this program"
                ));
            }
            Ok(today)
        }
        (None, Known::Is(own)) => Ok(own),
        (None, Known::Unclear(why)) => {
            let (why, command) = with_command(why);
            let problem = Problem::host(format!("options.watch: {why}"));
            Err(problem.remedy(command.unwrap_or(LEAVE_OUT)))
        }
        (None, Known::Absent) => {
            let what = "options.watch: this program lies nowhere";
            Err(Problem::host(what).remedy(LEAVE_OUT))
        }
    }
}

/// The files whose change matters: what this plan places or edits, what earlier ones did, and
/// where the manager is in nginx's files. Sorted, so that the same files give the same text.
fn watched(facts: &Facts, files: &[FileChange], notes: &mut Vec<String>) -> Vec<AbsPath> {
    let is_there = |path: &AbsPath| facts.file(path).file().is_some();
    let planned = files.iter().map(|file| &file.path);
    let ours = facts.files.iter();
    let ours = ours.filter(|(_, found)| found.file().is_some_and(|file| file.ours));
    let of_manager = literal(MANAGER_FILE);
    let found: BTreeSet<AbsPath> = planned
        .chain(ours.map(|(path, _)| path))
        // One that was edited is ours no longer, and matters the more.
        .chain(&facts.watch.watched)
        .chain(Some(&of_manager).filter(|path| is_there(path)))
        .cloned()
        .chain(of_nginx(facts))
        .gathered();
    let state = &facts.state.folder;
    let goes = |path: &AbsPath| {
        let mut gone = files.iter().filter(|file| file.status == Status::Remove);
        gone.any(|file| file.path == *path)
    };
    let units: BTreeSet<AbsPath> = paths().gathered();
    let matters = |path: &AbsPath| !path.is_below(state) && !units.contains(path) && !goes(path);
    let mut found: Vec<AbsPath> = found.into_iter().filter(matters).collect();
    if found.len() > MOST {
        notes.push(format!(
            "options.watch: a change of {MOST} files is seen at once; of the {} others, the daily \
             look sees it",
            found.len() - MOST
        ));
        found.truncate(MOST);
    }
    found
}

/// Where nginx has the services of agents: the server, and the locations for them.
fn of_nginx(facts: &Facts) -> BTreeSet<AbsPath> {
    let mut found = BTreeSet::new();
    let Some(config) = facts.config.is() else {
        return found;
    };
    for server in config.http().iter().flat_map(|http| &http.servers) {
        let gates: Vec<_> = flat(server.directive.children())
            .filter(|line| line.name == "location")
            .filter(|line| {
                let of_service = |word: &str| SERVICES.iter().any(|name| word.contains(name));
                line.words().any(of_service)
            })
            .map(|line| line.at.file)
            .collect();
        let all = gates.first().map(|_| server.directive.at.file);
        for file in all.into_iter().chain(gates) {
            let path = config.file(file).path.parse().ok();
            let real = |path: AbsPath| match facts.links.get(&path) {
                Some(target) => target.parse().ok(),
                None => Some(path),
            };
            found.extend(path.and_then(real));
        }
    }
    found
}

fn units(
    facts: &Facts,
    program: &AbsPath,
    watched: &[AbsPath],
) -> Result<Vec<FileChange>, Problem> {
    let state = &facts.state.folder;
    let other_state = Some(state).filter(|state| state.as_str() != STATE);
    let WatchTexts {
        path,
        service,
        timer,
    } = watch_texts(program, other_state, watched);
    let texts = paths().zip([path, service, timer]);
    texts.map(|(path, text)| unit(facts, &path, text)).collect()
}

fn unit(facts: &Facts, path: &AbsPath, text: Explained) -> Result<FileChange, Problem> {
    let mut change = change(facts, path, 0o644, Content::Text(text.text));
    change.reasons = text.reasons;
    let found = facts.file(path).file();
    if change.status == Status::Change && found.is_some_and(|found| !found.ours) {
        let what = format!(
            "options.watch: {path} is there, and is not as nim-tls wrote it (what it is to say \
             besides has a place of its own, systemctl edit {})",
            path.name()
        );
        return Err(Problem::host(what).remedy(format!("mv {path} {path}.before")));
    }
    Ok(change)
}
