//! Step 1: what this host is.

use super::super::super::words;
use super::super::model::Model;
use super::body::Body;

pub(super) fn body(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    let Some(facts) = &model.facts else {
        body.gap();
        body.text(" ", "Looking at this host: what is installed, what runs, what nginx is told to do. Nothing is changed by that.");
        return body;
    };
    body.text(" ", words::welcome(facts));
    if let Some(folder) = &model.practice {
        body.gap();
        body.text(
            " ",
            &format!(
                "This is a practice host, in {folder}: nothing outside of it is touched. Files, \
                 certificates and TLS connections are real; nginx, services, commands and two \
                 agents are simulated."
            ),
        );
    }
    body.gap();
    body.rule("This host");
    for (head, words) in words::host(facts) {
        body.text(&format!(" {head:<10}"), &words);
    }
    if let Some((run, why)) = &facts.state.unfinished {
        body.gap();
        body.styled(" ! ", &format!("Run {run}: {why}."), model.look.bad());
        body.text(
            "   ",
            &format!("do: nim-tls rollback --yes{}", model.outward.options()),
        );
    }
    body.gap();
    body.foot_begins();
    body.buttons(model);
    body
}
