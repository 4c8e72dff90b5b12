//! Step 8: what was proven, expected and seen side by side.

use ratatui::text::{Line, Span};

use super::super::model::Model;
use super::body::Body;
use crate::values::{cell, escaped};

pub(super) fn body(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    let rows = model
        .running
        .as_ref()
        .map_or(&[][..], |running| running.rows.as_slice());
    let ok = rows.iter().filter(|row| row.ok == Some(true)).count();
    let tried = rows.iter().filter(|row| row.ok.is_some()).count();
    let word = if tried > 0 && ok == tried {
        "PROVEN"
    } else {
        "NOT PROVEN"
    };
    let style = if ok == tried {
        model.look.good()
    } else {
        model.look.bad()
    };
    body.styled(
        " ",
        &format!(
            "{word}: {ok} of {tried} connections as they must be, {} not tried. This says that \
             our certificates get through and others do not; agents come back once they have \
             theirs.",
            rows.len() - tried
        ),
        style,
    );
    body.gap();
    body.buttons(model);
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
    body.gap();
    let last = width.saturating_sub(58).max(12);
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
        let columns = [
            cell(&escaped(&row.case), 28),
            cell(&escaped(&row.leg), 24),
            cell(&escaped(&seen), last),
        ];
        let height = columns.iter().map(Vec::len).max().unwrap_or(1);
        for index in 0..height {
            let text = |column: &Vec<String>| column.get(index).cloned().unwrap_or_default();
            let mark = if index == 0 { row.mark() } else { "" };
            body.line(Line::from(vec![
                Span::styled(format!(" {mark:<3} "), style),
                Span::raw(format!("{:<28} ", text(&columns[0]))),
                Span::raw(format!("{:<24} ", text(&columns[1]))),
                Span::styled(text(&columns[2]), style),
            ]));
        }
    }
    body
}
