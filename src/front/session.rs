//! From an answers file to a plan: read, check, look, plan. `plan` and `apply` share it, so
//! that what is shown is what is done.

use std::cell::RefCell;
use std::path::Path;

use crate::answers::{self, Answers, Draft, Goal};
use crate::error::Problem;
use crate::facts::{Build, Facts};
use crate::host::{Command, Host as _, Kind, Local, Output, Stat};
use crate::plan::{self, NginxCommand, Plan};
use crate::probe::{self, Question, Wanted};
use crate::values::{HostName, SubjectName, escaped};
use crate::worker::{self, Ourselves, StageError};

use super::in_front;
use super::place::{Ground, absolute};
use super::typed::{as_root, look_at, quoted};

/// So many faults of an answers file are named at once.
const MOST_REFUSALS: usize = 12;

const NO_LOG: &str = "/dev/null";

pub(super) fn answers(file: &Path) -> Result<Goal, Problem> {
    checked(&text(file)?, &escaped(&file.to_string_lossy()))
}

/// What an answers file holds, whatever that is.
pub(super) fn text(file: &Path) -> Result<Vec<u8>, Problem> {
    // Answers are a file of the operator's, on this machine: `--root` does not apply to them.
    Local::live()
        .and_then(|machine| machine.read(&absolute_or_given(file), answers::LIMIT))
        .map_err(|error| {
            Problem::usage(format!(
                "the answers cannot be read: {}",
                escaped(&error.to_string())
            ))
            .remedy(look_at(file))
        })
}

