//! Step 6: everything that would happen, file by file, and each line of those that are asked for.

use crate::plan::Status;
use crate::preview::FilePreview;
use crate::values::{escaped, wrapped};

use super::super::outlook::{Outlook, Sketch};
use super::super::plan_text;
use super::super::prompt::Choices;
use super::super::words;
use super::talk::{Left, Talk};

const LABEL: &str = "Show which file? A number, or";
const CHOICES: [&str; 3] = ["next", "all", "again"];
const HELP: &str = "A number shows what changes in that file, and why; all shows every file; next \
    goes on; again looks at this host once more.";

impl Talk<'_> {
    pub(super) fn files(&mut self) -> Result<(), Left> {
        self.overview();
        while !matches!(self.outlook, Outlook::Ready(_)) {
            let help = "back changes answers; again looks at this host once more.";
            self.ask("What next?", "again", Choices::Of(&["again"]), help)?;
            self.look();
            self.overview();
        }
        loop {
            let said = self.ask_freely(LABEL, "next", Choices::Of(&CHOICES), HELP)?;
            match said.as_str() {
                "next" | "" if matches!(self.outlook, Outlook::Ready(_)) => return Ok(()),
                "next" | "" => self.overview(),
                "again" => {
                    self.look();
                    self.overview();
                }
                said => {
                    let shown = self
                        .outlook
                        .sketch()
                        .and_then(|sketch| chosen(sketch, said));
                    match shown {
                        Some(files) => {
                            let text: String = files.iter().map(|file| self.shown(file)).collect();
                            self.asked.say(&text);
                        }
                        None => {
                            self.tell(
                                "There is no such file. Say its number, all, next, or again.",
                            );
                        }
                    }
                }
            }
        }
    }

    /// What stands in the way, or what would be written and run.
    fn overview(&mut self) {
        let width = self.output.width;
        match &self.outlook {
            Outlook::Unfit(problem) => {
                let problem = problem.clone();
                self.tell_problem(&problem);
            }
            Outlook::Open { refusals, .. } => {
                let refusals = refusals.clone();
                for refusal in refusals {
                    self.tell_after("! ", &format!("{} {}", refusal.field, refusal.why));
                }
                self.tell("Go back, and answer that otherwise.");
            }
            Outlook::Unknown => {}
            Outlook::Ready(ready) => {
                let text = format!(
                    "{}{}{}",
                    plan_text::numbered(&ready.1.files, width),
                    plan_text::run(&ready.1.plan),
                    plan_text::notes(&ready.1.plan.notes, width)
                );
                self.asked.say(&text);
            }
        }
    }

    fn shown(&self, file: &FilePreview) -> String {
        if file.diff.is_some() {
            let guides = file.guides.iter().map(|(lines, erratum)| {
                let head = format!("line {}: ", lines.start);
                wrapped(&head, &words::of_guide(erratum), self.output.width)
            });
            return plan_text::difference(file, self.output) + &guides.collect::<String>();
        }
        let head = format!("{}: ", escaped(&file.path));
        let text = wrapped("  ", words::without_text(file.sensitive), self.output.width);
        format!("\n{head}\n{text}")
    }
}

fn chosen(sketch: &Sketch, said: &str) -> Option<Vec<FilePreview>> {
    if said == "all" {
        let changed = sketch.files.iter();
        return Some(
            changed
                .filter(|file| file.status != Status::Unchanged)
                .cloned()
                .collect(),
        );
    }
    let number: usize = said.parse().ok()?;
    let file = sketch.files.get(number.checked_sub(1)?)?;
    Some(vec![file.clone()])
}
