//! `nim-tls certs`: certificates as files: shown, issued, and how they get where they belong.

mod hand_out;
mod inspect;
mod issue;
mod renew;
mod revoke;

use crate::cli::Certs;
use crate::error::Problem;

use super::super::output::Output;
use super::super::place::Ground;

pub(super) fn certs(ground: &Ground, asked: &Certs, output: &Output) -> Result<u8, Problem> {
    match asked {
        Certs::Inspect { files } => inspect::inspect(ground, files, output),
        Certs::Issue {
            names,
            manager,
            consent,
        } => issue::issue(ground, names, manager.as_ref(), *consent, output),
        Certs::Renew { within, consent } => renew::renew(ground, *within, *consent, output),
        Certs::Revoke { names, consent } => revoke::revoke(ground, names, *consent, output),
        Certs::HandOut { name } => hand_out::hand_out(ground, name, output),
    }
}
