//! Step 8: what was proven, expected and seen side by side.

use ratatui::text::{Line, Span};

use super::super::super::words;
use super::super::model::Model;
use super::body::Body;
use crate::values::{cell, escaped};

pub(super) fn body(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    let rows = model
        .running
        .as_ref()
        .map_or(&[][..], |running| running.rows.as_slice());
    let (proven, said) = words::proven(rows);
    let style = if proven {
        model.look.good()
    } else {
        model.look.bad()
    };
    body.styled(" ", &said, style);
    body.gap();
    body.buttons(model);
    let folder = "/var/lib/nim-tls/issued/NAME";
    body.text(
        " ",
        &format!(
            "Each agent's files wait in {folder} (nginx-agent.conf there says what goes where). \
             Open the UI in a browser now. Put everything back works later too: nim-tls \
             rollback{}",
            model.options
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
