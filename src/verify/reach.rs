//! From an instance: its agent's certificate gets through to the manager, the manager is who it
//! should be, and whoever has no certificate is refused.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::attempt::{Attempt, PATIENCE, row, said};
use super::cast::{from_files, stranger};
use super::client::{Alpn, Client, Handshake, Negotiated, Target, Versions};
use super::fault::Fault;
use super::identity::Identity;
use super::on_host::OnHost;
use super::pace::Pace;
use super::trust::{Judgement, Trust};
use super::verdict::{Seen, Verdict};
use crate::certificate::read_pem_chain;
use crate::host::Host;
use crate::plan::{ReachProof, SERVICES};
use crate::probe::overrides_of_running_agent;
use crate::report::{MANAGER, Row};
use crate::values::{AbsPath, HostName, Port, SubjectName};

const LIMIT: u64 = 16 << 20;
/// How long the agent has to connect: it waits between attempts, a little longer each time.
const AGENT_CONNECTS: Duration = Duration::from_secs(30);
/// A connection that was refused is gone sooner.
const LASTING: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(250);
const ATTEMPTS: u32 = 6;
/// Who asks.
const OURS: &str = "this certificate";
const NOBODY: &str = "no certificate";
const FOREIGN: &str = "certificate of another CA";

/// Tries everything now; tells each row as it comes, and gives all.
pub(super) fn reach(
    host: &dyn Host,
    proof: &ReachProof,
    pace: &Pace<'_>,
    tell: &mut dyn FnMut(&Row),
) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut note = |row: Row| {
        tell(&row);
        rows.push(row);
    };
    let leg = format!("{MANAGER} at {}:{}", proof.host, proof.port);
    match first_answering(host, &proof.host, proof.port) {
        Ok((address, addresses)) => {
            let reach = Reach {
                addresses,
                host,
                proof,
                leg: &leg,
                address,
                pace,
            };
            reach.rows(&mut note);
        }
        Err(why) => note(said(&leg, "connection", "accepted", why, false)),
    }
    rows
}

