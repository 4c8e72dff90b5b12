//! NGINX Instance Manager and the NGINX Agent, as installed: packages first, files second.

use std::path::Path;

use super::packages::{AGENT, NIM_1, NIM_2, Packages};
use crate::facts::{Generation, Known, Product};
use crate::host::{Command, Host};
use crate::values::escaped;

/// Files that only this generation has.
const FILES: [(Generation, &str); 3] = [
    (Generation::Nim2, "/etc/nms/nms.conf"),
    (Generation::Nim2, "/etc/nginx/conf.d/nms-http.conf"),
    (Generation::Nim1, "/etc/nginx-manager/nginx-manager.conf"),
];

pub(super) fn nim(host: &dyn Host, packages: &Packages) -> Known<Product> {
    let product = |generation, package| {
        packages.version(package).map(|version| Product {
            generation,
            version: Some(version.clone()),
            evidence: format!("package {package} {version}"),
        })
    };
    match (
        product(Generation::Nim1, NIM_1),
        product(Generation::Nim2, NIM_2),
    ) {
        (Some(one), Some(two)) => Known::Unclear(format!(
            "both generations are installed ({} and {})",
            one.evidence, two.evidence
        )),
        (Some(product), None) | (None, Some(product)) => Known::Is(product),
        (None, None) => by_files(host, packages),
    }
}

fn by_files(host: &dyn Host, packages: &Packages) -> Known<Product> {
    let mut found: Vec<(Generation, &str)> = Vec::new();
    for (generation, path) in FILES {
        match host.stat(Path::new(path)) {
            Ok(Some(_)) => found.push((generation, path)),
            Ok(None) => {}
            Err(error) => return Known::Unclear(error.to_string()),
        }
    }
    match (found.first(), found.last()) {
        (Some((one, first)), Some((other, last))) if one != other => Known::Unclear(format!(
            "files of both generations are here ({first} and {last})"
        )),
        (Some((generation, path)), _) => Known::Is(Product {
            generation: *generation,
            version: None,
            evidence: (*path).to_owned(),
        }),
        _ => match packages.unread.first() {
            Some(why) => Known::Unclear(why.clone()),
            None => Known::Absent,
        },
    }
}

/// The version of the agent: its own word, or the package's where it cannot be asked.
pub(super) fn agent(host: &dyn Host, packages: &Packages) -> Known<String> {
    let recorded = packages.version(AGENT).cloned();
    let program = if host.is_live() {
        host.find(AGENT)
    } else {
        None
    };
    let Some(program) = program else {
        return recorded.map_or(Known::Absent, Known::Is);
    };
    let said = match host.run(&Command::new(&program, &["--version"])) {
        Ok(output) => format!("{}\n{}", output.out(), output.err()),
        Err(error) => error.to_string(),
    };
    match (agent_version(&said), recorded) {
        (Some(version), _) | (None, Some(version)) => Known::Is(version),
        (None, None) => Known::Unclear(format!(
            "{} does not say its version but \"{}\"",
            program.display(),
            escaped(said.lines().next().unwrap_or_default())
        )),
    }
}

/// `nginx-agent version v2.46.7-abc` has the number, then the commit it was built from.
fn agent_version(said: &str) -> Option<String> {
    let (_, rest) = said.split_once("nginx-agent version ")?;
    let rest = rest.strip_prefix('v').unwrap_or(rest);
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let number = rest[..end].trim_end_matches('.');
    (!number.is_empty()).then(|| number.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_says_its_version() {
        for (said, version) in [
            ("nginx-agent version v2.46.7-abc1234\n", Some("2.46.7")),
            ("nginx-agent version v3.11.3", Some("3.11.3")),
            ("nginx-agent version 2.1.0.", Some("2.1.0")),
            ("nginx-agent version vnext", None),
            ("usage: nginx-agent", None),
        ] {
            assert_eq!(agent_version(said).as_deref(), version, "{said}");
        }
    }
}
