//! What every front says in the same words: sentences and tables of text, wrapped where a width
//! is given.

mod here;
mod table;
mod work;

use crate::event::Switch;
use crate::plan::{AWAITED, Plan};
use crate::receipt::Outcome;
use crate::report::{MANAGER, Row, Standing, holds};

use super::starting::{KEEP_WITHIN, RAISED_FOR};

pub(super) use here::{checks, host, today_in_full, welcome};
pub(super) use table::{gives, methods};
pub(super) use work::{certificates, noticed};

/// What a run does without its screen, where the host exists for this command only.
pub(super) const PRACTICE_GOES: &str =
    "If you leave, the practice host goes away with everything on it.";

/// Of an erratum, as it stands in `assets/help/errata.txt`.
pub(super) fn of_guide(erratum: &str) -> String {
    let (number, words) = erratum.split_once(": ").unwrap_or(("", erratum));
    format!("The vendor's guide (erratum {number}): {words}.")
}

/// What is real, and what is not.
pub(super) fn practice(folder: &str) -> String {
    format!(
        "PRACTICE HOST (simulated), below {folder}. Files, certificates and TLS connections are \
         real; nginx, services and commands are simulated. Nothing outside that folder is \
         touched, and it goes away at the end."
    )
}

/// Of a plan that comes to nothing.
pub(super) fn nothing_to_do(plan: &Plan) -> String {
    match awaited(plan).as_slice() {
        [] => "Nothing has to be done: this host is as the answers want it.".to_owned(),
        notes => format!(
            "Nothing is to be done here now: certificates are awaited.\n{}",
            notes.join("\n")
        ),
    }
}

/// What others are to sign or to bring before the plan can go on.
pub(super) fn awaited(plan: &Plan) -> Vec<&str> {
    let notes = plan.notes.iter().map(String::as_str);
    let waits = !plan.proves();
    notes
        .filter(|note| waits && note.starts_with(AWAITED))
        .collect()
}

/// Once requests are written, what is to be done with them.
pub(super) fn requests_written(notes: &[&str]) -> String {
    format!(
        "Done: the requests are written, no service was touched, and who was let in before is let in \
         now. Next:\n{}",
        notes.join("\n")
    )
}

pub(super) const NOTHING_TO_PROVE: &str = "Done. There was nothing to prove: no running service was touched, and who was let in before \
     is let in now.";
pub(super) const HANDED_OUT: &str = "Done: the certificates are made, no service was touched, and who was let in before is let in \
     now. Next: bring each agent its files; then start nim-tls again with the same answers, and \
     say yes.";
pub(super) const HAND_OUT: &str =
    "Issue and hand out only: makes the agents' certificates, touches no service.";
const IF_IT_FAILS: &str = "If anything fails, all of it is put back.";
pub(super) const IF_THE_LINE_DROPS: &str =
    "If the line drops, the work goes on: start nim-tls again to see it.";

/// In place of the text of a file that has none to show.
pub(super) fn without_text(sensitive: bool) -> &'static str {
    if sensitive {
        "A secret. It is made while applying, readable by root alone, and shown nowhere."
    } else {
        "Made while applying: what is in it depends on keys that do not exist yet."
    }
}

/// When all of it is put back without a word of anybody's.
pub(super) fn if_it_fails(plan: &Plan) -> String {
    if plan.raises_level() {
        let minutes = RAISED_FOR / 60;
        return format!(
            "After {minutes} minutes all is put back by itself, unless somebody says Keep."
        );
    }
    if plan.proves() {
        let minutes = KEEP_WITHIN / 60;
        format!(
            "If anything fails, or nobody says Keep within {minutes} minutes of the proof, all is \
             put back."
        )
    } else {
        IF_IT_FAILS.to_owned()
    }
}

/// To follow "all of it is put back", where something is known of what covers that.
pub(super) fn covers(switch: Option<&Switch>) -> String {
    switch.map_or_else(String::new, |switch| format!(", {}", switch.in_words()))
}

/// How many addresses have come back, of those that were connected before a change.
pub(super) fn came_back(back: usize, of: usize) -> String {
    format!("Addresses that are back: {back} of {of}")
}

/// Where an instance finds what was made for it; `issued` is the folder of all of them.
pub(super) fn files_wait(issued: &str) -> String {
    format!(
        "Each agent's files wait in {issued}/NAME (nginx-agent.conf there says what goes where)."
    )
}

/// Whether anything has been changed.
pub(super) fn state(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Applied => "CHANGED, proven",
        Outcome::RolledBack => "put back as it was",
        Outcome::Unchanged | Outcome::Refused => "nothing changed",
        Outcome::Incomplete => "IN BETWEEN, see below",
    }
}

/// Whether all that was tried came out right, and what that says.
pub(super) fn proven(rows: &[Row]) -> (bool, String) {
    let ok = rows.iter().filter(|row| row.ok == Some(true)).count();
    let tried = rows.iter().filter(|row| row.ok.is_some()).count();
    let (proven, word) = verdict(rows);
    let means = if is_of_instance(rows) {
        "This says that the agent's certificate gets through from here, and that the manager is who \
         it should be."
    } else if Standing::of(rows) == Standing::NotEnforced {
        "Agents are judged and logged, and nobody is refused yet: nim-tls agents lists who is ready."
    } else {
        "This says that our certificates get through and others do not; agents come back once they \
         have theirs."
    };
    let said = format!(
        "{word}: {ok} of {tried} connections as they must be, {} not tried. {means}",
        rows.len() - tried
    );
    (proven, said)
}

/// Said while the error log tells more.
pub(super) const LOG_TELLS: &str = "The error log tells of refused clients now. Let the client that is refused try again (an agent \
     does within a minute or two, or when it is restarted), then press t: it shows what came.";

/// What only a person can see, once it is proven.
pub(super) fn look_now(of_instance: bool) -> &'static str {
    if of_instance {
        "Look at the manager now: is this instance online?"
    } else {
        "Open the UI in a browser now."
    }
}

pub(super) const TAKE_AWAY: &str =
    "What was brought here for it can be taken away: the key among it is a copy.";

/// Whether it was proven from an instance.
pub(super) fn is_of_instance(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.leg.starts_with(MANAGER))
}

/// Whether all that was tried came out right, in a word.
pub(super) fn verdict(rows: &[Row]) -> (bool, &'static str) {
    match Standing::of(rows) {
        _ if !holds(rows) => (false, "NOT PROVEN"),
        Standing::NotEnforced => (true, "PROVEN, NOT ENFORCED"),
        _ => (true, "PROVEN"),
    }
}
