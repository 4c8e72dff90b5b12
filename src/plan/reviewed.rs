//! What a plan rests on, kept beside it while somebody reviews it, and how another look at the
//! host differs from it, in words.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::step::{Action, Plan};
use crate::facts::{Build, Facts, FileFact};
use crate::values::{Digest, Gather as _};

/// The facts that a plan rests on, in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// Of the programs that read what is planned.
    pub versions: BTreeMap<String, String>,
    /// Every file that nginx loads, and every other that the plan may place or refer to: the
    /// SHA-256 of its bytes, and of the latter mode and owner.
    pub files: BTreeMap<String, String>,
}

impl Basis {
    pub fn of(facts: &Facts) -> Self {
        let nginx = facts.nginx.is();
        let build = |build: &Build| build.to_string();
        let versions = [
            ("nginx", nginx.map(|nginx| build(&nginx.build))),
            (
                "nginx on disk",
                nginx.and_then(|nginx| nginx.on_disk.as_ref()).map(build),
            ),
            (
                "NGINX Instance Manager",
                facts.nim.is().and_then(|product| product.version.clone()),
            ),
            ("NGINX Agent", facts.agent.is().cloned()),
        ];
        let loaded = facts
            .config
            .is()
            .into_iter()
            .flat_map(|loaded| &loaded.files);
        let loaded = loaded.map(|file| {
            let digest = Digest::of(file.text.as_bytes());
            (file.path.clone(), digest.to_string())
        });
        let looked_at = facts.files.iter().filter_map(|(path, fact)| {
            let words = match fact {
                FileFact::Nothing { .. } => return None,
                FileFact::File(file) => {
                    let (user, group) = file.owner;
                    format!("{} {} {user}:{group}", file.digest, file.mode)
                }
                FileFact::NotAFile(words) | FileFact::Unclear(words) => words.clone(),
            };
            Some((path.to_string(), words))
        });
        Self {
            versions: versions
                .into_iter()
                .filter_map(|(name, version)| Some((name.to_owned(), version?)))
                .gathered(),
            files: loaded.chain(looked_at).gathered(),
        }
    }

    /// What is otherwise now, a line each.
    fn changes(&self, now: &Self) -> BTreeMap<String, String> {
        let versions = other(&self.versions, &now.versions, |then, now| {
            let unknown = "not known".to_owned();
            let (then, now) = (then.unwrap_or(&unknown), now.unwrap_or(&unknown));
            format!("is {now} now, and was {then}")
        });
        let mut found = other(&self.files, &now.files, |then, now| match (then, now) {
            (None, _) => "is there now".to_owned(),
            (_, None) => "is gone, or no longer looked at".to_owned(),
            (Some(then), Some(now)) => {
                let digest = |words: &str| words.split(' ').next().map(str::to_owned);
                let which = if digest(then) == digest(now) {
                    "its mode or owner"
                } else {
                    "its contents"
                };
                format!("{which} changed")
            }
        });
        found.extend(versions);
        found
    }
}

/// What differs from what was reviewed: each named, a line for each; empty where all is as it was.
///
/// Notes may differ: some tell who is connected now. So may the number of nginx's process: which
/// nginx is started anew is said by all the rest.
pub fn not_as_reviewed(then: (&Plan, &Basis), now: (&Plan, &Basis)) -> Vec<String> {
    let mut found = then.1.changes(now.1);
    let (then, now) = (substance(then.0), substance(now.0));
    for (path, words) in other_files(&then, &now) {
        // That the file itself has changed says more.
        found.entry(path).or_insert(words);
    }
    found.extend(other_steps(&then, &now));
    if found.is_empty() && written(&then) != written(&now) {
        let words = "the folders, or what the answers left open: is not what was reviewed";
        return vec![words.to_owned()];
    }
    found
        .into_iter()
        .map(|(what, words)| format!("{what}: {words}"))
        .collect()
}

/// All that has an effect.
fn substance(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    plan.notes.clear();
    for step in &mut plan.steps {
        match &mut step.action {
            Action::Test(nginx) | Action::Reload(nginx) => nginx.master = 0,
            Action::Prove(proof) => proof.master = None,
            Action::Issue(_)
            | Action::Place
            | Action::Trust(_)
            | Action::EndOldWorkers { .. }
            | Action::Fetch(_)
            | Action::FetchKeys(_)
            | Action::Restart(_)
            | Action::Enable(_)
            | Action::Watch(_)
            | Action::Reach(_) => {}
        }
    }
    plan
}

fn other_files(then: &Plan, now: &Plan) -> BTreeMap<String, String> {
    let by_path = |plan: &Plan| -> BTreeMap<String, String> {
        let files = plan.files.iter();
        files
            .map(|file| (file.path.to_string(), written(file)))
            .gathered()
    };
    other(&by_path(then), &by_path(now), |then, now| {
        said(then, now, "written")
    })
}

fn other_steps(then: &Plan, now: &Plan) -> BTreeMap<String, String> {
    let by_title = |plan: &Plan| -> BTreeMap<String, String> {
        let steps = plan.steps.iter();
        steps
            .map(|step| (step.title.clone(), written(step)))
            .gathered()
    };
    other(&by_title(then), &by_title(now), |then, now| {
        said(then, now, "done")
    })
}

/// Two plans are compared as they are written down: that is what a worker reads.
fn written(part: &impl Serialize) -> String {
    // Text, numbers and mappings by text have a form in JSON.
    serde_json::to_string(part).unwrap_or_default()
}

fn said(then: Option<&String>, now: Option<&String>, deed: &str) -> String {
    match (then, now) {
        (None, _) => format!("would be {deed} now, and was not reviewed"),
        (_, None) => format!("was reviewed, and would not be {deed} now"),
        _ => format!("what would be {deed} now is not what was reviewed"),
    }
}

/// The names under which two maps hold different things, and what is said of each.
fn other(
    then: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
    said: impl Fn(Option<&String>, Option<&String>) -> String,
) -> BTreeMap<String, String> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).gathered();
    let pairs = names
        .into_iter()
        .map(|name| (name, then.get(name), now.get(name)));
    pairs
        .filter(|(_, then, now)| then != now)
        .map(|(name, then, now)| (name.clone(), said(then, now)))
        .gathered()
}
