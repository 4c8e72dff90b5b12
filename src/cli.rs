//! What can be typed: commands and options. No input or output happens here.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::error::Problem;
use crate::values::{AbsPath, HostName, Peer, RunId};

/// Takes an NGINX Instance Manager host to proven mutual TLS, and back.
#[derive(Debug, Parser)]
#[command(
    name = "nim-tls",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    #[command(flatten)]
    pub place: Place,
    /// Ask line by line, where the wizard would draw a screen
    #[arg(long, global = true)]
    pub plain: bool,
    /// Begin the wizard with the answers of a file
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Where to act and how to answer; understood by every command.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Act on the tree under DIR as if it were /
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Where nim-tls keeps its authority, its runs and issued certificates, below --root if
    /// that is given [default: /var/lib/nim-tls]
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<AbsPath>,
    /// How to print the result
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub format: Format,
    /// When to colour differences; `NO_COLOR` is honoured
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    pub color: When,
    /// Draw with letters only: no character outside ASCII
    #[arg(long, global = true)]
    pub ascii: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    /// Only for `plan`: the differences alone
    Diff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    Auto,
    Always,
    Never,
}

/// What is real on the practice host, and what is not.
const PRACTICE: &str = "\
Real: the files, the certificates, the TLS connections of the proof. Simulated: nginx and its
processes, the manager's services, commands such as systemctl, two agents that are connected.
A small server in this program obeys the nginx files. It refuses every directive that it does not
know, and knows these without effect: buffers, timeouts, limits, temporary paths and header rules
(client_*, grpc_*, proxy_*, limit_req*, keepalive*, ssl_verify_depth, ssl_dhparam, ssl_ecdh_curve).
It speaks TLS 1.2 and 1.3 only, whatever ssl_protocols says.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// The wizard on a practice host: needs no root, no nginx, no network. Changes nothing
    /// outside a temporary folder, which goes away at the end
    #[command(after_long_help = PRACTICE)]
    Demo,
    /// The comparison table of methods; on a host, which of them fit. Changes nothing
    Methods,
    /// The prerequisites of this host, each with its remedy. Changes nothing
    Check {
        /// The answers, as YAML: the manager's name is looked at too
        #[arg(long, value_name = "FILE")]
        answers: Option<PathBuf>,
    },
    /// What apply would do, step by step and line by line. Changes nothing
    Plan {
        #[command(flatten)]
        source: Source,
        /// Keep the plan in a new file (0600), so that somebody else can review it: plan --plan
        /// shows it, apply --plan does it
        #[arg(long, value_name = "FILE", conflicts_with = "plan")]
        save: Option<PathBuf>,
    },
    /// Does it: certificates, files, trust store, nginx, and the proof. Undoes itself on failure
    Apply {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        consent: Consent,
        /// Put everything back unless `nim-tls confirm` comes within so many seconds of the proof
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
        confirm_within: Option<u32>,
    },
    /// Keeps a run that waits to be kept
    Confirm {
        /// As in 2026-11-23-01; the one that waits if left out
        run: Option<RunId>,
    },
    /// Shows a run at work, or how it ended, with its exit code. Changes nothing
    Watch {
        /// As in 2026-11-23-01; the latest if left out
        run: Option<RunId>,
    },
    /// The runs recorded on this host. Changes nothing
    History,
    /// Puts back every file, mode, owner and link that a run changed
    Rollback {
        /// As in 2026-11-23-01; the latest that is not rolled back if left out
        run: Option<RunId>,
        #[command(flatten)]
        consent: Consent,
    },
    /// The agents that nginx has judged: address, certificate, when they last called, and whether
    /// they would get through where certificates are required. Changes nothing
    Agents,
    /// Proves again, now, that the right client gets through and others do not. Changes nothing
    Verify,
    /// Certificates as files: shown, issued for further agents, and handed out
    #[command(subcommand)]
    Certs(Certs),
    /// Why it does not work: reads the logs of nginx and the agent, looks at what the configuration
    /// lets through, and names cause, evidence and what helps. Changes nothing, except with --fix
    Doctor(Examination),
    /// Carries out a recorded plan; started by apply
    #[command(name = "__worker", hide = true)]
    Worker { run: RunId },
    /// Puts a run back that nobody kept and that lost its worker; started by its switch
    #[command(name = "__return", hide = true)]
    Return {
        run: RunId,
        /// Until the run is over
        #[arg(long)]
        stay: bool,
    },
    /// Waits until no file is being changed any more; started by nim-tls-doctor.service
    #[command(name = "__settle", hide = true)]
    Settle,
    /// Runs nginx in a private copy of the file system; started by the worker
    #[command(name = "__stage", hide = true)]
    Stage,
}

