//! The units that have this program look after what was set up, and where it lies for them.

use std::path::Path;

use super::reader::Reader;
use crate::facts::{Known, WATCH_FOLDER, WATCH_UNITS, WATCHERS, WatchUnits};
use crate::host::{Command, Host, Kind};
use crate::values::{AbsPath, Gather as _, path_word};

/// What is in these does not outlive a restart, or a few days.
const PASSING: [&str; 5] = ["/dev", "/proc", "/run", "/tmp", "/var/tmp"];
/// Where a program stays.
const LASTING: &str = "/usr/local/sbin/nim-tls";

pub(super) fn look(reader: &Reader<'_>, systemd: &Known<()>) -> WatchUnits {
    let host = reader.host();
    let read = |unit: &&str| {
        let path: AbsPath = format!("{WATCH_FOLDER}/{unit}").parse().ok()?;
        let text = reader.text(path.as_path()).ok()??;
        Some((path, text))
    };
    let mut watch = WatchUnits {
        possible: is_possible(host, systemd),
        texts: WATCH_UNITS.iter().filter_map(read).gathered(),
        ..WatchUnits::default()
    };
    for text in watch.texts.values() {
        let there = |path: &AbsPath| matches!(host.stat(path.as_path()), Ok(Some(_)));
        let program = WatchUnits::program_of(text);
        watch.program = watch
            .program
            .or(program.filter(|path| stays(host, path).is_ok()));
        let watched = WatchUnits::watched_by(text);
        watch.watched.extend(watched.filter(there));
    }
    let live = systemd.is().is_some();
    let lacks = |unit: &&str| !is_linked(host, unit) || (live && !runs(host, unit));
    watch.idle = !watch.texts.is_empty() && WATCHERS.iter().any(lacks);
    watch
}

/// A tree of files has no systemd that runs.
fn is_possible(host: &dyn Host, systemd: &Known<()>) -> bool {
    let is_there = |path: &str| matches!(host.stat(Path::new(path)), Ok(Some(_)));
    let programs = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];
    match systemd {
        Known::Is(()) => true,
        Known::Absent => false,
        Known::Unclear(_) => {
            !host.is_live() && (is_there(WATCH_FOLDER) || programs.into_iter().any(is_there))
        }
    }
}

/// Whether it comes up with the system.
fn is_linked(host: &dyn Host, unit: &str) -> bool {
    let (_, kind) = unit.rsplit_once('.').unwrap_or_default();
    let link = format!("{WATCH_FOLDER}/{kind}s.target.wants/{unit}");
    let found = host.stat(Path::new(&link));
    matches!(found, Ok(Some(stat)) if matches!(stat.kind, Kind::Link(_)))
}

/// Where nobody can be asked, nothing is to be done about it either.
fn runs(host: &dyn Host, unit: &str) -> bool {
    let Some(program) = host.find("systemctl") else {
        return true;
    };
    let args = ["show", "--property=ActiveState", unit];
    let output = host.run(&Command::new(program, &args));
    output.map_or(true, |output| {
        let said = output.out();
        let state = said.trim().strip_prefix("ActiveState=");
        state.is_none_or(|state| state == "active")
    })
}

/// This program, for units that start it day by day: it has to be there then, and to be root's
/// alone. `path`: where it lies; none where it lies nowhere any more.
pub fn program(host: &dyn Host, path: Option<&AbsPath>) -> Known<AbsPath> {
    let Some(path) = path else {
        let why = "this program was replaced while it runs, or lies where a unit cannot name it: \
                   start nim-tls again";
        return Known::Unclear(why.to_owned());
    };
    match stays(host, path) {
        Ok(()) => Known::Is(path.clone()),
        Err(why) => Known::Unclear(format!(
            "{why}: install -m 0755 {} {LASTING}",
            path_word(path.as_path())
        )),
    }
}

fn stays(host: &dyn Host, path: &AbsPath) -> Result<(), String> {
    let mut passing = PASSING.into_iter();
    if let Some(folder) = passing.find(|folder| path.as_path().starts_with(folder)) {
        return Err(format!("{path} lies in {folder}, where nothing stays"));
    }
    let there = |kind: &Kind| matches!(kind, Kind::File | Kind::Link(_));
    match host.stat(path.as_path()) {
        Ok(Some(stat)) if there(&stat.kind) => {}
        Ok(_) => return Err(format!("{path} is not there")),
        Err(error) => return Err(error.to_string()),
    }
    // Whoever may replace it would be root every day. Debian's group `staff` may, and is asked
    // to be as trustworthy.
    for above in path.as_path().ancestors() {
        let stat = match host.stat(above) {
            Ok(Some(stat)) => stat,
            Ok(None) => continue,
            Err(error) => return Err(error.to_string()),
        };
        let (mode, owner) = (stat.attributes.mode.0, stat.attributes.owner);
        let open = match stat.kind {
            Kind::Link(_) => false,
            // Under this bit, whoever may write in it may replace only what is their own.
            Kind::Folder => mode & 0o002 != 0 && mode & 0o1000 == 0,
            Kind::File | Kind::Special => mode & 0o022 != 0,
        };
        if owner.user != 0 || open {
            return Err(format!(
                "{} can be written by others than root, and this program would be started as root",
                path_word(above)
            ));
        }
    }
    Ok(())
}
