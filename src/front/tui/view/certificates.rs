//! What would be made, as a tree: who signs whom, and for how long.

use super::super::model::Model;
use super::body::Body;
use crate::certificate::Recipe;
use crate::plan::Authority;
use crate::values::escaped;

/// Leaves that are named; of a fleet the first few say enough.
const NAMED: usize = 5;
/// Columns before the days.
const NAMES: usize = 48;

pub(super) fn tree(body: &mut Body, model: &Model) {
    let Some(sketch) = model.outlook.sketch() else {
        return;
    };
    body.rule("Certificates");
    let Some(issuing) = sketch.plan.issuing() else {
        body.text(" ", "None is made: what is here is kept.");
        return;
    };
    match &issuing.authority {
        Authority::New {
            root, intermediate, ..
        } => {
            line(body, "", "root, new", &lifetime(root));
            let under = branch(model, true);
            line(body, under, "intermediate, new", &lifetime(intermediate));
        }
        Authority::Existing { .. } => line(body, "", "root and intermediate", "kept"),
    }
    let manager = match &issuing.server {
        Some(server) => ("manager".to_owned(), lifetime(server)),
        None => ("manager".to_owned(), "kept as it is".to_owned()),
    };
    let agents = issuing.agents.iter();
    let mut leaves: Vec<(String, String)> = std::iter::once(manager)
        .chain(agents.map(|(name, agent)| (format!("agent {name}"), lifetime(agent))))
        .collect();
    if leaves.len() > NAMED {
        let more = leaves.len() + 1 - NAMED;
        leaves.truncate(NAMED - 1);
        leaves.push((format!("{more} more agents"), String::new()));
    }
    let last = leaves.len() - 1;
    for (index, (name, days)) in leaves.iter().enumerate() {
        let under = format!("   {}", branch(model, index == last));
        line(body, &under, name, days);
    }
}

fn line(body: &mut Body, under: &str, name: &str, days: &str) {
    let left = format!(" {under}{}", escaped(name));
    body.line(format!("{left:<NAMES$} {days}"));
}

fn branch(model: &Model, last: bool) -> &'static str {
    match (model.look.ascii, last) {
        (true, _) => "+- ",
        (false, true) => "└─ ",
        (false, false) => "├─ ",
    }
}

fn lifetime(recipe: &Recipe) -> String {
    format!("{} days", recipe.days)
}
