//! The passphrase of the authority's key: from a file or the terminal, to the worker's standard
//! input, and nowhere else.

use zeroize::Zeroizing;

use crate::answers::Goal;
use crate::error::Problem;
use crate::host::{Host as _, HostError, Local};
use crate::pki::{Passphrase, SecretKey};
use crate::plan::{Authority, KeepKey, Plan};
use crate::values::{AbsPath, USUAL_WIDTH, wrapped};
use crate::worker::INTERMEDIATE_KEY;

use super::consent::is_terminal;
use super::leaving;
use super::output::Output;
use super::place::Ground;
use super::prompt::{self, Ask, Unanswered};
use super::typed::{again, look_at, quoted};

/// Below so many letters somebody who has the key's file finds the passphrase by trying.
const SHORT: usize = 12;
/// What is said of one that is shorter. It is taken all the same: whose host it is decides.
pub(super) const IS_SHORT: &str = "That is short: who gets hold of the key's file can find it by trying. Four words that do \
     not belong together are better.";

/// A passphrase fits in a line; OpenSSL reads no more than a kibibyte of it.
const LIMIT: u64 = 64 * 1024;

/// Why a plan needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Need {
    New,
    /// It opens all of these keys. Where one is new besides, that is encrypted by it as well.
    Existing(Vec<AbsPath>),
}

pub(super) fn need(plan: &Plan) -> Option<Need> {
    let issuing = plan.issuing()?;
    let own = issuing.folder.join(INTERMEDIATE_KEY).ok();
    let own = own.filter(|_| issuing.authority == Authority::Existing { encrypted: true });
    let clients = issuing.clients.as_ref().filter(|one| one.encrypted);
    let brought = clients.map(|one| one.key.clone());
    let keys: Vec<AbsPath> = own.into_iter().chain(brought).collect();
    if !keys.is_empty() {
        return Some(Need::Existing(keys));
    }
    let is_new = matches!(
        issuing.authority,
        Authority::New {
            key: KeepKey::Encrypted,
            ..
        }
    );
    is_new.then_some(Need::New)
}

/// What came of asking for it.
pub(super) enum Obtained {
    Passphrase(Zeroizing<String>),
    /// Ctrl-C, or the end of input: with the exit code.
    Left(u8),
}

/// The passphrase that the plan needs, from the terminal; empty where it needs none.
pub(super) fn obtain(ground: &Ground, plan: &Plan, output: &Output) -> Result<Obtained, Problem> {
    let Some(need) = need(plan) else {
        return Ok(Obtained::Passphrase(Zeroizing::default()));
    };
    if !is_terminal() {
        let which = match &need {
            Need::New => "the key of the authority is to be encrypted".to_owned(),
            Need::Existing(keys) => {
                let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
                format!("{} is encrypted", keys.join(" and "))
            }
        };
        return Err(Problem::usage(format!(
            "{which}, and there is neither a file with the passphrase nor a terminal to ask for it"
        ))
        .remedy("say certificates: {ca_key: {passphrase_file: /root/ca.pass}}, beside keep"));
    }
    // Without it an interrupt ends this process all the same, and leaves the terminal mute.
    let _ = leaving::from_questions();
    let mut asked = prompt::at_terminal(output.has_colour(), false);
    match typed(&need, asked.as_mut()) {
        Ok(text) => {
            usable(ground, &need, &text, None)?;
            Ok(Obtained::Passphrase(text))
        }
        Err(Unanswered::Back) => Err(Problem::usage(
            "no passphrase was given, so nothing was begun",
        )),
        Err(unanswered) => unanswered.code().map(Obtained::Left),
    }
}

/// What the file holds that the answers name, where the plan needs it. What the worker would
/// refuse is refused here, by `plan` and by `apply`, before anything has begun.
pub(super) fn from_named_file(
    ground: &Ground,
    plan: &Plan,
    goal: &Goal,
    output: &Output,
) -> Result<Option<Zeroizing<String>>, Problem> {
    let (Some(need), Some(file)) = (need(plan), goal.passphrase_file()) else {
        return Ok(None);
    };
    let text = from_file(file, output)?;
    usable(ground, &need, &text, Some(file))?;
    Ok(Some(text))
}

