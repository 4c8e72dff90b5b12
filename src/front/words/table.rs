//! The comparison table, in words.

use std::fmt::Write as _;

use crate::facts::{Facts, Generation, Known};
use crate::method::{self, Cell, Method, Proxy};
use crate::topology::{self, Leg};
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

/// The comparison table of a generation, why cells do not fit, and the legs as sentences.
pub(in crate::front) fn methods(generation: Generation, facts: &Facts, width: usize) -> String {
    let cells = method::table(generation);
    let mut text = String::new();
    line(&mut text, "", Proxy::ALL.map(Proxy::title));
    for method in Method::ALL {
        let words = Proxy::ALL.map(|proxy| word(&method::cell(generation, method, proxy), facts));
        line(&mut text, method.title(), words);
    }
    // Writing to a String cannot fail.
    let number = match generation {
        Generation::Nim1 => 1,
        Generation::Nim2 => 2,
    };
    let _ = writeln!(
        text,
        "\nNGINX Instance Manager {number}. N/A: there is no such thing anywhere."
    );
    let mut reasons: Vec<(&str, String)> = Vec::new();
    for cell in &cells {
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
        let _ = writeln!(text, "\nThis host runs {}.", nginx.build);
    }
    for method in Method::ALL {
        let legs = ways(&cells, method);
        for (head, legs) in &legs {
            let _ = writeln!(text, "\n{head}");
            for leg in legs {
                text.push_str(&wrapped("  - ", &leg.sentence(), width));
            }
        }
    }
    if generation == Generation::Nim1 {
        let inner = "options: {backend_tls: true} encrypts the way from nginx to the manager too; \
                     nginx then takes nobody else for the manager.";
        let _ = write!(text, "\n{}", wrapped("", inner, width));
    }
    text
}

/// The legs of a row, once where all its cells have the same.
fn ways(cells: &[Cell], method: Method) -> Vec<(String, Vec<Leg>)> {
    let offered = cells
        .iter()
        .filter(|cell| cell.method == method && cell.not_applicable.is_none());
    let mut ways: Vec<(Vec<&str>, Vec<Leg>)> = Vec::new();
    for cell in offered {
        let legs = topology::legs(cell);
        match ways.iter_mut().find(|(_, known)| *known == legs) {
            Some((proxies, _)) => proxies.push(cell.proxy.title()),
            None => ways.push((vec![cell.proxy.title()], legs)),
        }
    }
    let alone = ways.len() == 1;
    let head = |proxies: Vec<&str>| {
        if alone {
            method.title().to_owned()
        } else {
            format!("{}, {}", method.title(), proxies.join(" and "))
        }
    };
    ways.into_iter()
        .map(|(proxies, legs)| (head(proxies), legs))
        .collect()
}

/// A reason that concerns a whole column is said once, for the column.
fn about(cell: &Cell, why: &str) -> &'static str {
    let column = method::table(cell.generation)
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
