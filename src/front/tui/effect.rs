//! Does what the screen asks for, each in a thread of its own, and answers with messages.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use super::Arrival;
use super::message::{Effect, Message, Wanted};
use crate::doctor::Told;
use crate::event::{Event, Happening};
use crate::values::{RunId, escaped};
use crate::worker::{self, Runs, Started};

use super::super::busy::at_work;
use super::super::diagnosis;
use super::super::place::Ground;
use super::super::saving::{NOT_IN_PRACTICE, save};
use super::super::session;
use super::super::starting::{put_back, start};

const PAUSE: Duration = Duration::from_millis(50);

pub(super) fn perform(effect: Effect, ground: &Arc<Ground>, sender: &Sender<Arrival>) {
    let (ground, sender) = (Arc::clone(ground), sender.clone());
    thread::spawn(move || {
        // Where the screen is gone, nobody waits for the answer.
        let tell = |message| drop(sender.send(Arrival::Message(message)));
        match effect {
            Effect::Look(answers) => {
                let facts = session::first_look(&ground, answers.as_deref());
                tell(Message::Looked(Box::new(facts)));
            }
            Effect::Start {
                answers,
                text,
                plan,
                passphrase,
            } => match start(&ground, &answers, text, &plan, &passphrase) {
                Ok(started) => follow(&ground, started, &tell),
                Err(problem) => tell(Message::Failed(problem.to_string())),
            },
            Effect::Attach(run) => attach(&ground, &run, &tell),
            Effect::Say(run, word) => {
                let folder = Runs::new(ground.host(), ground.state()).open(&run);
                if let Err(error) = folder.say(word) {
                    tell(Message::Unheard(error.to_string()));
                }
            }
            Effect::PutBack(run) => match put_back(&ground, &run) {
                Ok(started) => follow(&ground, started, &tell),
                Err(problem) => tell(Message::Failed(problem.to_string())),
            },
            Effect::Examine(since, wanted) => examine(&ground, since, &wanted, &tell),
            Effect::Save { .. } if ground.practice_folder().is_some() => {
                tell(Message::Saved(Err(NOT_IN_PRACTICE.to_owned())));
            }
            Effect::Save { file, text } => tell(Message::Saved(save(&file, &text))),
            Effect::Quit(_) => {} // the loop has left already
        }
    });
}

/// Reads the logs, says how far it is, and stops where nobody wants to know any more.
fn examine(ground: &Ground, since: Option<i64>, wanted: &Wanted, tell: &dyn Fn(Message)) {
    let shown = Cell::new(Duration::ZERO);
    let made = diagnosis::examine(ground, &[], since, &|told| {
        if !wanted.is_so() {
            return ControlFlow::Break(());
        }
        let now = ground.host().uptime();
        let words = match told {
            // Often enough for an eye.
            Told::Reading { .. } if now.saturating_sub(shown.get()) < PAUSE => None,
            Told::Reading { path, done, of } => Some(format!(
                "{}: {} %",
                escaped(path),
                (done * 100).checked_div(of).unwrap_or(100)
            )),
            Told::Seen { .. } => None,
        };
        if let Some(words) = words {
            shown.set(now);
            tell(Message::Reading(words));
        }
        if let Told::Seen { title, .. } = told {
            tell(Message::Seen(title.to_owned()));
        }
        ControlFlow::Continue(())
    });
    if wanted.is_so() {
        let made = made.map_err(|problem| problem.to_string());
        tell(Message::Examined(Box::new(made)));
    }
}

/// Shows all that a run has told so far, and what it tells from now on.
fn attach(ground: &Ground, run: &RunId, tell: &dyn Fn(Message)) {
    let mut events = worker::follow(ground.host(), ground.state(), run, 0);
    loop {
        // Looked at before the events: what a worker said last is then already there.
        let alive = at_work(ground, run);
        for event in events.news().unwrap_or_default() {
            let ended = matches!(event.what, Happening::Ended { .. });
            tell(Message::Happened(event));
            if ended {
                return;
            }
        }
        if !alive {
            return gone(ground, run, tell);
        }
        ground.host().sleep(PAUSE);
    }
}

/// A run has lost its worker: its switch ends it, or somebody has to.
fn gone(ground: &Ground, run: &RunId, tell: &dyn Fn(Message)) {
    let (host, state) = (ground.host(), ground.state());
    if !worker::has_switch(host, state, run) {
        return tell(lost(ground, run));
    }
    let at = host.now();
    let why = "its worker is gone".to_owned();
    let what = Happening::PuttingBack { why };
    tell(Message::Happened(Event { at, what }));
    tell(match worker::put_back_by_switch(host, state, run) {
        Some(receipt) => Message::Happened(worker::ended(&receipt)),
        None => lost(ground, run),
    });
}

fn lost(ground: &Ground, run: &RunId) -> Message {
    Message::Failed(format!(
        "the worker of run {run} is gone without a word; nim-tls rollback {run} --yes{} puts this host \
         back",
        ground.options()
    ))
}

fn follow(ground: &Ground, started: Started, tell: &dyn Fn(Message)) {
    let run = started.run.clone();
    let mut ended = false;
    let watched = worker::watch(ground.host(), ground.state(), started, |event| {
        ended |= matches!(event.what, Happening::Ended { .. });
        tell(Message::Happened(event.clone()));
    });
    match watched {
        // What the receipt says, where the last event could not be written.
        Ok(Some(event)) if !ended => tell(Message::Happened(event)),
        Ok(Some(_)) => {}
        Ok(None) => gone(ground, &run, tell),
        Err(problem) => tell(Message::Failed(problem.to_string())),
    }
}
