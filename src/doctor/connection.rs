//! What is wrong with a manager's port, seen from this machine: `--connect HOST:PORT`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::finding::{Connection, Finding, Source};
use super::rule::Rule;
use crate::certificate::{Certificate, EntryName, read_pem_chain};
use crate::facts::{AgentFile, Facts, Known};
use crate::host::{Host, HostError};
use crate::values::{HostName, Peer, Port, SubjectName, escaped};
use crate::verify::{Alert, Answered, Distrust, Fault, Judgement, Met, Outside, Shown};
use crate::yaml::value_of;

const PATIENCE: Duration = Duration::from_secs(5);
/// Certificates of all public authorities are a fifth of it.
const LIMIT: u64 = 1 << 20;
/// Seconds by which clocks may differ.
const SKEW: i64 = 60;
const NO_PROTOCOL: Alert = Alert(120);
const NO_NAME: Alert = Alert(112);
const FAILURE: Alert = Alert(40);
const BAD_CERTIFICATE: Alert = Alert(42);
const CERTIFICATE_REQUIRED: Alert = Alert(116);

/// What was found, and what was seen altogether. `machine` connects; `host` is looked at for who
/// is trusted.
pub(super) fn to_peer(
    host: &dyn Host,
    machine: &dyn Host,
    facts: &Facts,
    peer: &Peer,
    rules: &[Rule],
) -> (Vec<Finding>, Source) {
    let mut look = Look::at(peer, rules);
    if let Some(address) = look.reached(machine, &peer.name) {
        look.taken(machine, address, Trusted::on(host, facts), true);
    }
    look.told()
}

/// The same of the manager of this host's agent, by each name that the agent uses; nothing is asked
/// of the manager's services.
pub(super) fn of_agent(
    host: &dyn Host,
    facts: &Facts,
    rules: &[Rule],
) -> (Vec<Finding>, Vec<Source>) {
    let (mut all, mut sources) = (Vec::<Finding>::new(), Vec::new());
    let Some((manager, port, names)) = facts.agent_setup.file.is().and_then(manager_of) else {
        return (all, sources);
    };
    for name in names {
        let peer = Peer { name, port };
        let mut look = Look::at(&peer, rules);
        let address = look.reached(host, &manager);
        if let Some(address) = address {
            look.taken(host, address, Trusted::on(host, facts), false);
        }
        let (found, source) = look.told();
        sources.push(source);
        for finding in found {
            // The same of another name is no other cause.
            match all.iter_mut().find(|known| known.id == finding.id) {
                Some(known) => {
                    known.count += finding.count;
                    known.connections.extend(finding.connections);
                }
                None => all.push(finding),
            }
        }
        // What does not answer to one name does not answer to the next.
        if address.is_none() {
            break;
        }
    }
    (all, sources)
}

/// Where the agent finds its manager, and the names that it expects there. None where it does not
/// use TLS, or nobody knows.
fn manager_of(file: &AgentFile) -> Option<(SubjectName, Port, Vec<SubjectName>)> {
    let value = |section, key| value_of(&file.text, section, key).filter(|text| !text.is_empty());
    if value("tls", "enable")? != "true" || value("tls", "skip_verify").as_deref() == Some("true") {
        return None;
    }
    let one = || {
        value("", "server")?
            .rsplit_once(':')
            .map(|(host, port)| (host.to_owned(), port.to_owned()))
    };
    let (host, port) = value("server", "host")
        .zip(value("server", "grpcPort"))
        .or_else(one)?;
    let peer: Peer = format!("{host}:{port}").parse().ok()?;
    let mut names: Vec<SubjectName> = Vec::new();
    for key in ["command", "metrics"] {
        let name = value("server", key).and_then(|name| name.parse::<HostName>().ok());
        let name = name.map_or_else(|| peer.name.clone(), SubjectName::Dns);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Some((peer.name, peer.port, names))
}

struct Look<'a> {
    peer: &'a Peer,
    rules: &'a [Rule],
    connection: String,
    found: Vec<Finding>,
    seen: Vec<String>,
}

