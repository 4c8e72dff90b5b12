//! `nim-tls methods`: the comparison table, and which of its cells fit this host.

use std::fmt::Write as _;

use serde::Serialize;

use crate::error::Problem;
use crate::facts::{Facts, Generation, Known};
use crate::method::{self, Cell, Method, Proxy};
use crate::topology::{self, Leg};
use crate::values::{escaped, wrapped};

use super::super::output::Output;
use super::super::place::Ground;
use super::super::session;

#[derive(Serialize)]
struct Document {
    schema: u32,
    cells: Vec<CellDocument>,
}

#[derive(Serialize)]
struct CellDocument {
    method: Method,
    proxy: Proxy,
    generation: Generation,
    offered: bool,
    /// Why it is N/A or does not fit here.
    reason: Option<String>,
    legs: Vec<Leg>,
    fits: Option<bool>,
}

pub(super) fn methods(ground: &Ground, output: &Output) -> Result<u8, Problem> {
    let facts = session::first_look(ground, None);
    let cells = method::cells();
    if output.is_json() {
        let cells = cells.iter().map(|cell| document(cell, &facts)).collect();
        output.document(&Document { schema: 1, cells })?;
    } else {
        output.result(&text(&cells, &facts, output.width))?;
    }
    Ok(0)
}

fn document(cell: &Cell, facts: &Facts) -> CellDocument {
    let fits = method::fits(cell, facts);
    CellDocument {
        method: cell.method,
        proxy: cell.proxy,
        generation: cell.generation,
        offered: cell.not_applicable.is_none(),
        reason: fits.as_ref().and_then(|fits| fits.as_ref().err().cloned()),
        legs: if cell.not_applicable.is_none() {
            topology::legs(cell.method)
        } else {
            Vec::new()
        },
        fits: fits.map(|fits| fits.is_ok()),
    }
}

/// What a cell of the table says. "N/A" holds everywhere; "not here" for this host only.
fn word(cell: &Cell, facts: &Facts) -> &'static str {
    match method::fits(cell, facts) {
        _ if cell.not_applicable.is_some() => "N/A",
        Some(Ok(())) => "fits",
        Some(Err(_)) => "not here",
        None => "offered",
    }
}

fn text(cells: &[Cell], facts: &Facts, width: usize) -> String {
    let mut text = String::new();
    line(&mut text, "", Proxy::ALL.map(Proxy::title));
    for method in Method::ALL {
        let words = Proxy::ALL.map(|proxy| {
            let cell = cells
                .iter()
                .find(|cell| cell.method == method && cell.proxy == proxy);
            cell.map_or("", |cell| word(cell, facts))
        });
        line(&mut text, method.title(), words);
    }
    text.push_str("\nNGINX Instance Manager 2. N/A: there is no such thing anywhere.\n");
    let mut reasons: Vec<(&str, String)> = Vec::new();
    for cell in cells {
        let reason = match (cell.not_applicable, method::fits(cell, facts)) {
            (Some(why), _) => ("  N/A       ", format!("{}: {why}", about(cell, why))),
            (None, Some(Err(why))) => ("  not here  ", format!("{}: {why}", cell.proxy.title())),
            (None, Some(Ok(())) | None) => continue,
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    for (head, reason) in reasons {
        text.push_str(&wrapped(head, &escaped(&reason), width));
    }
    if let Known::Is(nginx) = &facts.nginx {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\nThis host runs {}.", nginx.build);
    }
    for method in [Method::SslTermination, Method::ClientMtls] {
        let _ = writeln!(text, "\n{}", method.title());
        for leg in topology::legs(method) {
            text.push_str(&wrapped("  - ", &leg.sentence(), width));
        }
    }
    text
}

/// A reason that concerns a whole column is said once, for the column.
fn about(cell: &Cell, why: &str) -> &'static str {
    let column = method::cells()
        .iter()
        .filter(|other| other.proxy == cell.proxy)
        .all(|other| other.not_applicable == Some(why));
    if column {
        cell.proxy.title()
    } else {
        cell.method.title()
    }
}

fn line(text: &mut String, head: &str, words: [&str; 3]) {
    let [first, second, third] = words;
    let row = format!("{head:<20}{first:<11}{second:<12}{third}");
    text.push_str(row.trim_end());
    text.push('\n');
}
