//! What a run tells, and which step shows it.

use super::super::message::Effect;
use super::super::model::Model;
use super::super::running::Running;
use super::{overlay, pages};
use crate::event::{Event, Happening};
use crate::questions::Step;
use crate::receipt::Outcome;

pub(super) fn happened(model: &mut Model, mut event: Event) -> Vec<Effect> {
    if let Happening::Ended {
        problem: Some(problem),
        ..
    } = &mut event.what
    {
        *problem = model.outward.text(problem);
    }
    if matches!(event.what, Happening::Started { .. }) {
        model.running = None;
        pages::go(model, Step::Apply);
    }
    if matches!(event.what, Happening::Ended { .. }) {
        // What it says is going on is over.
        model.notice = None;
    }
    let (waits, undoes) = (
        matches!(event.what, Happening::Waiting { .. }),
        matches!(event.what, Happening::PuttingBack { .. }),
    );
    let running = model.running.get_or_insert_with(Running::default);
    running.take(event);
    if undoes && model.step == Step::Verify {
        // The word that was given is being heard.
        model.notice = None;
        pages::go(model, Step::Apply);
        return Vec::new();
    }
    if waits {
        pages::go(model, Step::Verify);
        return vec![pages::look(model)];
    }
    match &running.ended {
        Some(ended) if ended.outcome == Outcome::Applied => {
            pages::go(model, Step::Verify);
            // Who has come back under the new rules.
            vec![pages::look(model)]
        }
        // What came while the log told more.
        Some(_) if running.raises_level() => {
            let since = running.began;
            overlay::troubleshoot(model, since)
        }
        Some(_) if running.disproved().next().is_some() => {
            let since = running.began;
            overlay::troubleshoot(model, since)
        }
        _ => Vec::new(),
    }
}

/// Something could not be begun, or the worker is gone without a word: the words say which.
pub(super) fn failed(model: &mut Model, why: &str) {
    let why = model.outward.text(why);
    match &mut model.running {
        None => {}
        // What was done before still stands.
        Some(running) if running.is_over() => {}
        // Nothing was begun.
        Some(running) if running.run.is_none() => model.running = None,
        // A notice would be gone with the next key, and this must not be.
        Some(running) => {
            running.lost(why);
            // That step says what is known of it; the proof would not.
            return pages::go(model, Step::Apply);
        }
    }
    model.refuse(why);
}
