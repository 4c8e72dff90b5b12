//! Step 1: what this host is.

use super::super::model::Model;
use super::body::Body;
use crate::facts::{Facts, Known};

pub(super) fn body(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    let Some(facts) = &model.facts else {
        body.gap();
        body.text(" ", "Looking at this host: what is installed, what runs, what nginx is told to do. Nothing is changed by that.");
        return body;
    };
    body.text(
        " ",
        "This wizard makes the connections of browsers and agents to NGINX Instance Manager \
         encrypted, and lets agents in only with a certificate if you want that. You see every \
         line before it is written, nothing is changed before your yes in step 7, and all of it \
         can be put back.",
    );
    if let Some(folder) = &model.practice {
        body.gap();
        body.text(
            " ",
            &format!(
                "This is a practice host, in {folder}: nothing outside of that folder is touched. \
                 Files, certificates and TLS connections are real; nginx, services, commands and \
                 two agents are simulated."
            ),
        );
    }
    body.gap();
    body.rule("This host");
    for (head, words) in lines(facts) {
        body.text(&format!(" {head:<10}"), &words);
    }
    if let Some((run, why)) = &facts.state.unfinished {
        body.gap();
        body.styled(" ! ", &format!("Run {run}: {why}."), model.look.bad());
        body.text(
            "   ",
            &format!("do: nim-tls rollback --yes{}", model.options),
        );
    }
    body.gap();
    body.buttons(model);
    body
}

fn lines(facts: &Facts) -> Vec<(&'static str, String)> {
    let told = |known: Known<String>, absent: &str| match known {
        Known::Is(words) => words,
        Known::Absent => absent.to_owned(),
        Known::Unclear(why) => format!("could not be told: {why}"),
    };
    let nim = facts.nim.clone().map(|nim| {
        let version = nim
            .version
            .unwrap_or_else(|| "2, version unknown".to_owned());
        format!("{version} (told by {})", nim.evidence)
    });
    vec![
        (
            "system",
            told(
                facts.os.clone().map(|os| os.name),
                "it does not say what it is",
            ),
        ),
        (
            "manager",
            told(nim, "NGINX Instance Manager is not installed here"),
        ),
        (
            "nginx",
            told(
                facts.nginx.clone().map(|nginx| nginx.build.to_string()),
                "not installed here",
            ),
        ),
        (
            "agent",
            told(facts.agent.clone(), "no NGINX Agent on this host"),
        ),
        (
            "authority",
            match &facts.state.ca {
                Known::Is(ca) => format!("one of ours is here: {}", ca.root.subject),
                Known::Absent => "none of ours yet; this run would make one".to_owned(),
                Known::Unclear(why) => format!("could not be told: {why}"),
            },
        ),
        (
            "today",
            crate::plan::today(facts, crate::values::Port::HTTPS).map_or_else(
                |problem| problem.what,
                |today| format!("agents are {today}"),
            ),
        ),
    ]
}
