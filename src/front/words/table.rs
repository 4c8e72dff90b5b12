//! The comparison table, in words.

use std::fmt::Write as _;

use crate::facts::{Facts, Known};
use crate::method::{self, Cell, Method, Proxy};
use crate::topology;
use crate::values::{escaped, wrapped};

/// What a cell of the table says. "N/A" holds everywhere; "not here" for this host only.
fn word(cell: &Cell, facts: &Facts) -> &'static str {
    match method::fits(cell, facts) {
        _ if cell.not_applicable.is_some() => "N/A",
        Some(Ok(())) => "fits",
        Some(Err(_)) => "not here",
        None => "offered",
    }
}

/// The comparison table, why cells do not fit, and the legs as sentences.
pub(in crate::front) fn methods(cells: &[Cell], facts: &Facts, width: usize) -> String {
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

/// What a method is good for.
pub(in crate::front) fn gives(method: Method) -> &'static str {
    match method {
        Method::SslTermination => {
            "traffic is encrypted and the manager proves who it is. Anybody who reaches the port \
             can act as an agent."
        }
        Method::ClientMtls => {
            "everything SSL Termination gives, and each agent proves who it is. Browsers need no \
             certificate. Agents without one are refused from then on."
        }
        Method::GrpcHealthChecks => "nginx watches whether the manager's services answer.",
    }
}
