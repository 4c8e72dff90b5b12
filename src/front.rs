//! The fronts: how answers are obtained, and how what happens is shown.

mod output;
mod typed;
mod outward;
mod place;
mod prover;
// What the fronts share: no front names another.
mod in_front;
mod session;
mod outlook;
mod line;
mod prompt;
mod consent;
mod passphrase;
mod leaving;
mod busy;
mod saving;
mod saying;
mod standing;
mod reviewed;
mod starting;
mod plan_text;
mod progress;
mod by_hand;
mod document;
mod diagnosis;
mod following;
mod words;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

mod plain;
mod tui;
mod demo;
pub mod unattended;

use std::io::{self, IsTerminal};

use crate::answers::Entered;
use crate::cli::{Cli, Command, Format, Place, When};
use crate::error::Problem;
use crate::event::Happening;
use crate::values::{RunId, shown};
use crate::worker::{self, Runs, Teller};

use busy::Found;
use output::Output;
use place::Ground;
use prover::RealProver;

/// Carries out what was typed; gives the exit code.
pub fn run(cli: &Cli) -> u8 {
    let mut output = Output::new(&cli.place);
    carried_out(cli, &mut output).unwrap_or_else(|problem| {
        output.failed(&problem);
        problem.exit as u8
    })
}

fn carried_out(cli: &Cli, output: &mut Output) -> Result<u8, Problem> {
    check_format(cli)?;
    if matches!(cli.command, Some(Command::Demo)) {
        return demo(cli, output);
    }
    let ground = Ground::new(&cli.place)?;
    output.outward = ground.outward();
    match &cli.command {
        None => wizard(cli, ground, output),
        Some(command) => unattended::run(command, &ground, output),
    }
}

/// The wizard, where there is somebody to lead through it.
fn wizard(cli: &Cli, ground: Ground, output: &Output) -> Result<u8, Problem> {
    needs_terminal("the wizard", "nim-tls apply --answers FILE --yes")?;
    let entered = cli.answers.as_deref().map(saving::load).transpose()?;
    let entered = entered.unwrap_or_default();
    if entered.get("role") == "ca" {
        return Err(Problem::usage(
            "these answers are of role ca, and the wizard leads through a manager or an instance",
        )
        .remedy("nim-tls apply --answers FILE"));
    }
    let lines = cli.plain || !prompt::addresses_cursor();
    match busy::found(&ground)? {
        found if !lines => {
            return tui::run(ground, is_ascii(cli), output.has_colour(), entered, found);
        }
        Found::Free => {}
        Found::AtWork(run) => return plain::attach(&ground, &run, &in_lines(cli, &ground)),
        Found::CutShort(run) => return Err(busy::cut_short(&ground, &run)),
    }
    let output = in_lines(cli, &ground);
    plain::run(ground, &output, entered)
}

/// The same on a practice host.
fn demo(cli: &Cli, output: &Output) -> Result<u8, Problem> {
    if cli.place.root.is_some() || cli.place.state_dir.is_some() {
        return Err(Problem::usage(
            "demo makes a host of its own: it takes no --root and no --state-dir",
        ));
    }
    needs_terminal("the practice host", "nim-tls plan --answers FILE")?;
    let entered = Entered::default();
    if cli.plain || !prompt::addresses_cursor() {
        return demo::demo(|ground| {
            let output = in_lines(cli, &ground);
            plain::run(ground, &output, entered)
        });
    }
    let (ascii, colour) = (is_ascii(cli), output.has_colour());
    demo::demo(|ground| tui::run(ground, ascii, colour, entered, Found::Free))
}

/// Where lines go. A terminal that cannot move its cursor gets not one colour either, whatever
/// was asked for.
fn in_lines(cli: &Cli, ground: &Ground) -> Output {
    let mut place = cli.place.clone();
    if !prompt::addresses_cursor() {
        place.color = When::Never;
    }
    let mut output = Output::new(&place);
    output.outward = ground.outward();
    output
}

fn needs_terminal(what: &str, instead: &str) -> Result<(), Problem> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Problem::usage(format!(
        "{what} needs a terminal; without one: {instead}"
    )))
}

fn is_ascii(cli: &Cli) -> bool {
    cli.place.ascii || !speaks_utf8()
}

/// Whether the locale says that this terminal shows more than ASCII.
fn speaks_utf8() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

/// What `--format json` gives for arguments that cannot be taken.
pub fn usage_document(problem: &str) -> String {
    output::usage_document(problem)
}

/// `nim-tls __worker RUN`, started by a front and by nobody else.
pub fn work(place: &Place, run: &RunId) -> u8 {
    let work = || {
        let ground = Ground::new(place)?;
        let (told, its_run) = (place.clone(), run.clone());
        worker::put_back_on_panic(ground.launch()?, run, move || panicked(&told, &its_run));
        let (host, state) = (ground.host(), ground.state());
        Ok(worker::main(host, state, run, &mut RealProver::default()))
    };
    work().unwrap_or_else(|problem: Problem| {
        eprintln!("{}", shown(&problem.to_string(), false));
        problem.exit as u8
    })
}

/// Whoever watches the run reads why it is put back.
fn panicked(place: &Place, run: &RunId) {
    let Ok(ground) = Ground::new(place) else {
        return;
    };
    let folder = Runs::new(ground.host(), ground.state()).open(run);
    let why = "this program failed unexpectedly".to_owned();
    Teller::new(ground.host(), &folder).tell(Happening::PuttingBack { why });
}

fn check_format(cli: &Cli) -> Result<(), Problem> {
    if cli.command.is_some() && cli.answers.is_some() {
        return Err(
            Problem::usage("--answers before a command is for the wizard")
                .remedy("write it behind the command: nim-tls plan --answers FILE"),
        );
    }
    let diff = cli.place.format == Format::Diff;
    if diff && !matches!(cli.command, Some(Command::Plan { .. })) {
        return Err(Problem::usage("--format diff belongs to the command plan")
            .remedy("--format text or --format json"));
    }
    Ok(())
}
