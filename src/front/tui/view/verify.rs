//! Step 8: what was proven, expected and seen side by side.

use ratatui::text::{Line, Span};

use super::super::super::words;
use super::super::model::Model;
use super::super::running::Running;
use super::body::Body;
use crate::report::Row;
use crate::values::{cell, escaped};

pub(super) fn body(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    let rows = model
        .running
        .as_ref()
        .map_or(&[][..], |running| running.rows.as_slice());
    verdict(&mut body, model, rows);
    body.gap();
    body.buttons(model);
    what_now(&mut body, model);
    body.gap();
    let widths = [23, 20, 14, width.saturating_sub(66).max(12)];
    if !rows.is_empty() {
        let head = columns(&widths, ["who connects", "to", "expected", "seen"]);
        body.line(Line::styled(format!("     {head}"), model.look.dim()));
    }
    for row in rows {
        let style = match row.ok {
            Some(true) => model.look.good(),
            Some(false) => model.look.bad(),
            None => model.look.dim(),
        };
        let seen = row
            .why
            .as_ref()
            .map_or_else(|| row.seen.clone(), |why| format!("not tried: {why}"));
        let texts = [&row.case, &row.leg, &row.expected, &seen];
        let cells: Vec<Vec<String>> = texts
            .into_iter()
            .zip(widths)
            .map(|(text, width)| cell(&escaped(text), width))
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(1);
        for index in 0..height {
            let text = |column: usize| cells[column].get(index).map_or("", String::as_str);
            let mark = if index == 0 { row.mark() } else { "" };
            body.line(Line::from(vec![
                Span::styled(format!(" {mark:<3} "), style),
                Span::raw(columns(&widths, [0, 1, 2, 3].map(text))),
            ]));
        }
    }
    body
}

fn columns(widths: &[usize; 4], texts: [&str; 4]) -> String {
    let cells = widths.iter().zip(texts);
    let line: String = cells
        .map(|(width, text)| format!("{text:<width$} "))
        .collect();
    line.trim_end().to_owned()
}

fn verdict(body: &mut Body, model: &Model, rows: &[Row]) {
    if !model.running.as_ref().is_some_and(Running::has_proof) {
        return body.text(" ", words::NOTHING_TO_PROVE);
    }
    let ok = rows.iter().filter(|row| row.ok == Some(true)).count();
    let tried = rows.iter().filter(|row| row.ok.is_some()).count();
    let (word, style) = if tried > 0 && ok == tried {
        ("PROVEN", model.look.good())
    } else {
        ("NOT PROVEN", model.look.bad())
    };
    let not_tried = rows.len() - tried;
    body.styled(
        " ",
        &format!("{word}: {ok} of {tried} connections as they must be, {not_tried} not tried."),
        style,
    );
    let back = match (model.connected(), model.connected_before) {
        (Some(now), Some(before)) => format!("Clients connected: {now} now, {before} before."),
        _ => "How many clients are back could not be told.".to_owned(),
    };
    body.text(
        " ",
        &format!("{back} Proven is not back: each agent needs its files first."),
    );
}

fn what_now(body: &mut Body, model: &Model) {
    let folder = "/var/lib/nim-tls/issued/NAME";
    body.text(
        " ",
        &format!(
            "Each agent's files wait in {folder} (nginx-agent.conf there says what goes where). \
             {}{}",
            if model.practice.is_some() {
                "All of that is on the practice host. "
            } else {
                "Open the UI in a browser now. Put everything back works later too: "
            },
            model.way_back()
        ),
    );
}
