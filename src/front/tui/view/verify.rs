//! Step 8: what was proven, expected and seen side by side.

use ratatui::style::Style;

use super::super::super::words;
use super::super::model::Model;
use super::super::running::Running;
use super::body::Body;
use crate::report::Row;
use crate::values::escaped;

pub(super) fn body(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    let rows = model
        .running
        .as_ref()
        .map_or(&[][..], |running| running.rows.as_slice());
    verdict(&mut body, model, rows);
    body.gap();
    let heads = ["who connects", "to", "expected", "seen"].map(str::to_owned);
    let mut texts = vec![heads.to_vec()];
    for row in rows {
        let why = row.why.as_ref().map(|why| format!("not tried: {why}"));
        let seen = why.as_ref().unwrap_or(&row.seen);
        let cells = [&row.case, &row.leg, &row.expected, seen];
        texts.push(cells.map(|text| escaped(text)).to_vec());
    }
    let cells: Vec<&[String]> = texts.iter().map(Vec::as_slice).collect();
    let columns = body.columns(&cells);
    let dim = model.look.dim();
    for (index, texts) in texts.iter().enumerate() {
        match index.checked_sub(1).and_then(|index| rows.get(index)) {
            Some(row) => {
                let mark = model.look.mark(row.ok);
                body.row(mark, Style::new(), &columns, texts, false);
            }
            None if rows.is_empty() => {}
            None => body.row(("", dim), dim, &columns, texts, false),
        }
        if index == 0 {
            body.head_ends();
        }
    }
    body.foot_begins();
    body.rule("What now");
    what_now(&mut body, model);
    body.gap();
    body.buttons(model);
    body
}

fn verdict(body: &mut Body, model: &Model, rows: &[Row]) {
    if !model.running.as_ref().is_some_and(Running::has_proof) {
        let handed_out = model.running.as_ref().is_some_and(Running::hands_out);
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
        (Some(now), Some(before)) => format!("Clients connected: {now} now, {before} before"),
        _ => "How many clients are back is not known".to_owned(),
    };
    let words = format!("{back}; an agent comes back with its files.");
    body.text(" ", &words);
}

fn what_now(body: &mut Body, model: &Model) {
    let words = "Each agent's files wait in /var/lib/nim-tls/issued/NAME (nginx-agent.conf there \
                 says what goes where).";
    if model.practice.is_some() {
        let words = format!("{words} All of that goes away with the practice host when you leave.");
        body.text(" ", &words);
    } else {
        body.text(" ", &format!("{words} Open the UI in a browser now."));
        body.text(" Way back, later too: ", &model.way_back());
    }
}
