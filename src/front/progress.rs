//! A run as it goes on: one line for each thing that happens, to standard error.

use crate::error::Exit;
use crate::event::{Event, Happening, StepEnd};
use crate::report::Row;
use crate::values::escaped;

use super::output::Output;
use super::words;

pub(super) fn show(output: &Output, event: &Event) {
    if let Some(line) = line(&event.what) {
        let text = line.trim_start();
        let blanks = " ".repeat(line.len() - text.len());
        // What does not fit is indented under the text.
        let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
        if blanks.is_empty() {
            output.tell_after("", &line);
        } else {
            output.tell_after(&format!("{blanks}{first} "), rest);
        }
    }
}

/// The table of the proof is the result, printed at the end; on the way only what went wrong.
fn proved(row: &Row) -> Option<String> {
    let wrong = row.ok == Some(false);
    wrong.then(|| {
        escaped(&format!(
            "  {} {}, {}: {}",
            row.mark(),
            row.leg,
            row.case,
            row.seen
        ))
    })
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
        Happening::StepBegan { step } if step == "prove" => {
            "prove: connecting, well and badly; this takes about 20 s".to_owned()
        }
        Happening::StepBegan { .. } => return None,
        Happening::Said { step, text } => format!("  {}: {}", escaped(step), escaped(text)),
        Happening::Proved { row } => return proved(row),
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
        Happening::Armed { switch } => {
            let why = switch.why_not().map(|why| format!(" ({})", escaped(why)));
            let (covers, why) = (switch.in_words(), why.unwrap_or_default());
            format!("unless it is kept, all of it is put back, {covers}{why}")
        }
        Happening::Waiting { seconds } => {
            format!("waiting: all of it is put back in {seconds} s, unless it is kept")
        }
        Happening::CameBack { back, of } => words::came_back(*back, *of),
        Happening::PuttingBack { why } => {
            format!("putting everything back, because {}", escaped(why))
        }
        Happening::Ended { exit, .. } if *exit == Exit::PutBack as u8 => {
            "ended: everything was put back".to_owned()
        }
        Happening::Ended { exit, .. } if *exit == Exit::NotKept as u8 => {
            "ended: it was not kept, and everything was put back".to_owned()
        }
        Happening::Ended { outcome, .. } => format!("ended: {outcome}"),
    })
}
