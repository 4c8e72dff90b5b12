//! The full-screen wizard. One channel brings keys, facts and events in one order; `update`
//! changes the model and says what is to be done; only this file and `effect` do anything.

mod backend;
mod command;
mod edit;
mod effect;
mod help;
mod key;
mod look;
mod mend;
mod message;
mod model;
mod pane;
mod parting;
mod overlay;
mod running;
mod stops;
mod terminal;
mod update;
mod view;

#[cfg(test)]
pub(super) mod tests;

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use crossterm::event::{self, Event as Input};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::answers::Entered;
use crate::error::{Exit, Problem};
use crate::values::escaped;

use super::busy::{Found, cut_short};
use super::line::when_hung_up;
use super::place::Ground;
use key::Key;
use look::Look;
use mend::Mend;
use message::{Effect, Message};
use model::{Model, Overlay};
use terminal::{Screen, Taken, give_back};
use update::update_all;

/// So often the time of a run at work is drawn again.
const SECOND: Duration = Duration::from_secs(1);

/// What comes in, from whichever thread.
enum Arrival {
    Key(Key),
    Message(Message),
    /// The terminal is gone.
    Lost,
}

/// Leads through the steps on the whole screen; gives the exit code.
pub(super) fn run(
    ground: Ground,
    ascii: bool,
    colour: bool,
    entered: Entered,
    found: Found,
) -> Result<u8, Problem> {
    let ground = Arc::new(ground);
    let (sender, arrivals) = channel();
    leave_when_told(Arc::clone(&ground)).map_err(|error| lost(&error))?;
    let (taken, screen) = Taken::take().map_err(|error| lost(&error))?;
    let size = screen.size().map_err(|error| lost(&error))?;
    let look = Look { colour, ascii };
    let mut model = Model::new(look, (size.width, size.height), entered, ground.outward());
    model.issued = format!("{}/issued", ground.state());
    model.practice = ground.practice_folder();
    read_keys(sender.clone());
    let hung_up = sender.clone();
    when_hung_up(move || drop(hung_up.send(Arrival::Lost)));
    let first = match found {
        Found::Free => Some(Effect::Look(None)),
        Found::AtWork(run) => Some(Effect::Attach(run)),
        Found::CutShort(run) => {
            let words = cut_short(&ground, &run).to_string();
            model.overlay = Some(Overlay::CutShort(run, words));
            None
        }
    };
    let code = hold(&ground, screen, &mut model, first, &sender, &arrivals);
    drop(taken);
    if let Some(words) = parting::words(&model) {
        // Where the line has dropped, nobody reads it.
        let words = words.lines().map(|line| escaped(line) + "\n");
        let _ = io::stderr().write_all(words.collect::<String>().as_bytes());
    }
    code.map_err(|error| lost(&error))
}

fn lost(error: &io::Error) -> Problem {
    Problem::new(Exit::Usage, format!("the terminal cannot be used: {error}"))
        .remedy("nim-tls --plain")
}

/// Draws, waits, changes: until somebody leaves.
fn hold(
    ground: &Arc<Ground>,
    mut screen: Screen,
    model: &mut Model,
    mut first: Option<Effect>,
    sender: &Sender<Arrival>,
    arrivals: &Receiver<Arrival>,
) -> io::Result<u8> {
    let mut mend = Mend::default();
    loop {
        screen.draw(|frame| view::frame(model, frame))?;
        // What takes time begins behind the first frame.
        if let Some(effect) = first.take() {
            effect::perform(effect, ground, sender);
        }
        // Nothing is drawn again before something has changed.
        let messages = next(ground, &mut mend, arrivals, model.is_at_work());
        let Some(messages) = messages else {
            return Ok(129);
        };
        for effect in update_all(model, messages) {
            if let Effect::Quit(code) = effect {
                return Ok(code);
            }
            effect::perform(effect, ground, sender);
        }
    }
}

/// Everything that has arrived by now, at least one thing; `at_work`: a second that has passed is
/// one. `None`: the terminal is gone.
fn next(
    ground: &Ground,
    mend: &mut Mend,
    arrivals: &Receiver<Arrival>,
    at_work: bool,
) -> Option<Vec<Message>> {
    let mut messages = Vec::new();
    let second = at_work.then(|| ground.host().uptime() + SECOND);
    loop {
        let now = ground.host().uptime();
        let keys = mend.tick(now);
        messages.extend(keys.into_iter().map(Message::Key));
        let wait = if messages.is_empty() {
            let due = mend.deadline().into_iter().chain(second).min();
            due.map(|due| due.saturating_sub(now))
        } else {
            Some(Duration::ZERO)
        };
        let arrival = match wait {
            None => arrivals.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(wait) => arrivals.recv_timeout(wait),
        };
        match arrival {
            Ok(Arrival::Key(key)) => {
                let keys = mend.take(key, ground.host().uptime());
                messages.extend(keys.into_iter().map(Message::Key));
            }
            Ok(Arrival::Message(message)) => messages.push(message),
            Ok(Arrival::Lost) | Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if messages.is_empty() => {
                if second.is_some_and(|due| ground.host().uptime() >= due) {
                    return Some(vec![Message::Second(ground.host().now())]);
                }
            }
            Err(RecvTimeoutError::Timeout) => return Some(messages),
        }
    }
}

/// Reads the terminal in a thread of its own, which ends with the terminal.
fn read_keys(sender: Sender<Arrival>) {
    thread::spawn(move || {
        loop {
            let arrival = match event::read() {
                Ok(Input::Key(event)) => Key::of(&event).map(Arrival::Key),
                Ok(Input::Paste(text)) => Some(Arrival::Message(Message::Pasted(text))),
                Ok(Input::Resize(columns, rows)) => {
                    Some(Arrival::Message(Message::Resized(columns, rows)))
                }
                Ok(_) => None,
                Err(_) => Some(Arrival::Lost),
            };
            let is_lost = matches!(arrival, Some(Arrival::Lost));
            if let Some(arrival) = arrival
                && sender.send(arrival).is_err()
            {
                return;
            }
            if is_lost {
                return;
            }
        }
    });
}

/// Told to end, or hung up on: the terminal is given back and this process ends at once. A run
/// has a process of its own.
fn leave_when_told(ground: Arc<Ground>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            give_back();
            // That it could not be removed is of no use to anybody who is told to end.
            let _ = ground.leave();
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}
