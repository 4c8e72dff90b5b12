//! The NGINX Agent of this host: what its settings say, and the files that they name.

use super::super::finding::{Evidence, Finding};
use super::super::seen::of_file;
use super::ground::{Ground, certificates};
use crate::certificate::{Certificate, Purpose, flaws};
use crate::facts::{AGENT_FILES, AgentFile, Facts, FileFact, FoundContent, Known};
use crate::values::AbsPath;
use crate::yaml::{nests_deeply, value_of};

/// What can be wrong with the agent's certificate, and the rule that tells of it.
const RULES: [(&str, &str); 5] = [
    ("client-cert-expired", "agent-own-certificate-expired"),
    (
        "client-cert-not-yet-valid",
        "agent-own-certificate-not-yet-valid",
    ),
    ("client-chain-incomplete", "agent-own-chain-broken"),
    ("weak-key", "agent-own-certificate-weak"),
    ("cert-expiring", "agent-own-certificate-ends-soon"),
];

/// The files that its settings name.
pub(super) fn files(facts: &Facts) -> Vec<AbsPath> {
    let Known::Is(file) = &facts.agent_setup.file else {
        return Vec::new();
    };
    let named = ["cert", "key", "ca"].into_iter();
    let named = named.filter_map(|key| value_of(&file.text, "tls", key));
    named.filter_map(|path| path.parse().ok()).collect()
}

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let file = match &ground.facts.agent_setup.file {
        Known::Is(file) => file,
        Known::Absent => return settings_gone(ground),
        Known::Unclear(_) => return Vec::new(),
    };
    let mut found = Vec::new();
    found.extend(version(ground));
    if unreadable(&file.text) {
        let words = "is no YAML: the agent takes nothing from it";
        found.extend(ground.finding(
            "agent-settings-unreadable",
            vec![of_file(&file.path, words)],
        ));
        return found;
    }
    found.extend(server(ground, file));
    found.extend(tls(ground, file));
    found.extend(pair(ground, file));
    found
}

/// The agent is installed, and has nothing to go by.
fn settings_gone(ground: &Ground<'_>) -> Vec<Finding> {
    let is_there = matches!(ground.facts.agent, Known::Is(_));
    let seen = AGENT_FILES.iter().filter(|_| is_there);
    let seen = seen.map(|path| of_file(path, "is not there")).collect();
    let found = ground.where_seen("agent-settings-gone", seen);
    found.into_iter().collect()
}

fn unreadable(text: &str) -> bool {
    nests_deeply(text) || serde_yaml::from_str::<serde_yaml::Value>(text).is_err()
}

/// Managers of neither generation speak to version 3.
fn version(ground: &Ground<'_>) -> Option<Finding> {
    let Known::Is(version) = &ground.facts.agent else {
        return None;
    };
    let is_other = version.split('.').next() == Some("3");
    let words = format!("NGINX Agent {version}");
    is_other.then(|| {
        ground.finding(
            "agent-of-another-product",
            vec![of_file("installed", words)],
        )
    })?
}

/// A line of the settings, as evidence.
fn line(file: &AgentFile, key: &str) -> Evidence {
    let mut lines = file.text.lines().enumerate();
    let is_key = |text: &str| text.trim_start().starts_with(key);
    let found = lines.find(|(_, text)| is_key(text));
    match found {
        Some((number, text)) => Evidence {
            line: Some(number as u64 + 1),
            ..of_file(&file.path, crate::values::masked(text.trim()))
        },
        None => of_file(&file.path, format!("has no line {key}")),
    }
}

/// Each version reads where the manager is in a form of its own, and passes over the other's.
fn server(ground: &Ground<'_>, file: &AgentFile) -> Option<Finding> {
    let Known::Is(version) = &ground.facts.agent else {
        return None;
    };
    let value = |section, key| value_of(&file.text, section, key);
    if let Some(host) = value("server", "host").filter(|host| host.contains('/')) {
        let words = format!("{host} is an address of the web, and no name of a host");
        let seen = vec![line(file, "host:"), of_file(&file.path, words)];
        return ground.finding("agent-host-is-no-name", seen);
    }
    let wrong = match version.split('.').next()? {
        "0" | "1" => value("server", "host").is_some(),
        "2" => {
            value("", "server").is_some()
                || (value("server", "host").is_some() && value("server", "grpcPort").is_none())
        }
        _ => return None,
    };
    let seen = vec![line(file, "server:")];
    wrong.then(|| ground.finding("agent-settings-of-another-version", seen))?
}

fn tls(ground: &Ground<'_>, file: &AgentFile) -> Vec<Finding> {
    let value = |section, key| value_of(&file.text, section, key);
    let has_manager = value("server", "host").is_some() || value("", "server").is_some();
    let is_on = |key| match value("tls", key).as_deref() {
        Some("true") => Some(true),
        Some(_) => Some(false),
        None => None,
    };
    let mut found = Vec::new();
    if has_manager && is_on("enable") != Some(true) {
        let id = if expects_tls(file) {
            "agent-tls-switched-off"
        } else {
            "agent-in-the-clear"
        };
        found.extend(ground.finding(id, vec![line(file, "enable:")]));
    }
    let mut anybody = Vec::new();
    if is_on("skip_verify") == Some(true) {
        anybody.push(line(file, "skip_verify:"));
    }
    let overrides = &ground.facts.agent_setup.overrides;
    let overridden = overrides.iter().filter(|one| one.key == "tls.skip_verify");
    anybody.extend(overridden.filter(|one| one.says("true")).map(|one| {
        let words = "says tls.skip_verify true, and counts more than the agent's settings";
        of_file(&one.made_in, words)
    }));
    found.extend(ground.where_seen("agent-takes-anybody", anybody));
    found
}

