//! A run as it goes on: one line for each thing that happens, to standard error.

use crate::event::{Event, Happening, StepEnd};
use crate::values::escaped;

use super::super::output::Output;

pub(super) fn show(output: &Output, event: &Event) {
    if let Some(line) = line(&event.what) {
        output.tell(&line);
    }
}

fn line(happening: &Happening) -> Option<String> {
    Some(match happening {
        Happening::Started {
            run,
            command,
            pid,
            steps,
        } => {
            let count = steps.len();
            format!(
                "run {run}: {} in process {pid}, {count} steps",
                escaped(command)
            )
        }
        Happening::StepBegan { .. } => return None,
        Happening::Said { step, text } => format!("  {}: {}", escaped(step), escaped(text)),
        Happening::Proved { row } => escaped(&format!(
            "  {:<3} {}, {}: {}",
            row.mark(),
            row.leg,
            row.case,
            row.why
                .as_deref()
                .map_or_else(|| row.seen.clone(), |why| format!("not tried, {why}")),
        )),
        Happening::StepEnded {
            step,
            how,
            detail,
            milliseconds,
        } => {
            let word = match how {
                StepEnd::Done => "done",
                StepEnd::Warned => "done, with a warning",
                StepEnd::Skipped => "skipped",
                StepEnd::Failed => "FAILED",
            };
            let detail = if detail.is_empty() {
                String::new()
            } else {
                format!(": {detail}")
            };
            let step = escaped(step);
            format!("{step}: {word} in {milliseconds} ms{}", escaped(&detail))
        }
        Happening::PuttingBack { why } => {
            format!("putting everything back, because {}", escaped(why))
        }
        Happening::Ended { outcome, .. } => format!("ended: {outcome}"),
    })
}
