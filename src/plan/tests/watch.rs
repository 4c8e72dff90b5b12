//! Units that have systemd look after what was set up.

use super::stand::{NMS_HTTP, STATE, Stand, changed, file, text};
use crate::facts::{FileFact, Known, WATCH_FOLDER, WATCH_UNITS, WATCHERS};
use crate::plan::{Action, Deed, Plan, Status};
use crate::values::AbsPath;

const PROGRAM: &str = "/usr/local/sbin/nim-tls";

/// With systemd, this program where it stays, and answers that ask for the units.
fn wanted() -> Stand {
    with_systemd().answer("agents: [", "options: {watch: true}\nagents: [")
}

fn with_systemd() -> Stand {
    Stand::stock()
        .with_file("/run/systemd/system/.kept", "")
        .with_file(PROGRAM, "")
}

fn planned(stand: &Stand) -> Plan {
    planned_by(stand, PROGRAM).unwrap_or_else(|problem| panic!("{problem}"))
}

fn planned_by(stand: &Stand, program: &str) -> Result<Plan, crate::error::Problem> {
    let mut facts = stand.facts();
    let path: AbsPath = program.parse().unwrap();
    facts.program = crate::probe::program(&stand.host(), Some(&path));
    stand.plan_on(facts)
}

/// Once the plan is carried out, and systemd asked.
fn after(stand: &Stand, plan: &Plan) -> Stand {
    let stand = stand.after(plan);
    ["paths", "timers"]
        .iter()
        .zip(WATCHERS)
        .fold(stand, |stand, (target, unit)| {
            let link = format!("{WATCH_FOLDER}/{target}.target.wants/{unit}");
            stand.with_link(&link, &format!("{WATCH_FOLDER}/{unit}"))
        })
}

fn unit(name: &str) -> String {
    format!("{WATCH_FOLDER}/{name}")
}

fn watched(plan: &Plan) -> Vec<&str> {
    let lines = text(plan, &unit("nim-tls-doctor.path")).lines();
    lines
        .filter_map(|line| line.strip_prefix("PathChanged="))
        .collect()
}

fn deeds(plan: &Plan) -> Vec<Deed> {
    let steps = plan.steps.iter();
    steps
        .filter_map(|step| match &step.action {
            Action::Watch(watch) => Some(watch.deed),
            _ => None,
        })
        .collect()
}

#[test]
fn nobody_gets_what_was_not_asked_for() {
    assert_eq!(with_systemd().planned(), Stand::stock().planned());
}

#[test]
fn the_files_of_the_plan_are_watched_and_a_second_plan_changes_nothing() {
    let stand = wanted();
    let plan = planned(&stand);
    let ids: Vec<_> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids[2..6], ["place", "trust", "watch", "reload"]);
    assert_eq!(deeds(&plan), [Deed::Begin]);
    let without = Stand::stock().planned();
    let expected: Vec<&str> = changed(&without)
        .into_iter()
        .filter(|path| !path.starts_with(STATE))
        .collect();
    assert_eq!(watched(&plan), expected);
    for name in WATCH_UNITS {
        assert_eq!(file(&plan, &unit(name)).mode.0, 0o644);
    }

    let after = after(&stand, &plan);
    let again = planned(&after);
    assert!(again.is_empty(), "{:?}", changed(&again));
    // Another copy of the program changes nothing, wherever it lies.
    let other = planned_by(&after, "/tmp/nim-tls").unwrap();
    assert!(other.is_empty(), "{:?}", changed(&other));
    // Where that one has gone, the one that is there is started.
    let mut moved = after.with_file("/opt/nim-tls", "");
    moved.files.remove(PROGRAM);
    let moved = planned_by(&moved, "/opt/nim-tls").unwrap();
    assert_eq!(changed(&moved), [unit("nim-tls-doctor.service")]);
    assert_eq!(deeds(&moved), [Deed::Renew]);
}

/// Whoever has set it up: what nginx is told of the manager matters.
#[test]
fn the_managers_file_is_watched_though_nobody_edits_it() {
    let stand = with_systemd().applied();
    let stand = stand.answer("agents: [", "options: {watch: true}\nagents: [");
    let mut facts = stand.facts();
    facts.program = Known::Is(PROGRAM.parse().unwrap());
    let path: AbsPath = NMS_HTTP.parse().unwrap();
    let Some(FileFact::File(file)) = facts.files.get_mut(&path) else {
        panic!("it is there");
    };
    file.ours = false;
    let plan = stand.plan_on(facts).unwrap();
    assert!(!changed(&plan).contains(&NMS_HTTP));
    assert!(watched(&plan).contains(&NMS_HTTP), "{:?}", watched(&plan));
}

#[test]
fn what_somebody_edits_is_watched_on() {
    let stand = wanted();
    let plan = planned(&stand);
    let edited = after(&stand, &plan).edit("server {", "# mine\nserver {");
    let again = planned(&edited);
    assert!(again.is_empty(), "{:?}", changed(&again));
    assert_eq!(watched(&again), watched(&plan));
}

