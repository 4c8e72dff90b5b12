//! Why a step of a plan was not done, and what shows more of it.

use std::path::Path;

use crate::error::{Exit, Problem};
use crate::host::{HostError, remedy_of_words};
use crate::values::{escaped, path_word};

use super::enable::EnableError;
use super::issue::MakeError;
use super::place::PlaceError;
use super::purse::NotIssued;
use super::reload::ReloadError;
use super::restart::RestartError;
use super::run_folder::RunError;
use super::stage::StageError;
use super::trust::TrustError;

/// Where nothing better is known: each prerequisite of this host, and what helps.
const LOOK_AT_ALL: &str = "nim-tls check";
/// Causes and fixes, by what is in logs and files and what answers.
const FIND_THE_CAUSE: &str = "nim-tls doctor";
const ASK_NGINX: &str = "nginx -t";

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Make(#[from] MakeError),
    #[error(transparent)]
    NotIssued(#[from] NotIssued),
    #[error("nginx refuses the new configuration: {0}")]
    Refused(String),
    #[error("nginx could not be asked: {0}")]
    Stage(#[from] StageError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(transparent)]
    Enable(#[from] EnableError),
    #[error(transparent)]
    Reload(#[from] ReloadError),
    #[error("{0} of the workers that serve the old rules would not end")]
    OldWorkers(usize),
    #[error(transparent)]
    Restart(#[from] RestartError),
    #[error("the proof does not hold: {0}")]
    Proof(String),
    #[error("it was interrupted")]
    Interrupted,
    #[error("nobody kept it within {0} s")]
    NotKept(u32),
    #[error("somebody asked for it")]
    Unwanted,
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// This, in these words, with what helps.
    pub(super) fn problem(&self, exit: Exit, what: String) -> Problem {
        Problem::new(exit, what).remedy(escaped(&self.remedy()))
    }

    fn remedy(&self) -> String {
        let of_words = || remedy_of_words(&self.to_string(), Path::new("/"));
        let known = match self {
            Self::Place(error) => of_place(error),
            Self::Make(error) => of_make(error),
            Self::Stage(error) => of_stage(error),
            Self::Trust(error) => of_trust(error),
            Self::Enable(error) => of_enable(error),
            Self::Reload(error) => of_reload(error),
            Self::Restart(error) => of_restart(error),
            Self::Run(error) => Some(error.remedy("")),
            Self::Host(error) => error.remedy(),
            Self::Refused(_) => of_words().or_else(|| Some(ASK_NGINX.to_owned())),
            Self::OldWorkers(_) => Some("ps -C nginx -o pid,etime,args".to_owned()),
            Self::Proof(_) => Some(FIND_THE_CAUSE.to_owned()),
            Self::Interrupted | Self::NotKept(_) | Self::Unwanted => {
                Some("nim-tls history".to_owned())
            }
            Self::NotIssued(_) | Self::Other(_) => None,
        };
        let known = known.or_else(of_words);
        known.unwrap_or_else(|| LOOK_AT_ALL.to_owned())
    }
}

fn of_place(error: &PlaceError) -> Option<String> {
    match error {
        PlaceError::Host(error) => error.remedy(),
        PlaceError::Changed { path, .. } => Some(format!("ls -ld {}", path_word(path))),
        PlaceError::NotIssued(_) => None,
    }
}

fn of_make(error: &MakeError) -> Option<String> {
    match error {
        MakeError::Host(error) => error.remedy(),
        MakeError::Certificate { path, .. } => {
            Some(format!("nim-tls certs inspect {}", path_word(path)))
        }
        MakeError::Issue(_) | MakeError::Key(_) | MakeError::NoPassphrase => None,
    }
}

fn of_stage(error: &StageError) -> Option<String> {
    let of_error = match error {
        StageError::Host(error) => error.remedy(),
        _ => remedy_of_words(&error.to_string(), Path::new("/")),
    };
    of_error.or_else(|| Some(ASK_NGINX.to_owned()))
}

fn of_trust(error: &TrustError) -> Option<String> {
    match error {
        TrustError::Host(error) => error.remedy(),
        // The system's own command, which says more to whoever runs it.
        TrustError::Failed {
            command,
            said,
            folder,
        } => remedy_of_words(said, Path::new(folder)).or_else(|| Some(command.clone())),
        TrustError::Unreadable { path, .. } => Some(format!("ls -ld {}", path_word(path))),
        TrustError::Ineffective { bundle, anchor, .. } => Some(format!(
            "ls -ld {} {}",
            path_word(bundle),
            path_word(anchor)
        )),
        TrustError::NoCommand(_) => None,
    }
}

fn of_enable(error: &EnableError) -> Option<String> {
    match error {
        EnableError::Host(error) => error.remedy(),
        EnableError::Failed { command, said } => {
            remedy_of_words(said, Path::new("/etc/systemd/system"))
                .or_else(|| Some(command.clone()))
        }
        EnableError::Ineffective { unit, .. } | EnableError::Idle { unit, .. } => {
            Some(format!("systemctl status {}", path_word(unit)))
        }
        EnableError::NoSystemctl => None,
    }
}

fn of_reload(error: &ReloadError) -> Option<String> {
    match error {
        ReloadError::Host(error) => error.remedy(),
        ReloadError::PortTaken { address, .. } => {
            Some(format!("ss -ltnp sport = :{}", address.port()))
        }
        ReloadError::NotRunning | ReloadError::Ended(_) => Some("ps -C nginx -f".to_owned()),
        ReloadError::NoEffect(_) | ReloadError::WorkersDied(_) => Some(FIND_THE_CAUSE.to_owned()),
    }
}

fn of_restart(error: &RestartError) -> Option<String> {
    match error {
        RestartError::Host(error) => error.remedy(),
        RestartError::NoSystemctl => None,
        RestartError::Failed { unit, .. }
        | RestartError::Died { unit, .. }
        | RestartError::Deaf { unit, .. } => {
            Some(format!("journalctl -n 20 -u {}", path_word(unit)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_command(said: &str) -> Problem {
        let failure = Failure::Trust(TrustError::Failed {
            command: "/usr/sbin/update-ca-certificates --hooksdir /dev/null".to_owned(),
            said: said.to_owned(),
            folder: "/etc/ssl/certs".to_owned(),
        });
        failure.problem(Exit::PutBack, failure.to_string())
    }

    #[test]
    fn what_a_command_said_leads_to_what_helps() {
        let full = "chmod: changing permissions of '/a': No space left on device";
        assert_eq!(
            of_command(full).to_string(),
            format!(
                "/usr/sbin/update-ca-certificates --hooksdir /dev/null failed: {full}\n  \
                 do: df -h /etc/ssl/certs; df -i /etc/ssl/certs"
            )
        );
        let other = of_command("rehash: Can't unlink ./5a16bf97.0, Interrupted system call");
        assert_eq!(
            other.remedy.as_deref(),
            Some("/usr/sbin/update-ca-certificates --hooksdir /dev/null")
        );
    }

    /// Red where a failure about which nothing is known comes without a command.
    #[test]
    fn no_failure_comes_without_a_command() {
        let failures = [
            Failure::Host(HostError::NotLive("running a command")),
            Failure::Stage(StageError::Late),
            Failure::Trust(TrustError::NoCommand("update-ca-trust".to_owned())),
            Failure::Reload(ReloadError::NotRunning),
            Failure::Restart(RestartError::NoSystemctl),
            Failure::OldWorkers(1),
            Failure::Interrupted,
            Failure::Other("it is so".to_owned()),
        ];
        for failure in failures {
            let problem = failure.problem(Exit::PutBack, failure.to_string());
            assert!(problem.remedy.is_some_and(|remedy| !remedy.is_empty()));
        }
    }
}
