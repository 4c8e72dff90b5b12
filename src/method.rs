//! The methods and their comparison table: which method exists for which generation of NGINX
//! Instance Manager behind which proxy, and which of them fit a host.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::facts::{Facts, Generation, Known};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    SslTermination,
    ClientMtls,
    GrpcHealthChecks,
}

impl Method {
    pub const ALL: [Self; 3] = [
        Self::SslTermination,
        Self::ClientMtls,
        Self::GrpcHealthChecks,
    ];

    /// The name of its row in the comparison table.
    pub fn title(self) -> &'static str {
        match self {
            Self::SslTermination => "SSL Termination",
            Self::ClientMtls => "Client mTLS",
            Self::GrpcHealthChecks => "GRPC Health Checks",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SslTermination => "ssl-termination",
            Self::ClientMtls => "client-mtls",
            Self::GrpcHealthChecks => "grpc-health-checks",
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proxy {
    None,
    NginxOss,
    NginxPlus,
}

impl Proxy {
    pub const ALL: [Self; 3] = [Self::None, Self::NginxOss, Self::NginxPlus];

    /// The name of its column in the comparison table.
    pub fn title(self) -> &'static str {
        match self {
            Self::None => "no proxy",
            Self::NginxOss => "nginx-oss",
            Self::NginxPlus => "nginx-plus",
        }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::NginxOss => "nginx-oss",
            Self::NginxPlus => "nginx-plus",
        })
    }
}

/// One cell of the comparison table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    pub generation: Generation,
    pub method: Method,
    pub proxy: Proxy,
    /// Why it is marked N/A; `None`: it is offered.
    pub not_applicable: Option<&'static str>,
}

const ALWAYS_BEHIND_NGINX: &str = "NGINX Instance Manager 2 always runs behind NGINX";
const NO_HEALTH_CHECKS: &str =
    "NGINX Instance Manager 2 publishes its gRPC services through its own nginx file only";
const NOBODY_TO_CHECK: &str = "without a proxy there is nobody to check the manager's services";
const OF_PLUS_ONLY: &str =
    "only NGINX Plus checks the health of gRPC services; NGINX open source has no health_check";

/// Both tables, row by row.
pub fn cells() -> Vec<Cell> {
    let both = [Generation::Nim1, Generation::Nim2].into_iter();
    both.flat_map(table).collect()
}

/// The table of one generation, row by row.
pub fn table(generation: Generation) -> Vec<Cell> {
    let mut cells = Vec::new();
    for method in Method::ALL {
        for proxy in Proxy::ALL {
            cells.push(Cell {
                generation,
                method,
                proxy,
                not_applicable: not_applicable(generation, method, proxy),
            });
        }
    }
    cells
}

fn not_applicable(generation: Generation, method: Method, proxy: Proxy) -> Option<&'static str> {
    match (generation, method, proxy) {
        (Generation::Nim2, _, Proxy::None) => Some(ALWAYS_BEHIND_NGINX),
        (Generation::Nim2, Method::GrpcHealthChecks, _) => Some(NO_HEALTH_CHECKS),
        (Generation::Nim1, Method::GrpcHealthChecks, Proxy::None) => Some(NOBODY_TO_CHECK),
        (Generation::Nim1, Method::GrpcHealthChecks, Proxy::NginxOss) => Some(OF_PLUS_ONLY),
        (Generation::Nim1, Method::GrpcHealthChecks, Proxy::NginxPlus)
        | (_, Method::SslTermination | Method::ClientMtls, _) => None,
    }
}

/// The generation whose table concerns a host: the one that is there; 2 where that cannot be
/// told.
pub fn generation_of(facts: &Facts) -> Generation {
    facts
        .nim
        .is()
        .map_or(Generation::Nim2, |nim| nim.generation)
}

/// The cell for a choice.
pub fn cell(generation: Generation, method: Method, proxy: Proxy) -> Cell {
    Cell {
        generation,
        method,
        proxy,
        not_applicable: not_applicable(generation, method, proxy),
    }
}

/// Whether a cell fits a host: `Ok`, or why not. `None`: it could not be told.
pub fn fits(cell: &Cell, facts: &Facts) -> Option<Result<(), String>> {
    if let Some(reason) = cell.not_applicable {
        return Some(Err(reason.to_owned()));
    }
    let nim = match &facts.nim {
        // The manager is elsewhere, and whoever asks here knows which it is.
        Known::Absent if facts.is_instance() => return fits_nginx(cell, facts),
        Known::Is(nim) => nim,
        Known::Absent => return Some(Err("NGINX Instance Manager is not installed here".into())),
        Known::Unclear(_) => return None,
    };
    if nim.generation != cell.generation {
        return Some(Err(format!(
            "this host runs another generation ({})",
            nim.generation
        )));
    }
    fits_nginx(cell, facts)
}

/// The same for the nginx alone.
fn fits_nginx(cell: &Cell, facts: &Facts) -> Option<Result<(), String>> {
    if cell.proxy == Proxy::None {
        return Some(Ok(()));
    }
    let nginx = match &facts.nginx {
        Known::Is(nginx) => nginx,
        Known::Absent => return Some(Err("nginx is not installed here".into())),
        Known::Unclear(_) => return None,
    };
    match (cell.proxy, nginx.build.plus.is_some()) {
        (Proxy::NginxPlus, false) => Some(Err("this host has no NGINX Plus".into())),
        (Proxy::NginxOss, true) => Some(Err(format!("this host runs {}", nginx.build))),
        _ => Some(Ok(())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete_and_says_why_a_cell_is_not_applicable() {
        for (generation, count) in [(Generation::Nim1, 7), (Generation::Nim2, 4)] {
            let cells = table(generation);
            assert_eq!(cells.len(), 9);
            let offered = cells.iter().filter(|cell| cell.not_applicable.is_none());
            assert_eq!(offered.count(), count, "{generation}");
        }
        assert_eq!(cells().len(), 18);
    }
}
