//! Step 8: what was proven, expected and seen side by side.

use ratatui::style::Style;

use super::super::super::words;
use super::super::model::Model;
use super::super::running::Running;
use super::body::Body;
use crate::report::{self, Alike, Row};
use crate::values::escaped;

pub(super) fn body(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    let rows = model
        .running
        .as_ref()
        .map_or(&[][..], |running| running.rows.as_slice());
    if let Some(running) = model.running.as_ref().filter(|run| run.raises_level()) {
        return log_level(body, model, running);
    }
    verdict(&mut body, model, rows);
    table(&mut body, model, rows);
    body.foot_begins();
    body.rule(if model.waits() {
        "Can you still get in?"
    } else {
        "What now"
    });
    what_now(&mut body, model);
    body.buttons(model);
    body
}

/// While the error log tells more, and where that was kept.
fn log_level(mut body: Body, model: &Model, running: &Running) -> Body {
    body.text(" ", words::LOG_TELLS);
    body.gap();
    body.foot_begins();
    body.rule("What now");
    if model.waits() {
        let covers = words::covers(running.switch.as_ref());
        let words = format!("Without Keep, all is put back when the time is over{covers}.");
        body.text(" ", &words);
    } else {
        body.text(" Way back, later too: ", &model.way_back());
    }
    body.buttons(model);
    body
}

/// A line for all connections that came out alike; the heads of the columns stay in sight.
fn table(body: &mut Body, model: &Model, rows: &[Row]) {
    if rows.is_empty() {
        return body.gap();
    }
    let everywhere = report::addresses(rows).len();
    let alike = report::alike(rows);
    // All services that agents call.
    let services = alike.iter().map(|line| line.to.as_slice());
    let services = services.max_by_key(|to| to.len()).unwrap_or_default();
    if services.len() > 1 {
        let words = format!(
            "{}: {}, which agents call.",
            together(services),
            services.join(" and ")
        );
        body.styled(" ", &words, model.look.dim());
    }
    let heads = ["who connects", "to", "expected", "seen"].map(str::to_owned);
    let texts: Vec<[String; 4]> = std::iter::once(heads)
        .chain(alike.iter().map(|line| texts(line, services, everywhere)))
        .collect();
    let cells: Vec<&[String]> = texts.iter().map(<[String; 4]>::as_slice).collect();
    let columns = body.columns(&cells);
    let dim = model.look.dim();
    body.row(("", dim), dim, &columns, cells[0], false);
    body.head_ends();
    for (line, texts) in alike.iter().zip(&cells[1..]) {
        let mark = model.look.mark(line.row.ok);
        body.row(mark, Style::new(), &columns, texts, false);
    }
}

/// The cells of a line. An address is named where it is not the same for all.
fn texts(line: &Alike<'_>, services: &[&str], everywhere: usize) -> [String; 4] {
    let row = line.row;
    let mut to = if line.to.len() > 1 && line.to == services {
        together(services).to_owned()
    } else {
        line.to.join(", ")
    };
    if !line.at.is_empty() && line.at.len() < everywhere {
        to = format!("{to} at {}", line.at.join(", "));
    }
    let seen = match &row.why {
        Some(why) => format!("not tried: {why}"),
        None => row.seen.clone(),
    };
    [&row.case, &to, &row.expected, &seen].map(|text| escaped(text))
}

fn together(services: &[&str]) -> &'static str {
    match services.len() {
        2 => "both",
        _ => "all",
    }
}

fn verdict(body: &mut Body, model: &Model, rows: &[Row]) {
    if !model.running.as_ref().is_some_and(Running::has_proof) {
        let handed_out = model.running.as_ref().is_some_and(Running::hands_out);
        let notes = model.awaited();
        if handed_out && !notes.is_empty() {
            for line in words::requests_written(&notes).lines() {
                body.text(" ", line);
            }
            return;
        }
        return body.text(
            " ",
            if handed_out {
                words::HANDED_OUT
            } else {
                words::NOTHING_TO_PROVE
            },
        );
    }
    let ok = rows.iter().filter(|row| row.ok == Some(true)).count();
    let tried = rows.iter().filter(|row| row.ok.is_some()).count();
    let (_, word) = words::verdict(rows);
    let style = if word == "PROVEN" {
        model.look.good()
    } else {
        model.look.bad()
    };
    let not_tried = rows.len() - tried;
    let addresses = report::addresses(rows);
    let to = if addresses.is_empty() {
        String::new()
    } else {
        format!(" to {}", addresses.join(" and "))
    };
    let proof =
        format!("{word}: {ok} of {tried} connections{to} as they must be, {not_tried} not tried.");
    body.styled(" ", &proof, style);
    if words::is_of_instance(rows) {
        return;
    }
    let came_back = model.running.as_ref().and_then(|running| running.came_back);
    let back = match (came_back, model.connected(), model.connected_before) {
        (Some((back, of)), _, _) => words::came_back(back, of),
        (None, Some(now), Some(before)) => format!("Clients connected: {now} now, {before} before"),
        _ => "How many clients are back is not known".to_owned(),
    };
    let words = format!("{back}; an agent comes back with its files.");
    body.text(" ", &words);
}

fn what_now(body: &mut Body, model: &Model) {
    if model.waits() {
        let look = if model.practice.is_some() {
            "On a real host: open the UI in a browser now."
        } else {
            look_now(model)
        };
        let switch = model
            .running
            .as_ref()
            .and_then(|running| running.switch.as_ref());
        let covers = words::covers(switch);
        let words = format!("{look} Without Keep, all is put back when the time is over{covers}.");
        return body.text(" ", &words);
    }
    if is_of_instance(model) {
        let words = format!("{} {}", look_now(model), words::TAKE_AWAY);
        body.text(" ", &words);
        return body.text(" Way back, later too: ", &model.way_back());
    }
    if !model.awaited().is_empty() {
        return body.text(" Way back, later too: ", &model.way_back());
    }
    let words = words::files_wait(&model.issued);
    if model.practice.is_some() {
        body.text(" ", &format!("{words} All goes away when you leave."));
    } else {
        body.text(" ", &format!("{words} Open the UI in a browser now."));
        body.text(" Way back, later too: ", &model.way_back());
    }
}

fn is_of_instance(model: &Model) -> bool {
    let running = model.running.as_ref();
    running.is_some_and(|running| words::is_of_instance(&running.rows))
}

/// What only a person can see.
fn look_now(model: &Model) -> &'static str {
    words::look_now(is_of_instance(model))
}
