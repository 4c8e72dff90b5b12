//! `nim-tls plan`: what apply would do. Nothing is written anywhere but, with
//! `--save`, the file that keeps it for review.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::cli::{Format, Source};
use crate::error::Problem;
use crate::plan::{Basis, Content, Plan, Status};
use crate::preview::{self, FilePreview};
use crate::values::{Digest, escaped};

use super::super::busy;
use super::super::output::Output;
use super::super::passphrase;
use super::super::place::Ground;
use super::super::plan_text::{self, commands};
use super::super::reviewed::{self, Reviewed};
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
    /// The file in which it is kept for review.
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<SavedDocument<'a>>,
}

#[derive(Serialize)]
struct SavedDocument<'a> {
    file: String,
    /// Does it.
    command: String,
    hash: &'a str,
    host: &'a str,
    root: Option<&'a str>,
    state_dir: &'a str,
    saved: &'a str,
    answers: &'a [String],
    rests_on: &'a Basis,
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

pub(super) fn plan(
    ground: &Ground,
    source: &Source,
    save: Option<&Path>,
    output: &Output,
) -> Result<u8, Problem> {
    if let Some(file) = &source.plan {
        let reviewed = Reviewed::load(file)?;
        return show(&reviewed.plan, Some((&reviewed, file)), output);
    }
    let file = source.answers()?;
    let text = session::text(file)?;
    let answers = session::checked(&text, &escaped(&file.to_string_lossy()))?;
    save.map_or(Ok(()), reviewed::is_free)?;
    busy::refuse(ground)?;
    let planned = session::planned_on(ground, &answers);
    // One may have begun meanwhile, and then the plan is of a host in between.
    busy::refuse(ground)?;
    let (facts, plan) = planned?;
    // A file that apply would refuse is refused here as well.
    passphrase::from_named_file(ground, &plan, &answers, output)?;
    let Some(save) = save else {
        return show(&plan, None, output);
    };
    let text = String::from_utf8_lossy(&text);
    let reviewed = Reviewed::new(ground, file, &text, &plan, Basis::of(&facts));
    reviewed.save(save)?;
    show(&plan, Some((&reviewed, save)), output)
}

/// A plan, and the file that it is kept in.
fn show(plan: &Plan, kept: Option<(&Reviewed, &Path)>, output: &Output) -> Result<u8, Problem> {
    match output.format {
        Format::Json => output.document(&document(plan, kept)?)?,
        Format::Diff => {
            output.result(&output.diff(&plan_text::diffs(plan)))?;
            // The result is for `patch`, and has no place for more.
            if let Some((reviewed, file)) = kept {
                output.tell(&reviewed.text(file));
            }
        }
        Format::Text => {
            let kept = kept.map(|(reviewed, file)| reviewed.text(file));
            let kept = kept.unwrap_or_default();
            output.result(&format!("{}{kept}", plan_text::whole(plan, output)))?;
        }
    }
    Ok(0)
}

fn document<'a>(
    plan: &'a Plan,
    kept: Option<(&'a Reviewed, &Path)>,
) -> Result<Document<'a>, Problem> {
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
        saved: kept.map(|(reviewed, file)| SavedDocument {
            file: file.to_string_lossy().into_owned(),
            command: reviewed.command(file),
            hash: &reviewed.hash,
            host: &reviewed.host,
            root: reviewed.root.as_deref(),
            state_dir: &reviewed.state_dir,
            saved: &reviewed.saved,
            answers: &reviewed.answers,
            rests_on: &reviewed.rests_on,
        }),
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