impl<'a> Look<'a> {
    fn at(peer: &'a Peer, rules: &'a [Rule]) -> Self {
        Self {
            peer,
            rules,
            connection: peer.to_string(),
            found: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Somebody has taken the connection.
    fn taken(&mut self, machine: &dyn Host, address: SocketAddr, trusted: Trusted, calls: bool) {
        self.connection = format!("{} at {address}", self.peer);
        self.seen.extend(trusted.unread);
        let outside = Outside {
            host: machine,
            address,
            name: &self.peer.name,
            roots: trusted.roots,
            between: trusted.between,
            calls,
        };
        let met = outside.look();
        // Nobody has shown a certificate, and that may be all that was missed.
        let wants_ours = matches!(
            met,
            Met::NoHandshake(Fault::Alert(BAD_CERTIFICATE | CERTIFICATE_REQUIRED))
        );
        if calls || !wants_ours {
            self.met(&met, machine.now());
        }
    }

    fn told(self) -> (Vec<Finding>, Source) {
        let source = Source {
            path: format!("connection to {}", escaped(&self.peer.to_string())),
            read: true,
            why: escaped(&self.seen.join("; ")),
        };
        (self.found, source)
    }

    /// Notes what was seen, as evidence of one cause.
    fn note(&mut self, id: &str, seen: impl Into<String>) {
        let seen = seen.into();
        let evidence = Connection {
            connection: escaped(&self.connection),
            seen: escaped(&seen),
        };
        if let Some(known) = self.found.iter_mut().find(|finding| finding.id == id) {
            known.connections.push(evidence);
            known.count += 1;
        } else if let Some(rule) = self.rules.iter().find(|rule| rule.id == id) {
            let mut finding = rule.finding();
            let (name, port) = (self.peer.name.to_string(), self.peer.port.to_string());
            for command in &mut finding.fix.commands {
                *command = command.replace("HOST", &name).replace("PORT", &port);
            }
            finding.count = 1;
            finding.connections.push(evidence);
            self.found.push(finding);
        }
        self.seen.push(seen);
    }

    /// The first address of `name` that takes the connection.
    fn reached(&mut self, machine: &dyn Host, name: &SubjectName) -> Option<SocketAddr> {
        let addresses: Vec<IpAddr> = match name {
            SubjectName::Ip(ip) => vec![*ip],
            SubjectName::Dns(name) => match machine.resolve(name.as_str()) {
                Ok(found) if found.is_empty() => {
                    self.note(
                        "connection-name-unknown",
                        format!("{name} leads to no address"),
                    );
                    return None;
                }
                Ok(found) => found,
                Err(error) => {
                    self.note("connection-name-unknown", error.to_string());
                    return None;
                }
            },
        };
        let mut shut = Vec::new();
        for ip in addresses {
            let address = SocketAddr::new(ip, self.peer.port.number());
            match machine.connect(address, PATIENCE) {
                Ok(_) => return Some(address),
                Err(error) => shut.push(error),
            }
        }
        for error in shut {
            let id = match &error {
                HostError::Network { source, .. }
                    if source.kind() == io::ErrorKind::ConnectionRefused =>
                {
                    "connection-refused"
                }
                _ => "connection-unanswered",
            };
            self.note(id, error.to_string());
        }
        None
    }

    fn met(&mut self, met: &Met, now: i64) {
        match met {
            Met::Plaintext(how) => self.note("connection-in-the-clear", how),
            Met::TooOld(how) => self.note("connection-tls-too-old", how),
            Met::NoHandshake(fault) => {
                let id = match fault {
                    Fault::Alert(NO_PROTOCOL) => "connection-without-http2",
                    Fault::Alert(NO_NAME) => "connection-name-refused",
                    Fault::Alert(FAILURE) => "connection-no-common-cipher",
                    _ => "connection-handshake-broken",
                };
                self.note(id, fault.to_string());
            }
            Met::Tls(shown) => self.shown(shown, now),
        }
    }

    fn shown(&mut self, shown: &Shown, now: i64) {
        self.seen.push(shown.spoken.clone());
        self.certificate(shown, now);
        if !shown.http2 {
            self.note(
                "connection-without-http2",
                format!("offered h2; chosen: {}", shown.spoken),
            );
        }
        for (service, answer) in &shown.calls {
            let short = service.rsplit('.').next().unwrap_or(service);
            let words = format!("{short} without a certificate: {}", answer.words());
            let id = match answer {
                Answered::NoLocation(_) => "connection-location-missing",
                Answered::NoService(_) => "connection-service-down",
                Answered::NotGrpc(_) => "connection-not-grpc",
                Answered::LetIn(_) if shown.asked => "connection-not-enforced",
                Answered::LetIn(_) => "connection-not-asked",
                Answered::Refused(_) | Answered::Undecided(_) => {
                    self.seen.push(words);
                    continue;
                }
            };
            self.note(id, words);
            // Nobody was behind, and nothing stopped the call before.
            if matches!(answer, Answered::NoService(_)) && !shown.asked {
                self.note(
                    "connection-not-asked",
                    format!("{short}: no certificate was asked for"),
                );
            }
        }
        if let Some(ahead) = shown.ahead.filter(|ahead| ahead.abs() > SKEW) {
            let which = if ahead > 0 { "ahead of" } else { "behind" };
            let words = format!("its clock is {} s {which} the one here", ahead.abs());
            self.note("connection-clock-differs", words);
        }
    }

    fn certificate(&mut self, shown: &Shown, now: i64) {
        let leaf = shown.chain.first();
        let Some(leaf) = leaf.and_then(|leaf| Certificate::from_der(leaf).ok()) else {
            self.note(
                "connection-handshake-broken",
                "a certificate that cannot be read",
            );
            return;
        };
        let whose = format!("{}, by {}", leaf.subject, leaf.issuer);
        match &shown.judgement {
            Judgement::Trusted => self.seen.push(format!("{whose}: trusted")),
            Judgement::NotJudged => self.seen.push(format!("{whose}: not judged")),
            Judgement::Distrusted(why) => {
                let id = match why {
                    _ if shown.lacks_between => Some("connection-chain-incomplete"),
                    Distrust::Expired(_) => Some("connection-certificate-expired"),
                    Distrust::NotYetValid(_) => Some("connection-certificate-not-yet-valid"),
                    Distrust::WrongName { .. } if names_a_host(&leaf) => {
                        Some("connection-other-name")
                    }
                    Distrust::WrongName { .. } | Distrust::NoName => {
                        Some("connection-common-name-only")
                    }
                    Distrust::WrongPurpose => Some("connection-certificate-purpose"),
                    Distrust::RootUnusable(_) => None,
                    _ if leaf.weak_key || leaf.weak_signature => None,
                    _ => Some("connection-untrusted"),
                };
                match id {
                    Some(id) => self.note(id, format!("{whose}: {why}")),
                    None => self.seen.push(format!("{whose}: {why}")),
                }
            }
        }
        self.besides(&shown.chain, &leaf, now);
    }

    /// What a judge that stops at the first fault does not come to.
    fn besides(&mut self, chain: &[impl AsRef<[u8]>], leaf: &Certificate, now: i64) {
        let has = |look: &Self, id: &str| look.found.iter().any(|finding| finding.id == id);
        let (expired, early) = (
            "connection-certificate-expired",
            "connection-certificate-not-yet-valid",
        );
        if leaf.validity.not_after < now && !has(self, expired) {
            self.note(expired, format!("{} has expired", leaf.subject));
        }
        if leaf.validity.not_before > now && !has(self, early) {
            self.note(early, format!("{} is not valid yet", leaf.subject));
        }
        let all = chain
            .iter()
            .filter_map(|der| Certificate::from_der(der.as_ref()).ok());
        for one in all.filter(|one| one.weak_key || one.weak_signature) {
            let what = if one.weak_key {
                &one.key_kind
            } else {
                "a weak signature"
            };
            self.note("connection-weak", format!("{}: {what}", one.subject));
        }
    }
}

/// Other names, of mail say, are of no use to a client.
fn names_a_host(leaf: &Certificate) -> bool {
    let is_host = |name: &EntryName| !matches!(name, EntryName::Other(_));
    leaf.names.iter().any(is_host)
}

/// Who is trusted here: by the agent of an instance, else by the system and by this program.
#[derive(Default)]
struct Trusted {
    roots: Vec<Vec<u8>>,
    between: Vec<Vec<u8>>,
    unread: Option<String>,
}

impl Trusted {
    fn on(host: &dyn Host, facts: &Facts) -> Self {
        let mut trusted = Self::default();
        let agent = facts.agent_setup.file.is();
        let named = |key| agent.and_then(|file| value_of(&file.text, "tls", key));
        if let Known::Is(ca) = &facts.state.ca {
            trusted.between.push(ca.intermediate.der().to_vec());
        }
        if let Some(path) = named("cert") {
            let chain = chain_in(host, &path).unwrap_or_default();
            let above = chain.into_iter().filter(Certificate::is_authority);
            trusted.between.extend(above.map(|one| one.der().to_vec()));
        }
        if let Some(path) = named("ca") {
            trusted.take(host, &path);
            return trusted;
        }
        if let Known::Is(store) = &facts.trust_store {
            trusted.take(host, store.bundle);
        }
        if let Known::Is(ca) = &facts.state.ca {
            trusted.roots.push(ca.root.der().to_vec());
        }
        trusted
    }

    fn take(&mut self, host: &dyn Host, path: &str) {
        match chain_in(host, path) {
            Ok(chain) => {
                let ders = chain.iter().map(|one| one.der().to_vec());
                self.roots.extend(ders);
            }
            Err(why) => self.unread = Some(format!("who is trusted here could not be read: {why}")),
        }
    }
}

fn chain_in(host: &dyn Host, path: &str) -> Result<Vec<Certificate>, String> {
    let bytes = host.read(Path::new(path), LIMIT);
    let bytes = bytes.map_err(|error| error.to_string())?;
    read_pem_chain(&bytes).map_err(|error| format!("{path}: {error}"))
}