/// The answers of a text that is `shown` as this.
pub(super) fn checked(bytes: &[u8], shown: &str) -> Result<Goal, Problem> {
    let draft =
        answers::read(bytes).map_err(|error| Problem::usage(format!("{shown}: {error}")))?;
    Goal::check(&draft).map_err(|refusals| {
        let text = String::from_utf8_lossy(bytes);
        // Whoever mends these sees the rest then. To find a place, the file is read again.
        let named = refusals.iter().take(MOST_REFUSALS);
        let lines: String = named
            .map(|refusal| {
                let place = Draft::place(&text, &refusal.field);
                format!("\n  {place} {}", refusal.why)
            })
            .collect();
        let more = match refusals.len().saturating_sub(MOST_REFUSALS) {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        Problem::usage(format!("{shown} cannot be taken as it is:{lines}{more}"))
    })
}

fn absolute_or_given(file: &Path) -> std::path::PathBuf {
    absolute(file).unwrap_or_else(|_| file.to_owned())
}

pub(super) fn planned(ground: &Ground, goal: &Goal) -> Result<Plan, Problem> {
    planned_on(ground, goal).map(|(_, plan)| plan)
}

/// A plan, and the facts that it was made from.
pub(super) fn planned_on(ground: &Ground, goal: &Goal) -> Result<(Facts, Plan), Problem> {
    if ground.host().is_live() && !ground.host().is_root() {
        let what = "only root can read the keys and the configuration that this plan is about";
        return Err(Problem::host(what).remedy(as_root()));
    }
    state_is_a_folder(ground)?;
    let (facts, plan) = look_and_plan(ground, goal);
    plan.map(|plan| (facts, plan))
}

/// What the plan places and nobody has looked at is looked at as well, so that a place that
/// cannot be written is said before anything is begun.
fn look_and_plan(ground: &Ground, goal: &Goal) -> (Facts, Result<Plan, Problem>) {
    let mut facts = look(ground, &wanted(ground, goal));
    if let Goal::Manager(answers) = goal {
        facts.ends_tls = in_front::ends_tls(ground.host(), &facts, answers);
    }
    let mut planned = plan::for_goal(&facts, goal);
    if let Ok(plan) = &planned {
        let unseen = plan::not_looked_at(plan, &facts);
        if probe::look_further(ground.host(), &mut facts, &unseen) {
            planned = plan::for_goal(&facts, goal);
        }
    }
    (facts, planned)
}

/// What is kept must not go elsewhere with a link that somebody changes.
fn state_is_a_folder(ground: &Ground) -> Result<(), Problem> {
    let state = ground.state();
    match ground.host().stat(state.as_path()) {
        Ok(Some(Stat {
            kind: Kind::Link(target),
            ..
        })) => {
            // A link may name its end as seen from its folder.
            let folder = state.as_path().parent().unwrap_or(Path::new("/"));
            let target = quoted(folder.join(target).as_os_str());
            let what = format!("the state folder {state} is a symbolic link to {target}");
            Err(Problem::host(escaped(&what)).remedy(escaped(&format!(
                "name the folder itself: --state-dir {target}"
            ))))
        }
        _ => Ok(()),
    }
}

/// A look at the host, and what these answers come to on it.
pub(super) fn looked_and_planned(ground: &Ground, goal: &Goal) -> (Facts, Result<Plan, Problem>) {
    look_and_plan(ground, goal)
}

/// A look at the host before anything is planned, for these answers where there are some.
pub(super) fn first_look(ground: &Ground, goal: Option<&Goal>) -> Facts {
    if let Some(goal) = goal {
        return look_and_plan(ground, goal).0;
    }
    look(ground, &Wanted::without_answers(ground.state().clone()))
}

fn wanted(ground: &Ground, goal: &Goal) -> Wanted {
    match goal {
        Goal::Manager(answers) => of_manager(ground, answers),
        Goal::Authority(answers) => Wanted {
            files: answers.files(ground.state()),
            ..Wanted::without_answers(ground.state().clone())
        },
        Goal::Instance(answers) => Wanted {
            names: answers.names(),
            files: answers.files(),
            ..Wanted::without_answers(ground.state().clone())
        },
        Goal::LogLevel => Wanted::without_answers(ground.state().clone()),
    }
}

fn of_manager(ground: &Ground, answers: &Answers) -> Wanted {
    let mut names: Vec<HostName> = vec![answers.manager_name.clone()];
    let mut addresses = Vec::new();
    for name in &answers.alt_names {
        match name {
            SubjectName::Dns(name) => names.push(name.clone()),
            SubjectName::Ip(address) => addresses.push(*address),
        }
    }
    Wanted {
        names,
        addresses,
        https_port: answers.https,
        agents_port: Some(answers.agents_port()),
        files: answers.files(ground.state()),
        state: ground.state().clone(),
    }
}

fn look(ground: &Ground, wanted: &Wanted) -> Facts {
    let ourselves = Ourselves::running();
    let unasked = RefCell::new(None);
    let mut facts = probe::look_asking(ground.host(), wanted, &|question| {
        ask(ground, &ourselves, question, &unasked)
    });
    facts.no_private_copy = unasked.into_inner();
    facts.program = ground.program();
    facts
}

/// The same, but its warnings go to its standard error alone: what nginx logs while it reads
/// would be found in the error log of the one that runs.
fn quiet(command: &Command, build: &Build) -> Command {
    let mut command = command.clone();
    match command.args.iter().position(|arg| arg == "-e") {
        Some(at) if at + 1 < command.args.len() => NO_LOG.clone_into(&mut command.args[at + 1]),
        // `-e` exists from 1.19.5 (nginx change log).
        _ if build.version >= (1, 19, 5) => {
            let option = ["-e", NO_LOG].map(str::to_owned);
            command.args.splice(0..0, option).for_each(drop);
        }
        _ => {}
    }
    command
}

/// `nginx -T` makes files and folders and changes owners, so it runs where none of that stays;
/// where no such place can be had, it runs as it would by hand, and what it made is taken away.
/// Then `unasked` is why.
fn ask(
    ground: &Ground,
    ourselves: &Ourselves,
    question: &Question<'_>,
    unasked: &RefCell<Option<String>>,
) -> Result<Output, String> {
    let Question {
        command,
        nginx,
        config,
    } = question;
    let touches = config
        .map(|config| plan::touches(config, &nginx.build))
        .unwrap_or_default();
    let asked = NginxCommand {
        binary: command.program.to_string_lossy().into_owned(),
        args: command.args.clone(),
        main: Some(nginx.main.clone()),
        master: 0,
        touches,
        error_log: None,
        listens: Vec::new(),
    };
    match worker::ask(ground.host(), ourselves, &asked, &[]) {
        Ok(output) => Ok(output),
        Err(StageError::Late) => Err("it did not end in time".to_owned()),
        Err(why) => {
            if let StageError::NoNamespace(why) = why {
                *unasked.borrow_mut() = Some(why);
            }
            let made: Vec<&str> = config
                .map(|config| plan::made(config, &nginx.build).collect())
                .unwrap_or_default();
            let command = quiet(command, &nginx.build);
            let output = worker::ask_openly(ground.host(), &command, &made);
            output.map_err(|error| error.to_string())
        }
    }
}