#[derive(Debug, Subcommand)]
pub enum Certs {
    /// What files of certificates and keys say, whether they belong together, and what is wrong
    /// with them (exit 1). Changes nothing
    Inspect {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Issues certificates for further agents from the authority of this host. Touches no service
    Issue {
        /// The host names of the instances
        #[arg(required = true, value_name = "NAME")]
        names: Vec<HostName>,
        /// What the agents' manager is called, where nothing here tells
        #[arg(long, value_name = "NAME")]
        manager: Option<HostName>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Makes those certificates anew that are two thirds through their life, by the answers of
    /// the latest run; all else stays as those answers want it
    Renew {
        /// Those that end within so many days instead
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        within: Option<u32>,
        #[command(flatten)]
        consent: Consent,
    },
    /// Certificates of agents are no longer good: whoever has one is refused, and its open calls are
    /// ended
    Revoke {
        /// The host names of the instances
        #[arg(required = true, value_name = "NAME")]
        names: Vec<HostName>,
        #[command(flatten)]
        consent: Consent,
    },
    /// The commands that bring an instance what was issued for it. Changes nothing
    HandOut {
        #[arg(value_name = "NAME")]
        name: HostName,
    },
}

/// What is planned or done: one of these.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct Source {
    /// The answers, as YAML
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// A plan that plan --save kept. It is shown as it was saved, and done only where all that it
    /// rests on is unchanged (else exit 1)
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub struct Examination {
    /// Read this log too, wherever it is from; may be repeated
    #[arg(long, value_name = "FILE")]
    pub log: Vec<PathBuf>,
    /// Pass over what is older, as in 30m, 2h or 3d
    #[arg(long, value_name = "DUR")]
    pub since: Option<Age>,
    /// Explain a finding or a cause, as it is named in a result; reads nothing
    #[arg(long, value_name = "ID")]
    pub explain: Option<String>,
    /// Connect to a manager's port from here, too, without a certificate, and say what is wrong with
    /// it
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["explain", "fix"])]
    pub connect: Option<Peer>,
    /// Make no connection: go by files, logs and what runs
    #[arg(long, conflicts_with = "connect")]
    pub no_connect: bool,
    /// Write what was found, what was looked at and the ends of the logs to a new file (.tar.gz, 0600),
    /// for whoever helps you; secrets are masked, and keys and passphrases left out
    #[arg(long, value_name = "FILE", conflicts_with_all = ["explain", "fix"])]
    pub bundle: Option<PathBuf>,
    /// Repair what this finding is about: shows what will be done, asks, does it, proves it, or puts
    /// everything back; then looks again
    #[arg(long, value_name = "ID", conflicts_with_all = ["explain", "log", "since"])]
    pub fix: Option<String>,
    /// Put the repair back unless `nim-tls confirm` comes within so many seconds; a log level that is
    /// raised is put back after 300
    #[arg(long, value_name = "SECONDS", requires = "fix", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub confirm_within: Option<u32>,
    #[command(flatten)]
    pub consent: Consent,
}

impl Source {
    /// The file of answers, where no plan is given.
    pub fn answers(&self) -> Result<&Path, Problem> {
        self.answers
            .as_deref()
            .ok_or_else(|| Problem::usage("--answers FILE or --plan FILE is needed"))
    }
}

/// How long ago, as in `30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age(i64);

impl Age {
    pub fn seconds(self) -> i64 {
        self.0
    }
}

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 60 * 60,
            Some('d') => 24 * 60 * 60,
            _ => return Err("a number and s, m, h or d would do, as in 30m".to_owned()),
        };
        let count: u32 = text[..text.len() - 1]
            .parse()
            .map_err(|_| "a whole number and s, m, h or d would do, as in 30m".to_owned())?;
        Ok(Self(i64::from(count) * unit))
    }
}

#[derive(Debug, Clone, Copy, Args)]
pub struct Consent {
    /// Do it without asking
    #[arg(long)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_hold() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn an_age_is_a_number_and_a_unit() {
        let seconds = |text: &str| text.parse().map(Age::seconds).ok();
        assert_eq!(seconds("90s"), Some(90));
        assert_eq!(seconds("30m"), Some(1800));
        assert_eq!(seconds("3d"), Some(259_200));
        for wrong in ["", "m", "30", "-1h", "1.5h", "2 h", "30µ", "4294967296d"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
