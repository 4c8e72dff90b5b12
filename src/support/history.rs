//! The runs of a host, and the proof of the latest.

use std::path::Path;

use serde::Serialize;

use super::archive::Packer;
use super::masking::settings;
use super::{Ingredients, LeftOut, Refused};
use crate::values::{RunId, masked, moment};
use crate::worker::Runs;

const PROOF: &str = "proof.txt";
const LIMIT: u64 = 4 << 20;

#[derive(Serialize)]
struct Document {
    schema: u32,
    runs: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    run: RunId,
    command: String,
    started: Option<String>,
    /// As its receipt has it; `None`: there is none, or it cannot be read, which is the problem.
    outcome: Option<String>,
    changed: Vec<String>,
    undid: Option<RunId>,
    problem: Option<String>,
}

pub(super) fn add(
    of: &Ingredients<'_>,
    packer: &mut Packer,
    left_out: &mut Vec<LeftOut>,
) -> Result<(), Refused> {
    let runs = Runs::new(of.host, &of.facts.state.folder);
    let ids = match runs.list() {
        Ok(ids) => ids,
        Err(error) => {
            left_out.push(LeftOut::new("the runs of this host", &error.to_string()));
            return Ok(());
        }
    };
    let lines = ids.iter().map(|run| line(&runs, run)).collect();
    let document = Document {
        schema: 1,
        runs: lines,
    };
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    packer.add("history.json", &(text + "\n"))?;
    let proofs = ids
        .iter()
        .rev()
        .map(|run| runs.open(run).path().join(PROOF));
    for path in proofs {
        if let Some(text) = proof(of, &path) {
            return packer.add(PROOF, &text);
        }
    }
    Ok(())
}

fn proof(of: &Ingredients<'_>, path: &Path) -> Option<String> {
    let bytes = of.host.read(path, LIMIT).ok()?;
    Some(settings(&String::from_utf8_lossy(&bytes)))
}

fn line(runs: &Runs<'_>, run: &RunId) -> Line {
    let folder = runs.open(run);
    match folder.receipt() {
        Ok(Some(receipt)) => Line {
            run: run.clone(),
            command: masked(&receipt.command),
            started: Some(moment(receipt.started)),
            outcome: Some(receipt.outcome.to_string()),
            changed: receipt
                .changes
                .into_iter()
                .map(|change| change.path)
                .collect(),
            undid: receipt.undid,
            problem: receipt.problem.map(|problem| settings(&problem)),
        },
        found => {
            let request = folder.request().ok().flatten();
            Line {
                run: run.clone(),
                command: request.map_or_else(String::new, |request| masked(&request.command)),
                started: folder.asked_at().map(moment),
                outcome: None,
                changed: Vec::new(),
                undid: None,
                problem: found.err().map(|error| error.to_string()),
            }
        }
    }
}
