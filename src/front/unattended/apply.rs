//! `nim-tls apply`: plans, asks, and has a worker carry it out.

use crate::answers::Goal;
use crate::cli::{Consent, Source};
use crate::error::{Exit, Problem};
use crate::plan::Basis;
use crate::values::escaped;
use crate::worker::{self, Runs, Started};

use super::super::busy;
use super::super::consent::{self, Answer};
use super::super::document::{self, RunDocument};
use super::super::following::follow;
use super::super::output::Output;
use super::super::passphrase::{self, Obtained};
use super::super::place::Ground;
use super::super::plan_text;
use super::super::reviewed::{self, Reviewed};
use super::super::session;

pub(super) fn apply(
    ground: &Ground,
    source: &Source,
    consent: Consent,
    confirm_within: Option<u32>,
    output: &Output,
) -> Result<u8, Problem> {
    let begun = begin(ground, source, consent, confirm_within, output);
    ended(ground, begun, output)
}

fn ended(ground: &Ground, begun: Result<Begun, Problem>, output: &Output) -> Result<u8, Problem> {
    match begun.map_err(|problem| document::refused(output, problem))? {
        Begun::Nothing(notes) => unchanged(output, notes),
        Begun::Declined(code) => Ok(code),
        Begun::Run(started) => follow(ground, started, output),
    }
}

/// What became of the request.
pub(super) enum Begun {
    /// With what is to be known about the host all the same.
    Nothing(Vec<String>),
    /// Somebody said no, or left.
    Declined(u8),
    Run(Started),
}

fn begin(
    ground: &Ground,
    source: &Source,
    consent: Consent,
    confirm_within: Option<u32>,
    output: &Output,
) -> Result<Begun, Problem> {
    let (text, goal, reviewed) = asked(ground, source, output)?;
    let order = Order {
        command: "apply",
        answers: Some(&text),
        consent,
        confirm_within,
    };
    order.begin(ground, &goal, reviewed.as_ref(), output)
}

/// How it is to be done.
pub(super) struct Order<'a> {
    pub(super) command: &'static str,
    /// As they were written, to be kept with the run.
    pub(super) answers: Option<&'a str>,
    pub(super) consent: Consent,
    /// Seconds after which all is put back, unless somebody keeps it.
    pub(super) confirm_within: Option<u32>,
}

impl<'a> Order<'a> {
    /// What is done stays.
    pub(super) fn of(command: &'static str, answers: Option<&'a str>, consent: Consent) -> Self {
        Self {
            command,
            answers,
            consent,
            confirm_within: None,
        }
    }

    /// The same as `apply` does, for what comes from no file of answers.
    pub(super) fn carry(
        &self,
        ground: &Ground,
        goal: &Goal,
        output: &Output,
    ) -> Result<u8, Problem> {
        ended(ground, self.begin(ground, goal, None, output), output)
    }

    fn begin(
        &self,
        ground: &Ground,
        goal: &Goal,
        reviewed: Option<&Reviewed>,
        output: &Output,
    ) -> Result<Begun, Problem> {
        let consent = self.consent;
        consent::possible(consent, self.command)?;
        busy::refuse(ground)?;
        let runs_seen = Runs::new(ground.host(), ground.state()).that_changed().ok();
        let planned = session::planned_on(ground, goal);
        // One may have begun meanwhile, and then the plan is of a host in between.
        busy::refuse(ground)?;
        let (facts, plan) = planned?;
        if let Some(reviewed) = reviewed {
            reviewed.is_still(ground, &plan, &Basis::of(&facts))?;
        }
        if plan.is_empty() {
            return Ok(Begun::Nothing(plan.notes));
        }
        let known = passphrase::from_named_file(ground, &plan, goal, output)?;
        if !consent.yes {
            // Every line first, so that what is still on the screen at the question is the summary.
            output.tell(&plan_text::differences(&plan, output));
        }
        output.tell(&plan_text::summary(&plan, output.told_width()));
        match consent::ask(consent, self.command, "Do this now?", output.has_colour())? {
            Answer::Yes => {}
            answer => return Ok(Begun::Declined(declined(&answer, output))),
        }
        let passphrase = match known {
            Some(known) => known,
            None => match passphrase::obtain(ground, &plan, output)? {
                Obtained::Passphrase(passphrase) => passphrase,
                Obtained::Left(code) => {
                    return Ok(Begun::Declined(declined(&Answer::Left(code), output)));
                }
            },
        };
        let mut request = worker::request(self.command, None);
        request.keep_within = self.confirm_within;
        request.runs_seen = runs_seen;
        request.answers = self.answers.map(str::to_owned);
        let launch = ground.launch()?;
        let (host, state) = (ground.host(), ground.state());
        worker::start(host, state, &launch, &request, Some(&plan), &passphrase).map(Begun::Run)
    }
}

/// The answers, from wherever they are to be taken, and what they came to when it was reviewed.
fn asked(
    ground: &Ground,
    source: &Source,
    output: &Output,
) -> Result<(String, Goal, Option<Reviewed>), Problem> {
    let Some(file) = &source.plan else {
        let file = source.answers()?;
        let text = session::text(file)?;
        let goal = session::checked(&text, &escaped(&file.to_string_lossy()))?;
        return Ok((String::from_utf8_lossy(&text).into_owned(), goal, None));
    };
    let reviewed = Reviewed::load(file)?;
    reviewed.is_for(ground, file)?;
    reviewed::warn(file, output);
    output.tell(&reviewed.heading(file));
    let goal = reviewed.answers(file)?;
    Ok((reviewed.answers.join("\n"), goal, Some(reviewed)))
}

pub(super) fn declined(answer: &Answer, output: &Output) -> u8 {
    output.tell("nothing was changed");
    match answer {
        Answer::Left(code) => *code,
        Answer::Yes | Answer::No => Exit::Done as u8,
    }
}

fn unchanged(output: &Output, notes: Vec<String>) -> Result<u8, Problem> {
    if output.is_json() {
        output.document(&RunDocument::unchanged(notes))?;
    } else {
        output.result(&plan_text::nothing_to_do("unchanged", &notes, output.width))?;
    }
    Ok(Exit::Done as u8)
}
