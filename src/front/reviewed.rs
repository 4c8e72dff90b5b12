//! A plan as a file, for review by somebody else before it is carried out.
//!
//! What is carried out never comes from the file. It holds the answers, and what they came to on
//! this host; `apply --plan` plans again, and goes on only where that comes to the same. Its hash
//! tells an edit by accident, and one reader from the other what both have read.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::answers::Goal;
use crate::error::Problem;
use crate::host::{Host as _, Kind, Local};
use crate::plan::{Basis, Content, Plan, not_as_reviewed};
use crate::values::{Digest, Gather as _, escaped, masked_lines, moment, quotable};

use super::output::Output;
use super::place::{Ground, STATE, absolute};
use super::saving::NewFile;
use super::session;
use super::typed::{look_at, quoted};

/// The largest that is read or written: texts of nginx before and after, and little else.
const LIMIT: u64 = 8 << 20;
/// How many differences are named.
const NAMED: usize = 12;
const PROGRAM: &str = concat!("nim-tls ", env!("CARGO_PKG_VERSION"));
const FILE: NewFile = NewFile {
    what: "the plan",
    option: "--save",
};
const ABOUT: &str = "a plan for review; to read it as text: nim-tls plan --plan FILE";

/// What the file holds. Whoever adds a field thinks of what a forged one could do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reviewed {
    schema: u32,
    program: String,
    about: String,
    pub(super) host: String,
    pub(super) root: Option<String>,
    pub(super) state_dir: String,
    pub(super) saved: String,
    /// Of all the rest, as it is written here.
    pub(super) hash: String,
    answers_file: String,
    /// Line by line, as they were written.
    pub(super) answers: Vec<String>,
    pub(super) rests_on: Basis,
    pub(super) plan: Plan,
    /// What the files hold that the plan changes, for the differences that are shown.
    texts_before: BTreeMap<String, String>,
}

impl Reviewed {
    /// A plan as it is to be kept.
    pub(super) fn new(
        ground: &Ground,
        answers: &Path,
        text: &str,
        plan: &Plan,
        basis: Basis,
    ) -> Self {
        let files = plan.files.iter();
        let texts_before = files.filter_map(|file| {
            let text = without_secrets(file.text_before.as_deref()?);
            Some((file.path.to_string(), text))
        });
        let answers_file = absolute(answers).unwrap_or_else(|_| answers.to_owned());
        Self {
            schema: 1,
            about: ABOUT.to_owned(),
            program: PROGRAM.to_owned(),
            host: host_name(ground),
            root: ground.root(),
            state_dir: ground.outside(ground.state()),
            saved: moment(ground.host().now()),
            hash: String::new(),
            answers_file: answers_file.to_string_lossy().into_owned(),
            answers: text.split('\n').map(str::to_owned).collect(),
            rests_on: basis,
            plan: as_kept(plan),
            texts_before: texts_before.gathered(),
        }
        .sealed()
    }

    fn sealed(mut self) -> Self {
        self.hash.clear();
        self.hash = Digest::of(self.json().as_bytes()).to_string();
        self
    }

