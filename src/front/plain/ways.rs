//! Steps 1 to 3: the host, what it needs, and the choice of a method.

use crate::method::{self, Cell, Method};
use crate::prerequisites::Status;
use crate::questions::{self, Question};

use super::super::prompt::Choices;
use super::super::words;
use super::talk::{Left, Talk};

const NEXT: &str = "next goes on to the next step.";

impl Talk<'_> {
    pub(super) fn host(&mut self) -> Result<(), Left> {
        self.tell(words::welcome(&self.facts));
        self.tell(
            "Enter takes what stands in brackets; back, ?, save, troubleshoot and quit are words at \
             every question.",
        );
        for (head, found) in words::host(&self.facts) {
            self.tell_after(&format!("  {head:<10}"), &found);
        }
        if let Some((run, why)) = self.facts.state.unfinished.clone() {
            let options = self.ground.options();
            self.tell_after("! ", &format!("Run {run}: {why}."));
            self.tell_after("  do: ", &format!("nim-tls rollback --yes{options}"));
        }
        loop {
            match self.ask("What next?", "next", Choices::Of(&["next"]), NEXT) {
                Ok(_) => return Ok(()),
                Err(Left::Back) => self.tell("This is the first step; quit leaves."),
                Err(left) => return Err(left),
            }
        }
    }

    pub(super) fn prerequisites(&mut self) -> Result<(), Left> {
        loop {
            let text = words::checks(&self.checks, self.output.width);
            self.asked.say(&text);
            self.tell_after("Today: ", &words::today_in_full(&self.facts));
            let help = "next goes on; again looks at this host once more, after you have mended \
                        something.";
            loop {
                if self.ask("What next?", "next", Choices::Of(&["next", "again"]), help)? == "again"
                {
                    self.look();
                    break;
                }
                let failed = self
                    .checks
                    .iter()
                    .filter(|check| check.status == Status::Failed);
                match failed.count() {
                    0 => return Ok(()),
                    stopped => self.tell(&format!(
                        "{stopped} of these must be mended first; each names what helps. Then say \
                         again."
                    )),
                }
            }
        }
    }

    /// The proxy follows from the host, where that can be told.
    pub(super) fn method(&mut self) -> Result<(), Left> {
        let generation = method::generation_of(&self.facts);
        let cells = method::table(generation);
        let table = words::methods(generation, &self.facts, self.output.width);
        self.asked.say(&table);
        self.asked.say("\n");
        for method in Method::ALL {
            self.tell_after(&format!("{method}: "), words::gives(method));
        }
        let Some(question) = Question::of("method") else {
            return Ok(());
        };
        let names = Method::ALL.map(|method| method.to_string());
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        loop {
            // Where the host does not tell, what the full screen begins with too.
            let now = match self.entered.get("method") {
                "" => Method::ClientMtls.to_string(),
                now => now.to_owned(),
            };
            let said = self.ask(question.label, &now, Choices::Named(&names), question.why)?;
            let row = cells.iter().filter(|cell| cell.method.to_string() == said);
            match self.proxy_of(row.copied().collect())? {
                Ok(cell) => {
                    self.entered.set("method", &cell.method.to_string());
                    self.entered.set("proxy", &cell.proxy.to_string());
                    questions::follow_method(&self.facts, &mut self.entered);
                    self.replan();
                    return Ok(());
                }
                Err(why) => self.tell(&format!("{why}. Say another one.")),
            }
        }
    }

    /// The cell of a row that this host can have, or why there is none.
    fn proxy_of(&mut self, row: Vec<Cell>) -> Result<Result<Cell, String>, Left> {
        let mut open = Vec::new();
        let mut fitting = Vec::new();
        let mut why = String::new();
        for cell in row {
            match method::fits(&cell, &self.facts) {
                Some(Ok(())) => fitting.push(cell),
                None => open.push(cell),
                Some(Err(reason)) => {
                    let word = match cell.not_applicable {
                        Some(_) => "N/A",
                        None => "Not here",
                    };
                    why = format!("{word}: {reason}");
                }
            }
        }
        let help = if let [cell] = fitting.as_slice() {
            return Ok(Ok(*cell));
        } else if fitting.is_empty() {
            "It could not be told which nginx stands before the manager."
        } else {
            open = fitting;
            "With nginx before it, agents are judged by an authority of their own; without (none), \
             the manager speaks TLS itself."
        };
        let names: Vec<String> = open.iter().map(|cell| cell.proxy.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        // What the host suggests, else what gives more.
        let now = self.entered.get("proxy").to_owned();
        let suggested = names.iter().find(|name| **name == now).or(names.last());
        let Some(suggested) = suggested else {
            return Ok(Err(why));
        };
        let said = self.ask("Which proxy?", suggested, Choices::Of(&names), help)?;
        let chosen = open.iter().find(|cell| cell.proxy.to_string() == said);
        Ok(chosen.copied().ok_or(why))
    }

    /// With the names known, the host can be asked what they lead to; what is new is told.
    pub(super) fn look_for_names(&mut self) {
        let before = std::mem::take(&mut self.checks);
        self.look();
        let news: Vec<_> = self
            .checks
            .iter()
            .filter(|check| check.status != Status::Ok && !before.contains(check))
            .cloned()
            .collect();
        if !news.is_empty() {
            let text = words::checks(&news, self.output.width);
            self.asked.say(&text);
        }
    }
}
