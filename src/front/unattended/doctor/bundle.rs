//! `nim-tls doctor --bundle FILE`: what goes to somebody who is to help.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Problem;
use crate::facts::Facts;
use crate::host::Local;
use crate::prerequisites;
use crate::support::{self, Ingredients, LeftOut, Member};
use crate::values::{escaped, wrapped};

use super::super::super::diagnosis::{self, Examined};
use super::super::super::output::Output;
use super::super::super::place::{Ground, absolute};
use super::super::super::saving::NewFile;
use super::super::super::typed::quoted;
use super::super::check;
use super::{Document, Obstacle};

const FILE: NewFile = NewFile {
    what: "the bundle",
    option: "--bundle",
};
/// Columns of what is told in it.
const WIDTH: usize = 100;
const LOOK: &str = "Look at what is in it before you send it to anybody: names, addresses and lines \
                    of logs are as they are here";

/// A bundle that is there.
#[derive(Serialize)]
pub(super) struct Written {
    path: String,
    bytes: usize,
    members: Vec<Member>,
    left_out: Vec<LeftOut>,
    note: &'static str,
    #[serde(skip)]
    list: String,
}

/// Refuses a place where something is, before anything is looked at.
pub(super) fn is_free(file: &Path) -> Result<(), Problem> {
    FILE.is_free(file)
}

pub(super) fn write(
    ground: &Ground,
    file: &Path,
    logs: &[PathBuf],
    facts: &Facts,
    examined: &Examined,
    output: &Output,
) -> Result<Written, Problem> {
    let path = absolute(file)?;
    let machine = Local::live().map_err(|error| Problem::host(error.to_string()))?;
    let checks = output.outward.checks(prerequisites::checks(facts));
    let document = Document {
        schema: 1,
        diagnosis: &examined.diagnosis,
        obstacle: examined.obstacle().map(Obstacle::of),
        bundle: None,
    };
    let told = [
        ("findings.txt", diagnosis::text(&examined.diagnosis, WIDTH)),
        ("findings.json", in_json(&document)?),
        ("checks.json", in_json(&check::document(&checks))?),
    ];
    let made = support::bundle(&Ingredients {
        host: ground.host(),
        machine: &machine,
        logs,
        facts,
        diagnosis: &examined.diagnosis,
        told: &told,
    });
    let shown = escaped(&path.to_string_lossy());
    let made = made.map_err(|why| {
        let what = format!("{shown} was not written: {}", escaped(&why.to_string()));
        Problem::host(what).remedy("take it out of what it stands in, or send findings alone: nim-tls doctor > findings.txt")
    })?;
    FILE.save(&path, &made.archive)?;
    Ok(Written {
        list: format!("tar -tzvf {}", quoted(path.as_os_str())),
        path: shown,
        bytes: made.archive.len(),
        members: made.members,
        left_out: made.left_out,
        note: LOOK,
    })
}

fn in_json(document: &impl Serialize) -> Result<String, Problem> {
    let text = serde_json::to_string_pretty(document);
    let text = text.map_err(|error| Problem::host(format!("the result is no JSON: {error}")))?;
    Ok(crate::values::shown_json(&text) + "\n")
}

impl Written {
    /// Where it is, how large, and what is in it.
    pub(super) fn text(&self, width: usize) -> String {
        let (path, bytes) = (&self.path, self.bytes);
        let mut text = wrapped("\nbundle: ", &format!("{path} ({bytes} bytes)"), width);
        for Member { name, bytes, cut } in &self.members {
            let cut = cut
                .as_ref()
                .map_or_else(String::new, |cut| format!(", {cut}"));
            text.push_str(&format!("  {name} ({bytes} bytes{cut})\n"));
        }
        if !self.left_out.is_empty() {
            text.push_str("not in it:\n");
        }
        for LeftOut { what, why } in &self.left_out {
            text.push_str(&wrapped("  ", &format!("{what}: {why}"), width));
        }
        text.push_str(&wrapped("", &format!("{LOOK}:"), width));
        text.push_str(&format!("  {}\n", self.list));
        text
    }
}
