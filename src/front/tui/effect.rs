//! Does what the screen asks for, each in a thread of its own, and answers with messages.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use zeroize::Zeroizing;

use super::Arrival;
use super::message::{Effect, Message};
use crate::answers::Answers;
use crate::error::Problem;
use crate::host::{Host as _, Local};
use crate::plan::{Plan, hand_out_only};
use crate::values::{Attributes, Mode, Owner, escaped};
use crate::worker::{self, Started};

use super::super::busy;
use super::super::place::{Ground, absolute};
use super::super::session;

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
                plan,
                passphrase,
            } => match start(&ground, &answers, &plan, &passphrase) {
                Ok(started) => follow(&ground, started, &tell),
                Err(problem) => tell(Message::Failed(problem.to_string())),
            },
            Effect::PutBack => match put_back(&ground) {
                Ok(started) => follow(&ground, started, &tell),
                Err(problem) => tell(Message::Failed(problem.to_string())),
            },
            Effect::Save { .. } if ground.practice_folder().is_some() => tell(Message::Saved(Err(
                "demo writes nothing outside its folder; nim-tls saves answers".to_owned(),
            ))),
            Effect::Save { file, text } => tell(Message::Saved(save(&file, &text))),
            Effect::Quit(_) => {} // the loop has left already
        }
    });
}

/// What was shown is what is done, or nothing is.
fn start(
    ground: &Ground,
    answers: &Answers,
    shown: &Plan,
    passphrase: &Zeroizing<String>,
) -> Result<Started, Problem> {
    busy::refuse(ground)?;
    let whole = session::planned(ground, answers)?;
    let part = hand_out_only(&whole).ok();
    let same = |plan: &Plan| plan.steps == shown.steps && plan.files == shown.files;
    let Some(plan) = [Some(whole), part].into_iter().flatten().find(same) else {
        return Err(Problem::host(
            "this host has changed since it was looked at, so nothing was begun; go back, and \
             look at Files again",
        ));
    };
    let request = worker::request("apply", None);
    let launch = ground.launch()?;
    let (host, state) = (ground.host(), ground.state());
    worker::start(host, state, &launch, &request, Some(&plan), passphrase)
}

fn put_back(ground: &Ground) -> Result<Started, Problem> {
    busy::refuse_at_work(ground)?;
    let target = worker::target(ground.host(), ground.state(), None, None)?;
    let request = worker::request("rollback", Some(target.run));
    let launch = ground.launch()?;
    worker::start(ground.host(), ground.state(), &launch, &request, None, "")
}

fn follow(ground: &Ground, started: Started, tell: &dyn Fn(Message)) {
    let run = started.run.clone();
    let mut ended = false;
    let watched = worker::watch(ground.host(), ground.state(), started, |event| {
        ended |= matches!(event.what, crate::event::Happening::Ended { .. });
        tell(Message::Happened(event.clone()));
    });
    match watched {
        // What the receipt says, where the last event could not be written.
        Ok(Some(event)) if !ended => tell(Message::Happened(event)),
        Ok(Some(_)) => {}
        Ok(None) => tell(Message::Failed(format!(
            "the worker of run {run} is gone without a word; nim-tls rollback --yes{} puts this \
             host back",
            ground.options()
        ))),
        Err(problem) => tell(Message::Failed(problem.to_string())),
    }
}

/// The name of the file, as a command takes it.
fn save(file: &Path, text: &str) -> Result<String, String> {
    let path = absolute(file).map_err(|problem| problem.to_string())?;
    let owner = Owner {
        user: rustix::process::geteuid().as_raw(),
        group: rustix::process::getegid().as_raw(),
    };
    let attributes = Attributes {
        mode: Mode(0o644),
        owner,
        extended: Vec::new(),
    };
    let machine = Local::live().map_err(|error| error.to_string())?;
    machine
        .place(&path, text.as_bytes(), &attributes)
        .map_err(|error| escaped(&error.to_string()))?;
    Ok(escaped(&path.to_string_lossy()))
}