#[test]
fn what_does_not_come_up_with_the_system_is_enabled_again() {
    let stand = wanted();
    let plan = planned(&stand);
    let again = planned(&stand.after(&plan));
    assert_eq!(deeds(&again), [Deed::Renew]);
    assert!(changed(&again).is_empty());
}

#[test]
fn turned_off_they_go_and_the_rest_stays() {
    let stand = wanted();
    let after = after(&stand, &planned(&stand)).answer("watch: true", "watch: false");
    let off = planned(&after);
    let units = WATCH_UNITS.map(unit);
    assert_eq!(changed(&off), units);
    assert!(
        off.changed_files()
            .all(|file| file.status == Status::Remove)
    );
    assert_eq!(deeds(&off), [Deed::End, Deed::Forget]);
    let ids: Vec<_> = off.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids[..3], ["watch-end", "place", "watch-forget"]);
    // One that somebody changed is theirs, and what of it runs is not ended.
    let theirs = after.edit_file(&units[0], "[Path]", "[Path]\n# mine");
    let off = planned(&theirs);
    assert_eq!(changed(&off), units[1..]);
    let note = off.notes.iter().find(|note| note.contains(&units[0]));
    let note = note.expect("it is said");
    assert!(
        note.ends_with("systemctl disable --now nim-tls-doctor.path"),
        "{note}"
    );
    let ends = off.steps.iter().find_map(|step| match &step.action {
        Action::Watch(watch) if watch.deed == Deed::End => Some(watch.units.clone()),
        _ => None,
    });
    assert_eq!(ends.unwrap(), ["nim-tls-doctor.timer"]);
}

#[test]
fn a_program_that_does_not_stay_is_refused_with_what_helps() {
    for (program, what, remedy) in [
        (
            "/tmp/nim-tls",
            "lies in /tmp",
            "install -m 0755 /tmp/nim-tls /usr",
        ),
        ("/var/tmp/x/nim-tls", "lies in /var/tmp", "install -m 0755 "),
        ("/srv/gone/nim-tls", "is not there", "install -m 0755 "),
    ] {
        let problem = planned_by(&wanted(), program).unwrap_err();
        assert!(problem.what.contains(what), "{problem}");
        assert!(problem.remedy.unwrap().starts_with(remedy));
    }
    let stand = wanted();
    let mut facts = stand.facts();
    facts.program = crate::probe::program(&stand.host(), None);
    let problem = stand.plan_on(facts).unwrap_err();
    assert!(problem.what.contains("replaced while it runs"), "{problem}");
    // Without systemd there is nothing that would start it.
    let problem = planned_by(&wanted_without_systemd(), PROGRAM).unwrap_err();
    assert!(problem.what.contains("systemd does not run"), "{problem}");
}

fn wanted_without_systemd() -> Stand {
    Stand::stock()
        .with_file(PROGRAM, "")
        .answer("agents: [", "options: {watch: true}\nagents: [")
}

#[test]
fn somebody_elses_unit_is_not_replaced() {
    let timer = unit("nim-tls-doctor.timer");
    let problem = planned_by(&wanted().with_file(&timer, "[Timer]\n"), PROGRAM).unwrap_err();
    assert!(
        problem.what.contains("is not as nim-tls wrote it"),
        "{problem}"
    );
    let left = with_systemd().with_file(&timer, "[Timer]\n").planned();
    assert!(!changed(&left).contains(&timer.as_str()));
}

#[test]
fn the_list_has_an_end() {
    let mut stand = wanted();
    let server = stand.config().http().unwrap().servers.len();
    assert_eq!(server, 1);
    let plan = planned(&stand);
    stand = after(&stand, &plan);
    // Eighty that are watched already.
    let mut unit_text = text(&plan, &unit("nim-tls-doctor.path")).to_owned();
    for number in 10..90 {
        let path = format!("/etc/nginx/many/{number}.conf");
        unit_text.push_str(&format!("PathChanged={path}\n"));
        stand = stand.with_file(&path, "");
    }
    let mut facts = stand.facts();
    facts.program = Known::Is(PROGRAM.parse().unwrap());
    let many = crate::facts::WatchUnits::watched_by(&unit_text);
    facts.watch.watched = many.collect();
    let plan = stand.plan_on(facts).unwrap();
    assert_eq!(watched(&plan).len(), 64);
    assert!(watched(&plan).contains(&NMS_HTTP));
    let note = plan.notes.iter().find(|note| note.contains("64 files"));
    assert!(note.is_some(), "{:?}", plan.notes);
}

#[test]
fn in_a_folder_they_are_placed_and_not_enabled() {
    let mut stand = wanted().not_live().with_file(&unit("other.service"), "");
    stand.files.remove("/run/systemd/system/.kept");
    let plan = planned(&stand);
    assert_eq!(deeds(&plan), []);
    assert!(
        plan.notes
            .iter()
            .any(|note| note.contains("systemctl enable --now"))
    );
    let skipped: Vec<_> = crate::plan::live_only(&plan);
    assert!(skipped.iter().any(|(id, _)| *id == "watch"), "{skipped:?}");
}