/// Whether TLS is surely spoken where the agent connects.
fn expects_tls(file: &AgentFile) -> bool {
    let value = |section, key| value_of(&file.text, section, key);
    let port = value("server", "grpcPort");
    let port = port.or_else(|| Some(value("", "server")?.rsplit_once(':')?.1.to_owned()));
    let has_pair = value("tls", "cert").is_some() || value("tls", "ca").is_some();
    has_pair || matches!(port.as_deref(), Some("443" | "10443"))
}

/// The agent's certificate, its key, and what it verifies the manager by.
fn pair(ground: &Ground<'_>, file: &AgentFile) -> Vec<Finding> {
    let path = |key| value_of(&file.text, "tls", key).filter(|path| !path.is_empty());
    let mut found = Vec::new();
    let (cert, key, ca) = (path("cert"), path("key"), path("ca"));
    if cert.is_some() != key.is_some() {
        let there = if cert.is_some() { "cert:" } else { "key:" };
        found.extend(ground.finding("agent-settings-half-pair", vec![line(file, there)]));
    }
    let mut missing = Vec::new();
    let mut other = Vec::new();
    let mut chain: Option<(AbsPath, &[Certificate])> = None;
    let mut own_key = None;
    for (role, named) in [("cert", &cert), ("key", &key), ("ca", &ca)] {
        let Some(path) = named.as_ref().and_then(|path| path.parse::<AbsPath>().ok()) else {
            continue;
        };
        match ground.facts.file(&path) {
            FileFact::Nothing { .. } => {
                missing.push(of_file(&path, format!("is not there; tls.{role} names it")));
            }
            FileFact::File(held) => match (&held.content, role) {
                (FoundContent::Certificates(_), "cert") => {
                    chain = certificates(held).map(|chain| (path, chain));
                }
                (FoundContent::Certificates(_), "ca") => {}
                // One file for both is as good.
                (FoundContent::Certificates(_), "key") if held.holds_key => {}
                (
                    FoundContent::Key {
                        encrypted: true, ..
                    },
                    "key",
                ) => {
                    let words = "is under a passphrase, and the agent cannot ask for it";
                    let seen = vec![of_file(&path, words)];
                    found.extend(ground.finding("agent-settings-key-encrypted", seen));
                }
                (FoundContent::Key { public, .. }, "key") => own_key = Some((path, public.clone())),
                _ => other.push(of_file(
                    &path,
                    format!("is no PEM of what tls.{role} stands for"),
                )),
            },
            FileFact::NotAFile(kind) => {
                other.push(of_file(&path, format!("is {kind}; tls.{role} names it")));
            }
            FileFact::Unclear(_) => {}
        }
    }
    found.extend(ground.where_seen("agent-settings-file-missing", missing));
    found.extend(ground.where_seen("agent-settings-file-no-pem", other));
    if let Some((path, chain)) = &chain {
        found.extend(of_chain(ground, path, chain));
        let anchors = ca.as_ref().and_then(|path| path.parse().ok());
        let anchors = anchors.and_then(|path: AbsPath| ground.facts.file(&path).file());
        let anchors = anchors.and_then(certificates).unwrap_or_default();
        let knows = |one: &Certificate| chain.iter().any(|own| own.names_as_issuer(one));
        if !anchors.is_empty() && !anchors.iter().any(knows) {
            let issuer = chain.last().map_or("", |last| &last.issuer);
            let words = format!("is of {issuer}, which tls.ca does not hold");
            let seen = vec![of_file(path, words)];
            found.extend(ground.finding("agent-own-authority-differs", seen));
        }
        if let (Some((key, Some(public))), Some(leaf)) = (&own_key, chain.first())
            && *public != leaf.public_key
        {
            let words = format!("is not the key of {path}");
            found.extend(ground.finding("agent-settings-key-differs", vec![of_file(key, words)]));
        }
    }
    found
}

fn of_chain(ground: &Ground<'_>, path: &AbsPath, chain: &[Certificate]) -> Vec<Finding> {
    let mut found = Vec::new();
    for flaw in flaws(chain, ground.facts.looked_at) {
        // Of one that is not for clients, the word is that of servers.
        let cause = match flaw.cause {
            "server-cert-expired" => "client-cert-expired",
            "server-chain-incomplete" => "client-chain-incomplete",
            cause => cause,
        };
        if let Some((_, id)) = RULES.iter().find(|(known, _)| *known == cause) {
            found.extend(ground.finding(id, vec![of_file(path, &flaw.words)]));
        }
    }
    if let Some(leaf) = chain.first().filter(|leaf| !leaf.serves(Purpose::Agent)) {
        let words = format!("{} is not for clients", leaf.subject);
        found.extend(ground.finding("agent-own-certificate-purpose", vec![of_file(path, words)]));
    }
    found
}
