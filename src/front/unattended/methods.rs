//! `nim-tls methods`: the comparison table, and which of its cells fit this host.

use serde::Serialize;

use crate::error::Problem;
use crate::facts::{Facts, Generation, Known};
use crate::method::{self, Cell, Method, Proxy};
use crate::topology::{self, Leg};

use super::super::output::Output;
use super::super::place::Ground;
use super::super::session;
use super::super::words;

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
    if output.is_json() {
        let cells = method::cells();
        let cells = cells.iter().map(|cell| document(cell, &facts)).collect();
        output.document(&Document { schema: 1, cells })?;
    } else {
        // Where it is known which one is here, the other says nothing to this host.
        let generations = match &facts.nim {
            Known::Is(nim) => vec![nim.generation],
            _ => vec![Generation::Nim2, Generation::Nim1],
        };
        let tables: Vec<String> = generations
            .into_iter()
            .map(|generation| words::methods(generation, &facts, output.width))
            .collect();
        output.result(&tables.join("\n\n"))?;
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
            topology::legs(cell)
        } else {
            Vec::new()
        },
        fits: fits.map(|fits| fits.is_ok()),
    }
}
