//! `nim-tls`: what is typed becomes a command, a command becomes an exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use nim_tls::cli::{Cli, Command};
use nim_tls::host::leave_no_core;
use nim_tls::values::shown;
use nim_tls::{front, worker};

fn main() -> ExitCode {
    leave_no_core();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => return refused(&refusal),
    };
    let code = match &cli.command {
        // First of all: these two arrange their own process, and nothing else may have begun.
        Some(Command::Stage) => worker::stage_main(),
        Some(Command::Worker { run }) => front::work(&cli.place, run),
        _ => front::run(&cli),
    };
    ExitCode::from(code)
}

/// Whether scripts are to read the answer, as far as that can be told of arguments that could
/// not be read.
fn wants_json() -> bool {
    let words: Vec<_> = std::env::args_os().collect();
    let pair = |pair: &[std::ffi::OsString]| pair[0] == "--format" && pair[1] == "json";
    words.windows(2).any(pair) || words.iter().any(|word| word == "--format=json")
}

/// Help and version are results; everything else that clap has to say is bad usage.
fn refused(refusal: &clap::Error) -> ExitCode {
    let said = refusal.render().to_string();
    // What was typed is repeated there. Nobody may be left to read it (a closed pipe), and then
    // there is nobody to tell.
    let _ = if refusal.use_stderr() {
        write!(std::io::stderr(), "{}", shown(&said, false))
    } else {
        write!(std::io::stdout(), "{}", shown(&said, false))
    };
    if refusal.use_stderr() && wants_json() {
        let said = said.trim_start_matches("error: ").trim_end();
        let _ = writeln!(std::io::stdout(), "{}", front::usage_document(said));
    }
    if refusal.use_stderr() {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    }
}
