//! `nim-tls plan`: what apply would do. Nothing is written anywhere.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::cli::Format;
use crate::error::Problem;
use crate::plan::{Content, Plan, Status};
use crate::preview::{self, FilePreview};
use crate::values::Digest;

use super::super::busy;
use super::super::output::Output;
use super::super::passphrase;
use super::super::place::Ground;
use super::super::plan_text::{self, commands};
use super::super::session;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    steps: Vec<StepDocument<'a>>,
    files: Vec<FileDocument>,
    commands: Vec<String>,
    defaults: &'a BTreeMap<String, String>,
    notes: &'a [String],
    hash: String,
}

#[derive(Serialize)]
struct StepDocument<'a> {
    id: &'a str,
    title: &'a str,
    why: &'a str,
    undo: &'a str,
}

#[derive(Serialize)]
struct FileDocument {
    path: String,
    status: Status,
    mode: String,
    owner: String,
    sensitive: bool,
    /// Its bytes come into being only while the plan is carried out.
    made_while_applying: bool,
    diff: Option<String>,
    reasons: Vec<ReasonDocument>,
}

/// Lines of the new text, first and last.
#[derive(Serialize)]
struct ReasonDocument {
    from: u32,
    to: u32,
    why: String,
}

pub(super) fn plan(ground: &Ground, answers: &Path, output: &Output) -> Result<u8, Problem> {
    let answers = session::answers(answers)?;
    busy::refuse(ground)?;
    let plan = session::planned(ground, &answers);
    // One may have begun meanwhile, and then the plan is of a host in between.
    busy::refuse(ground)?;
    let plan = &plan?;
    // A file that apply would refuse is refused here as well.
    passphrase::from_named_file(ground, plan, &answers, output)?;
    match output.format {
        Format::Json => output.document(&document(plan)?)?,
        Format::Diff => output.result(&output.diff(&plan_text::diffs(plan)))?,
        Format::Text => output.result(&plan_text::whole(plan, output))?,
    }
    Ok(0)
}

fn document(plan: &Plan) -> Result<Document<'_>, Problem> {
    let steps = plan.steps.iter().map(|step| StepDocument {
        id: &step.id,
        title: &step.title,
        why: &step.why,
        undo: &step.undo,
    });
    let made = plan
        .files
        .iter()
        .map(|file| matches!(file.content, Content::Issued(_)));
    let files = preview::files(plan).into_iter().zip(made);
    Ok(Document {
        schema: 1,
        steps: steps.collect(),
        files: files
            .map(|(file, made)| file_document(file, made))
            .collect(),
        commands: commands(plan),
        defaults: &plan.defaults,
        notes: &plan.notes,
        hash: hash(plan)?,
    })
}

fn file_document(file: FilePreview, made_while_applying: bool) -> FileDocument {
    let reasons = file.reasons.into_iter().map(|(lines, why)| ReasonDocument {
        from: lines.start,
        to: lines.end.saturating_sub(1).max(lines.start),
        why,
    });
    FileDocument {
        path: file.path,
        status: file.status,
        mode: file.mode,
        owner: file.owner,
        sensitive: file.sensitive,
        made_while_applying,
        diff: file.diff,
        reasons: reasons.collect(),
    }
}

/// The same host and the same answers give the same plan, and so the same hash.
pub(super) fn hash(plan: &Plan) -> Result<String, Problem> {
    let bytes = serde_json::to_vec(plan)
        .map_err(|error| Problem::host(format!("the plan cannot be written down: {error}")))?;
    Ok(Digest::of(&bytes).to_string())
}