/// Whoever connects takes the addresses of the name one after the other.
pub(super) fn first_answering(
    host: &dyn Host,
    name: &HostName,
    port: Port,
) -> Result<(SocketAddr, Vec<IpAddr>), String> {
    let found = host.resolve(name.as_str());
    let found = found.map_err(|error| error.to_string())?;
    let mut why = format!("{name} leads to no address");
    for ip in &found {
        let address = SocketAddr::new(*ip, port.number());
        match host.connect(address, PATIENCE) {
            Ok(_) => return Ok((address, found)),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

struct Reach<'a> {
    /// All that the manager's name leads to.
    addresses: Vec<IpAddr>,
    host: &'a dyn Host,
    proof: &'a ReachProof,
    leg: &'a str,
    address: SocketAddr,
    pace: &'a Pace<'a>,
}

impl Reach<'_> {
    fn rows(&self, note: &mut dyn FnMut(Row)) {
        match self.handshake() {
            Ok(negotiated) => {
                let name = format!("for {}", self.proof.name);
                let (seen, ok) = match &negotiated.judgement {
                    Judgement::Trusted => ("it is".to_owned(), true),
                    Judgement::Distrusted(why) => (why.to_string(), false),
                    Judgement::NotJudged => ("not judged".to_owned(), false),
                };
                note(said(self.leg, "its certificate", &name, seen, ok));
                let alpn = negotiated.alpn.as_deref();
                let seen = alpn.map_or("not spoken", |_| "spoken").to_owned();
                note(said(self.leg, "HTTP/2", "spoken", seen, alpn == Some("h2")));
            }
            Err(why) => {
                note(said(self.leg, "handshake", "done", why, false));
                return;
            }
        }
        let identity = self.identity();
        let stranger = stranger(&self.proof.name, self.host.now());
        for service in SERVICES {
            self.ask_service(service, identity.as_ref(), &stranger, note);
        }
        if self.proof.agent {
            note(self.the_agent_itself());
            note(self.its_settings());
        }
    }

    fn handshake(&self) -> Result<Negotiated, String> {
        let now = self.host.now();
        let roots = self.roots()?;
        let handshake = Handshake {
            trust: Trust::Only {
                roots,
                name: SubjectName::Dns(self.proof.name.clone()),
                now,
            },
            identity: None,
            alpn: vec![Alpn::Http2],
            versions: Versions::Both,
        };
        let target = Target {
            address: self.address,
            sni: Some(self.proof.name.clone()),
            patience: PATIENCE,
        };
        let session = Client::new(handshake)
            .and_then(|mut client| client.connect(&OnHost(self.host), &target));
        let session = session.map_err(|fault| fault.to_string())?;
        Ok(session.negotiated().clone())
    }

    /// What the agent verifies the manager with.
    fn roots(&self) -> Result<Vec<CertificateDer<'static>>, String> {
        let path = self.proof.ca.as_ref().or(self.proof.system.as_ref());
        let path = path.ok_or("the system's trust store is not known")?;
        roots_of(self.host, path)
    }

    fn identity(&self) -> Option<Result<Identity, String>> {
        let pair: (&AbsPath, &AbsPath) = self
            .proof
            .certificate
            .as_ref()
            .zip(self.proof.key.as_ref())?;
        Some(from_files(self.host, pair.0, pair.1))
    }

    /// Asks until the answer decides something.
    fn ask(&self, identity: Option<&Identity>, service: &str) -> Seen {
        let attempt = Attempt {
            identity,
            ..Attempt::usual(&self.proof.name, self.address)
        };
        let mut last = Seen::fault(Fault::TimedOut);
        for _ in 0..ATTEMPTS {
            self.pace.request();
            (last, _) = attempt.make(self.host, service);
            if last.verdict(None, None) != Verdict::Undecided || last.is_down() {
                break;
            }
            if last.was_limited() {
                self.pace.exhausted();
            }
        }
        last
    }

    /// The right one and the wrong ones, each judged beside what the others heard.
    fn ask_service(
        &self,
        service: &str,
        identity: Option<&Result<Identity, String>>,
        stranger: &Result<Identity, String>,
        note: &mut dyn FnMut(Row),
    ) {
        let leg = &self.leg_to(service);
        let without = self.ask(None, service);
        if !self.proof.shows_certificate {
            // Encrypted is what was asked for; who may call is for the manager to say.
            let ok = without.grpc.is_some() || without.is_down();
            note(row(leg, NOBODY, "answered", &without, None, ok));
            return;
        }
        let foreign = stranger
            .as_ref()
            .map(|stranger| self.ask(Some(stranger), service));
        let mut wrong = vec![&without];
        wrong.extend(foreign.as_ref().ok());
        let ours = identity.and_then(|ours| ours.as_ref().ok());
        let ours = ours.map(|ours| self.ask(Some(ours), service));
        match (&ours, identity) {
            (Some(ours), _) => note(through(leg, ours, &wrong)),
            (None, Some(Err(why))) => note(Row::not_tried(leg, OURS, "through", why.clone())),
            (None, _) => {}
        }
        note(refused(leg, NOBODY, &without, ours.as_ref()));
        note(match &foreign {
            Ok(foreign) => refused(leg, FOREIGN, foreign, ours.as_ref()),
            Err(why) => Row::not_tried(leg, FOREIGN, "refused", (*why).clone()),
        });
    }

    fn leg_to(&self, service: &str) -> String {
        let short = service.rsplit('.').next().unwrap_or(service);
        format!("{short} at {}:{}", self.proof.host, self.proof.port)
    }

    /// The process that was restarted: a connection of its own that stays.
    fn the_agent_itself(&self) -> Row {
        let case = "the agent itself";
        let deadline = self.host.uptime() + AGENT_CONNECTS;
        let mut since: Option<(u16, Duration)> = None;
        loop {
            let now = self.host.uptime();
            since = match (self.connection_of_agent(), since) {
                (Some(port), Some((known, since))) if port == known => Some((known, since)),
                (Some(port), _) => Some((port, now)),
                (None, _) => None,
            };
            if let Some((port, since)) = since
                && now.saturating_sub(since) >= LASTING
            {
                let seen = format!("connected, from port {port}");
                return said(self.leg, case, "connected", seen, true);
            }
            if now > deadline {
                let seen = format!(
                    "no connection that lasts within {} s: journalctl -u nginx-agent",
                    AGENT_CONNECTS.as_secs()
                );
                return said(self.leg, case, "connected", seen, false);
            }
            self.host.sleep(PAUSE);
        }
    }

    /// It may have been told something else than its file says, by what counts more.
    fn its_settings(&self) -> Row {
        let case = "what the agent goes by";
        let expected = "its file";
        let overrides = match overrides_of_running_agent(self.host) {
            Ok(overrides) => overrides,
            Err(why) => return said(self.leg, case, expected, why, false),
        };
        let differs = overrides.iter().find(|made| {
            let mut settings = self.proof.settings.iter();
            settings.any(|(key, wanted)| *key == made.key && !made.says(wanted))
        });
        match differs {
            None => said(self.leg, case, expected, "its file".to_owned(), true),
            Some(made) => {
                let seen = format!("{} sets {}", made.made_in, made.key);
                said(self.leg, case, expected, seen, false)
            }
        }
    }

    /// Its local port.
    fn connection_of_agent(&self) -> Option<u16> {
        let processes = self.host.processes().ok()?;
        let is_agent = |pid: &u32| {
            let found = processes.iter().find(|process| process.pid == *pid);
            found.is_some_and(|process| process.is_called("nginx-agent"))
        };
        let sockets = self.host.sockets().ok()?;
        let found = sockets.iter().find(|socket| {
            let there = |to: SocketAddr| {
                to.port() == self.proof.port.number()
                    && self.addresses.contains(&to.ip().to_canonical())
            };
            socket.remote.is_some_and(there) && socket.holders.iter().any(is_agent)
        });
        found.map(|socket| socket.local.port())
    }
}

