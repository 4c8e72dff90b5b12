//! The whole way by keys, on a host that is really looked at.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::super::super::outlook::Outlook;
use super::super::super::passphrase;
use super::super::super::place::Ground;
use super::super::super::tests::wishes::Wish;
use super::super::super::tests::{Told, written};
use super::super::Arrival;
use super::super::effect::perform;
use super::super::stops::{Stop, focused, stops};
use super::*;
use crate::plan::Plan;
use crate::plan::tests::hosts::PASSPHRASE;
use crate::questions::Step;

/// Presses keys and does what the screen asks for, as the program's own loop does.
struct Hand {
    model: Model,
    ground: Arc<Ground>,
    sender: Sender<Arrival>,
    arrivals: Receiver<Arrival>,
    shown: String,
    /// The plan of the run that was asked for.
    started: Option<Box<Plan>>,
}

/// From the first screen to the yes; `folder`: where the answers are saved.
pub(in super::super::super) fn led(
    ground: &Arc<Ground>,
    wish: &Wish,
    begun: Entered,
    folder: &Path,
) -> Told {
    let look = Look {
        colour: false,
        ascii: true,
    };
    let (sender, arrivals) = channel();
    let mut hand = Hand {
        model: Model::new(look, (80, 24), begun, ground.outward()),
        ground: Arc::clone(ground),
        sender,
        arrivals,
        shown: String::new(),
        started: None,
    };
    hand.perform(Effect::Look(None));
    hand.press(&[Key::Enter, Key::Enter]);
    assert_eq!(hand.model.step, Step::Method, "{}", hand.shown);
    hand.press(&[Key::Up, Key::Up]);
    if wish.method == "client-mtls" {
        hand.press(&[Key::Down]);
    }
    hand.press(&[Key::Enter]);
    for step in [Step::Names, Step::Certificates] {
        assert_eq!(hand.model.step, step, "{}", hand.shown);
        hand.fill_in(wish);
    }
    assert_eq!(hand.model.step, Step::Files, "{}", hand.shown);
    hand.look_through_the_files();
    let saved = folder.join("screen.yaml");
    hand.press(&[Key::Char('s'), Key::Clear]);
    hand.text(saved.to_str().unwrap());
    hand.press(&[Key::Enter]);
    hand.press(&[Key::Enter]);
    Told {
        plan: hand.yes(),
        shown: hand.shown,
        saved,
    }
}

impl Hand {
    fn press(&mut self, keys: &[Key]) {
        for key in keys {
            for effect in update(&mut self.model, Message::Key(*key)) {
                self.perform(effect);
            }
            self.shown.push_str(&drawn(&self.model, 80, 24));
        }
    }

    fn text(&mut self, text: &str) {
        typed(&mut self.model, text);
        self.shown.push_str(&drawn(&self.model, 80, 24));
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Start {
                plan,
                passphrase: typed,
                ..
            } => {
                let needed = passphrase::need(&plan).map_or("", |_| PASSPHRASE);
                assert_eq!(typed.as_str(), needed);
                self.started = Some(plan);
            }
            effect @ (Effect::Look(_) | Effect::Save { .. }) => {
                perform(effect, &self.ground, &self.sender);
                let Ok(Arrival::Message(answer)) = self.arrivals.recv() else {
                    panic!("there is no answer");
                };
                let more = update(&mut self.model, answer);
                assert!(more.is_empty());
            }
            _ => panic!("this was not asked for"),
        }
    }

    /// A form from its first field to its last, and on with Enter.
    fn fill_in(&mut self, wish: &Wish) {
        let mut at = 0;
        // An answer may open or close the fields behind it.
        while at < stops(&self.model).len() {
            assert_eq!(self.model.focus, at);
            match focused(&self.model) {
                Some(Stop::Field(question)) => {
                    let text = wish.answer(question.field);
                    if Stop::Field(question).is_text() {
                        self.press(&[Key::Clear]);
                        self.text(text);
                    } else {
                        self.turn_to(question.field, text);
                    }
                }
                Some(Stop::Secret(_)) => self.text(PASSPHRASE),
                other => panic!("{other:?} is no field"),
            }
            self.press(&[Key::Tab]);
            at += 1;
        }
        self.press(&[Key::Enter]);
    }

    fn turn_to(&mut self, field: &str, text: &str) {
        for _ in 0..5 {
            if self.model.entered.get(field) == text {
                return;
            }
            self.press(&[Key::Right]);
        }
        assert_eq!(self.model.entered.get(field), text, "{field}");
    }

    /// Each file as its few lines, as a whole, and why its line is there.
    fn look_through_the_files(&mut self) {
        for _ in 1..stops(&self.model).len() {
            self.press(&[Key::Char('p'), Key::Char('d'), Key::Char('e')]);
            let back = [Key::Esc, Key::Char('d'), Key::Char('p'), Key::Down];
            assert!(press(&mut self.model, &back).is_empty());
        }
        self.shown.push_str(&drawn(&self.model, 120, 36));
    }

    /// The plan of the run that yes begins. What is shown and what is begun are one.
    fn yes(&mut self) -> Result<String, String> {
        if let Outlook::Unfit(problem) = &self.model.outlook {
            assert_eq!(self.model.step, Step::Files);
            return Err(problem.what.clone());
        }
        assert_eq!(self.model.step, Step::Apply, "{}", self.shown);
        let shown = self.model.outlook.plan().unwrap().clone();
        self.press(&[Key::Right, Key::Right, Key::Enter]);
        match self.started.take() {
            None => assert!(shown.is_empty(), "nothing was begun"),
            Some(plan) => assert_eq!(*plan, shown),
        }
        Ok(written(&shown))
    }
}
