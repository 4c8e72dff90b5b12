//! Does what the screen asks for, each in a thread of its own, and answers with messages.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use super::Arrival;
use super::message::{Effect, Message};
use crate::worker::{self, Started};

use super::super::place::Ground;
use super::super::saving::save;
use super::super::session;
use super::super::starting::{put_back, start};

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