/// The authorities in a file.
pub(super) fn roots_of(
    host: &dyn Host,
    path: &AbsPath,
) -> Result<Vec<CertificateDer<'static>>, String> {
    let bytes = host.read(path.as_path(), LIMIT);
    let bytes = bytes.map_err(|error| error.to_string())?;
    let chain = read_pem_chain(&bytes).map_err(|error| format!("{path}: {error}"))?;
    let ders = chain.iter().map(|one| one.der().to_vec().into());
    Ok(ders.collect())
}

fn through(leg: &str, ours: &Seen, wrong: &[&Seen]) -> Row {
    let verdict = ours.beside(wrong);
    let mut words = ours.words(None);
    if verdict == Verdict::Undecided && wrong.iter().any(|other| other.alike(ours)) {
        words.push_str(", as those hear who have to be refused");
    } else if ours.is_down() {
        words.push_str(": let pass, and the service is down");
    }
    said(leg, OURS, "through", words, verdict == Verdict::Through)
}

/// A manager that lets others in is no fault of this instance: it may be told to enforce later.
fn refused(leg: &str, who: &str, seen: &Seen, ours: Option<&Seen>) -> Row {
    let words = seen.words(None);
    let why = match seen.refusal_beside(ours) {
        Verdict::Refused => return said(leg, who, "refused", words, true),
        Verdict::Undecided => format!("no answer that decides anything: {words}"),
        Verdict::Through => {
            format!(
                "let in ({words}): the manager does not refuse agents without a certificate yet"
            )
        }
    };
    Row::not_tried(leg, who, "refused", why)
}
