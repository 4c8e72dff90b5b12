//! Step 3: the comparison table as a grid, and what the cell under the cursor gives here.

use ratatui::text::{Line, Span};

use super::super::super::words;
use super::super::model::Model;
use super::body::Body;
use crate::method::{self, Cell, Method, Proxy};
use crate::topology;

/// Room for a cell: with that of the labels no more than half of a screen of 120 columns has.
const CELL: usize = 14;

pub(super) fn body(model: &Model, width: usize) -> Body {
    let mut body = Body::new(model, width);
    let cells = model.table();
    let focus = model.focus.min(cells.len() - 1);
    body.line(" How should traffic to the manager be protected?");
    body.gap();
    let head: String = Proxy::ALL
        .map(|proxy| format!("{:<CELL$}", proxy.title()))
        .concat();
    body.line(format!("{:25}{}", "", head.trim_end()));
    for (row, method) in Method::ALL.iter().enumerate() {
        let mut spans = vec![Span::raw(format!("   {:<20}", method.title()))];
        for column in 0..Proxy::ALL.len() {
            let index = row * 3 + column;
            let word = word(model, &cells[index]);
            if index == focus {
                body.focus_here();
                let marked = format!("> {word} <");
                let blanks = " ".repeat(CELL.saturating_sub(marked.len()));
                spans.push(Span::styled(marked, model.look.focus()));
                spans.push(Span::raw(blanks));
            } else {
                spans.push(Span::raw(format!("{:<CELL$}", format!("  {word}"))));
            }
        }
        body.line(Line::from(spans));
    }
    body.gap();
    about(&mut body, model, &cells[focus]);
    body
}

fn word(model: &Model, cell: &Cell) -> &'static str {
    let chosen = model.entered.get("method") == cell.method.to_string()
        && model.entered.get("proxy") == cell.proxy.to_string();
    let fits = model
        .facts
        .as_ref()
        .and_then(|facts| method::fits(cell, facts));
    match fits {
        _ if cell.not_applicable.is_some() => "N/A",
        Some(Err(_)) => "not here",
        _ if chosen => "(*)",
        _ => "( )",
    }
}

fn about(body: &mut Body, model: &Model, cell: &Cell) {
    let name = format!("{} with {}", cell.method.title(), cell.proxy.title());
    let fits = model
        .facts
        .as_ref()
        .and_then(|facts| method::fits(cell, facts));
    if let Some(Err(why)) = fits {
        let word = if cell.not_applicable.is_some() {
            "N/A: there is no such thing anywhere"
        } else {
            "not here: it exists, but not on this host"
        };
        body.text(" ", &format!("{name} is {word}; {why}."));
        return;
    }
    body.text(" ", &format!("{name}: {}", words::gives(cell.method)));
    body.gap();
    body.rule("Who talks to whom then");
    for leg in topology::legs(cell) {
        let how = match (leg.encrypted, leg.authenticated) {
            (true, "both") => "TLS, BOTH sides prove who they are",
            (true, _) => "TLS, the server proves who it is",
            (false, _) => "not encrypted, a socket of this host",
        };
        body.line(format!(
            " {:<8} {} {:<8} {how}",
            leg.from,
            model.look.arrow(),
            leg.to
        ));
    }
}