/// Whether a passphrase can encrypt a new key, or opens the one that is there.
pub(super) fn usable(
    ground: &Ground,
    need: &Need,
    text: &Zeroizing<String>,
    file: Option<&AbsPath>,
) -> Result<(), Problem> {
    let passphrase =
        Passphrase::new(text.clone()).map_err(|error| Problem::usage(error.to_string()))?;
    let keys = match need {
        Need::New => &[],
        Need::Existing(keys) => keys.as_slice(),
    };
    keys.iter()
        .try_for_each(|key| opens(ground, key, &passphrase, file))
}

fn opens(
    ground: &Ground,
    key: &AbsPath,
    passphrase: &Passphrase,
    file: Option<&AbsPath>,
) -> Result<(), Problem> {
    // A key that cannot be read is for the worker to name.
    let Ok(bytes) = ground.host().read(key.as_path(), LIMIT).map(Zeroizing::new) else {
        return Ok(());
    };
    SecretKey::from_pem(&bytes, Some(passphrase))
        .map(drop)
        .map_err(|error| {
            let whose = file.map_or_else(String::new, |file| format!(" in {file}"));
            let problem = Problem::usage(format!(
                "the passphrase{whose} does not open {key}: {error}"
            ));
            match file {
                Some(file) => problem.remedy(write_into(file)),
                None => problem.remedy(again("")),
            }
        })
}

/// Takes a passphrase from the terminal into a file that nobody else reads.
fn write_into(file: &AbsPath) -> String {
    let file = quoted(file.as_path().as_os_str());
    format!("(umask 077 && head -n 1 > {file})")
}

fn from_file(file: &AbsPath, output: &Output) -> Result<Zeroizing<String>, Problem> {
    let refused = |error: HostError| {
        let problem = Problem::usage(format!("certificates.ca_key.passphrase_file: {error}"));
        if error.is_absence() {
            problem.remedy(write_into(file))
        } else {
            problem.remedy(look_at(file.as_path()))
        }
    };
    let machine = Local::live().map_err(refused)?;
    let bytes = Zeroizing::new(machine.read(file.as_path(), LIMIT).map_err(refused)?);
    let stat = machine.stat(file.as_path()).map_err(refused)?;
    if let Some(mode) = stat
        .map(|stat| stat.attributes.mode)
        .filter(|mode| mode.0 & 0o077 != 0)
    {
        output.tell(&format!(
            "warning: {file} has mode {mode}, others may read the passphrase: chmod 600 {file}"
        ));
    }
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => {
            Err(Problem::usage(format!("the first line of {file} is empty"))
                .remedy(write_into(file)))
        }
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(
            Problem::usage(format!("the first line of {file} is not UTF-8 text"))
                .remedy(write_into(file)),
        ),
    }
}

/// Whether a new passphrase deserves a word. An empty one is none.
pub(super) fn is_short(text: &str) -> bool {
    (1..SHORT).contains(&text.chars().count())
}

/// As it is typed: a new one twice. An empty line goes back.
pub(super) fn typed(need: &Need, asked: &mut dyn Ask) -> Result<Zeroizing<String>, Unanswered> {
    let prompt = match need {
        Need::New => "Passphrase for the key of the new authority",
        Need::Existing(_) => "Passphrase of the authority's key",
    };
    loop {
        let text = asked.secret(prompt)?;
        if text.is_empty() {
            return Err(Unanswered::Back);
        }
        if *need == Need::New && is_short(&text) {
            asked.say(&wrapped("", IS_SHORT, USUAL_WIDTH));
        }
        if *need != Need::New || *asked.secret("The same again")? == *text {
            return Ok(text);
        }
        asked.say("The two passphrases differ; type both again.\n");
    }
}