    fn json(&self) -> String {
        // Text, numbers and mappings by text have a form in JSON.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Writes it to a file that must not be there.
    pub(super) fn save(&self, file: &Path) -> Result<(), Problem> {
        let path = absolute(file)?;
        let text = self.json();
        if text.len() as u64 > LIMIT {
            let what = format!("the plan is larger than {LIMIT} bytes, so it cannot be kept");
            return Err(Problem::host(what).remedy("nim-tls plan --answers FILE --format json"));
        }
        FILE.save(&path, text.as_bytes())
    }

    /// Reads what [`save`](Self::save) wrote, and nothing else.
    pub(super) fn load(file: &Path) -> Result<Self, Problem> {
        let path = absolute(file)?;
        let shown = escaped(&path.to_string_lossy());
        let bytes = Local::live()
            .and_then(|machine| machine.read(&path, LIMIT))
            .map_err(|error| {
                let why = escaped(&error.to_string());
                Problem::usage(format!("the plan cannot be read: {why}")).remedy(look_at(&path))
            })?;
        let refused = |why: String| {
            Problem::usage(format!("{shown} {why}"))
                .remedy("nim-tls plan --answers FILE --save NEW_FILE")
        };
        // The rest of another version's file may be anything.
        let program = said_program(&bytes)
            .ok_or_else(|| refused("is no plan that nim-tls plan --save kept".to_owned()))?;
        if program != PROGRAM {
            return Err(refused(format!(
                "was saved by {}, and this is {PROGRAM}: each carries out its own plans only",
                quotable(program)
            )));
        }
        let read: Self = serde_json::from_slice(&bytes).map_err(|error| {
            let why = quotable(&error.to_string());
            refused(format!("was changed since it was saved: {why}"))
        })?;
        let mut read = read.sealed();
        if read.json().as_bytes() != bytes {
            return Err(refused(
                "was changed since it was saved: its hash is not that of what it holds".to_owned(),
            ));
        }
        for file in &mut read.plan.files {
            file.text_before = read.texts_before.get(file.path.as_str()).cloned();
        }
        Ok(read)
    }

    /// The answers that it was made from, judged like any others.
    pub(super) fn answers(&self, file: &Path) -> Result<Goal, Problem> {
        let shown = format!("the answers in {}", escaped(&file.to_string_lossy()));
        session::checked(self.answers.join("\n").as_bytes(), &shown)
    }

    /// Refuses to take it for a plan of another place.
    pub(super) fn is_for(&self, ground: &Ground, file: &Path) -> Result<(), Problem> {
        let state_dir = ground.outside(ground.state());
        if (&self.root, &self.state_dir) == (&ground.root(), &state_dir) {
            return Ok(());
        }
        let root = |root: Option<&String>| match root {
            Some(root) => format!("the tree {}", escaped(root)),
            None => "a running host".to_owned(),
        };
        let what = format!(
            "this plan is for {} with the state folder {}, and not for {} with {}",
            root(self.root.as_ref()),
            escaped(&self.state_dir),
            root(ground.root().as_ref()),
            escaped(&state_dir),
        );
        Err(Problem::usage(what).remedy(self.command(file)))
    }

    /// Refuses where planning again has come to something else.
    pub(super) fn is_still(
        &self,
        ground: &Ground,
        plan: &Plan,
        basis: &Basis,
    ) -> Result<(), Problem> {
        let host = host_name(ground);
        let mut differs = not_as_reviewed((&self.plan, &self.rests_on), (&as_kept(plan), basis));
        if host != self.host {
            differs.insert(
                0,
                format!("this host is {host}, and the plan is for {}", self.host),
            );
        }
        if differs.is_empty() {
            return Ok(());
        }
        let head = if plan.is_empty() {
            "nothing of the reviewed plan is left to be done; since it was saved this has changed:"
        } else {
            "this host is not as it was when the plan was saved, so nothing was begun:"
        };
        let named = differs.iter().take(NAMED);
        let named: String = named.map(|line| format!("\n  {}", escaped(line))).collect();
        let more = match differs.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        let answers = quoted(self.answers_file.as_ref());
        let remedy = format!(
            "nim-tls plan --answers {answers} --save NEW_FILE{}",
            ground.options()
        );
        Err(Problem::host(format!("{head}{named}{more}")).remedy(remedy))
    }

    /// Which plan it is, in a line.
    pub(super) fn heading(&self, file: &Path) -> String {
        let (file, hash) = (file.to_string_lossy(), &self.hash);
        let (saved, host) = (&self.saved, &self.host);
        escaped(&format!(
            "plan {file}, saved {saved} on {host}, hash {hash}"
        ))
    }

    /// What a reader is told besides the plan.
    pub(super) fn text(&self, file: &Path) -> String {
        let path = absolute(file).unwrap_or_else(|_| file.to_owned());
        let mut text = String::from("\nAnswers:\n");
        for line in self.answers.iter().filter(|line| !line.trim().is_empty()) {
            text.push_str(&format!("  {}\n", escaped(line.trim_end())));
        }
        text.push_str("\nRests on:\n");
        for (name, version) in &self.rests_on.versions {
            text.push_str(&escaped(&format!("  {name}: {version}")));
            text.push('\n');
        }
        let files = self.rests_on.files.len();
        text.push_str(&format!(
            "  {files} files as they are (--format json names them)\n"
        ));
        text.push_str("\nSaved for review:\n");
        for (name, value) in [
            ("file", &*path.to_string_lossy()),
            ("hash", &self.hash),
            ("host", &self.host),
            ("when", &self.saved),
        ] {
            text.push_str(&format!("  {name}: {}\n", escaped(value)));
        }
        let own = quoted(path.as_os_str());
        text.push_str(&format!("     nim-tls plan --plan {own}\n"));
        text.push_str(&format!("     {}\n", self.command(&path)));
        text
    }

    /// What does it, to be pasted.
    pub(super) fn command(&self, file: &Path) -> String {
        let path = absolute(file).unwrap_or_else(|_| file.to_owned());
        let mut command = format!("nim-tls apply --plan {}", quoted(path.as_os_str()));
        if let Some(root) = &self.root {
            command.push_str(&format!(" --root {}", quoted(root.as_ref())));
        }
        let above = self.root.as_deref().unwrap_or_default();
        let usual = format!("{}{STATE}", above.trim_end_matches('/'));
        if self.state_dir != usual {
            command.push_str(&format!(" --state-dir {}", quoted(self.state_dir.as_ref())));
        }
        command
    }
}

/// As it is shown to whoever reviews it. That a secret is the same is said by the digest of the
/// file that holds it.
fn as_kept(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for file in &mut plan.files {
        if let Content::Text(text) = &mut file.content {
            *text = without_secrets(text);
        }
    }
    plan
}

/// With the same line ends.
fn without_secrets(text: &str) -> String {
    let lines = masked_lines(text).zip(text.split_inclusive('\n'));
    let whole = lines.map(|(shown, line)| {
        let ends = line.trim_end_matches(['\r', '\n']).len();
        shown.trim_end_matches('\r').to_owned() + &line[ends..]
    });
    whole.collect()
}

/// What the third line of every such file says.
fn said_program(bytes: &[u8]) -> Option<&str> {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let heads = [lines.next()?, lines.next()?];
    let line = std::str::from_utf8(lines.next()?).ok()?;
    let program = line
        .strip_prefix("  \"program\": \"")?
        .strip_suffix("\",")?;
    (heads == [&b"{"[..], b"  \"schema\": 1,"]).then_some(program)
}

/// Says so where somebody else could have written the file since it was reviewed.
pub(super) fn warn(file: &Path, output: &Output) {
    let stat = absolute(file)
        .ok()
        .and_then(|path| Local::live().ok()?.stat(&path).ok()?);
    let open = stat.filter(|stat| stat.kind == Kind::File && stat.attributes.mode.0 & 0o022 != 0);
    if let Some(stat) = open {
        let (mode, file) = (stat.attributes.mode, quoted(file.as_os_str()));
        output.tell(&format!(
            "warning: {file} has mode {mode}, others may write it: compare its hash with the reviewed one"
        ));
    }
}

/// Refuses a place for a plan where something is.
pub(super) fn is_free(file: &Path) -> Result<(), Problem> {
    FILE.is_free(file)
}

/// As the kernel has it, or, of a tree of files, as it would be called.
fn host_name(ground: &Ground) -> String {
    const LONGEST: u64 = 4096;
    let host = ground.host();
    let file = if host.is_live() {
        "/proc/sys/kernel/hostname"
    } else {
        "/etc/hostname"
    };
    let bytes = host.read(Path::new(file), LONGEST).unwrap_or_default();
    match String::from_utf8_lossy(&bytes).trim() {
        "" => "a host without a name".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
#[path = "reviewed/tests.rs"]
mod tests;
