//! The fronts: how answers are obtained, and how what happens is shown.

mod output;
mod place;
mod prover;
mod typed;
mod session;
mod consent;
mod passphrase;
mod leaving;

pub mod unattended;

use crate::cli::{Cli, Command, Format, Place};
use crate::error::Problem;
use crate::values::RunId;
use crate::worker;

use output::Output;
use place::Ground;
use prover::RealProver;

/// Carries out what was typed; gives the exit code.
pub fn run(cli: &Cli) -> u8 {
    let output = Output::new(&cli.place);
    let done = check_format(cli)
        .and_then(|()| Ground::new(&cli.place))
        .and_then(|ground| unattended::run(cli.command.as_ref(), &ground, &output));
    done.unwrap_or_else(|problem| {
        output.failed(&problem);
        problem.exit as u8
    })
}

/// What `--format json` gives for arguments that cannot be taken.
pub fn usage_document(problem: &str) -> String {
    output::usage_document(problem)
}

/// `nim-tls __worker RUN`, started by a front and by nobody else.
pub fn work(place: &Place, run: &RunId) -> u8 {
    match Ground::new(place) {
        Ok(ground) => worker::main(
            ground.host(),
            ground.state(),
            run,
            &mut RealProver::default(),
        ),
        Err(problem) => {
            eprintln!("{problem}");
            problem.exit as u8
        }
    }
}

fn check_format(cli: &Cli) -> Result<(), Problem> {
    let diff = cli.place.format == Format::Diff;
    if diff && !matches!(cli.command, Some(Command::Plan { .. })) {
        return Err(Problem::usage("--format diff belongs to the command plan")
            .remedy("--format text or --format json"));
    }
    Ok(())
}
