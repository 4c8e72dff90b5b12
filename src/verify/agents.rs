//! Agents: the right one gets through to each service, and nobody else does, whatever name,
//! protocol or old session they try it with.

use std::net::SocketAddr;
use std::time::Duration;

use super::cast::Cast;
use super::check_log::CheckLog;
use super::client::{Alpn, Client, Handshake, Session, Target, Versions};
use super::fault::Fault;
use super::grpc::GrpcRequest;
use super::http::HttpRequest;
use super::identity::Identity;
use super::on_host::OnHost;
use super::pace::Pace;
use super::trust::Trust;
use super::verdict::{Seen, Verdict};
use crate::host::Host;
use crate::plan::{AgentProof, Proof};
use crate::report::Row;
use crate::values::HostName;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often an answer that decides nothing is asked for again.
const ATTEMPTS: u32 = 6;
/// A method that no service has: the proof registers nobody.
const METHOD: &str = "NimTlsProof";

/// What one connection tries.
#[derive(Clone)]
struct Attempt<'a> {
    address: SocketAddr,
    sni: Option<&'a HostName>,
    authority: String,
    identity: Option<&'a Identity>,
    http11: bool,
}

pub(super) struct Agents<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) proof: &'a Proof,
    pub(super) agents: &'a AgentProof,
    pub(super) log: CheckLog<'a>,
    pub(super) pace: &'a Pace<'a>,
}

impl Agents<'_> {
    /// All rows about agents. `sessions`: what clients kept from before the change.
    pub(super) fn rows(
        &self,
        cast: &Cast,
        sessions: &mut [SavedSession],
        tell: &mut dyn FnMut(Row),
    ) {
        let mut ours = None;
        for (index, address) in self.proof.listeners.iter().enumerate() {
            let seen = self.right_client(*address, cast, tell);
            ours = ours.or(seen);
            self.no_certificate(*address, ours.as_ref(), tell);
            if index == 0 {
                self.wrong_certificates(*address, cast, ours.as_ref(), tell);
                self.other_ways(*address, ours.as_ref(), tell);
            }
        }
        for saved in sessions {
            tell(self.old_session(saved, ours.as_ref()));
        }
    }

    fn right_client(
        &self,
        address: SocketAddr,
        cast: &Cast,
        tell: &mut dyn FnMut(Row),
    ) -> Option<Seen> {
        let case = "agent, our certificate";
        let mut through = None;
        for service in &self.agents.services {
            let leg = leg(service, address);
            let identity = match &cast.ours {
                Ok(identity) => identity,
                Err(why) => {
                    tell(Row::not_tried(&leg, case, "through", why.clone()));
                    continue;
                }
            };
            let attempt = Attempt {
                identity: Some(identity),
                ..self.usual(address)
            };
            let (seen, check, verdict) = self.ask(&attempt, service, None);
            tell(row(
                &leg,
                case,
                "through",
                &seen,
                check,
                verdict == Verdict::Through,
            ));
            through = Some(seen);
        }
        through
    }

    fn no_certificate(&self, address: SocketAddr, ours: Option<&Seen>, tell: &mut dyn FnMut(Row)) {
        for service in &self.agents.services {
            self.refused(&self.usual(address), service, "no certificate", ours, tell);
        }
    }

    fn wrong_certificates(
        &self,
        address: SocketAddr,
        cast: &Cast,
        ours: Option<&Seen>,
        tell: &mut dyn FnMut(Row),
    ) {
        let wrong = [
            ("certificate of another CA", &cast.foreign),
            ("expired certificate", &cast.expired),
            ("the server's own certificate", &cast.server),
        ];
        for (case, identity) in wrong {
            for service in &self.agents.services {
                match identity {
                    Ok(identity) => {
                        let attempt = Attempt {
                            identity: Some(identity),
                            ..self.usual(address)
                        };
                        self.refused(&attempt, service, case, ours, tell);
                    }
                    Err(why) => {
                        tell(Row::not_tried(
                            &leg(service, address),
                            case,
                            "refused",
                            why.clone(),
                        ));
                    }
                }
            }
        }
    }

    /// Without a certificate, round the front door.
    fn other_ways(&self, address: SocketAddr, ours: Option<&Seen>, tell: &mut dyn FnMut(Row)) {
        let Some(service) = self.agents.services.first() else {
            return;
        };
        let usual = self.usual(address);
        let mut ways = vec![
            (
                "no certificate, no name".to_owned(),
                Attempt {
                    sni: None,
                    authority: address.to_string(),
                    ..usual.clone()
                },
            ),
            (
                "no certificate, name in the request only".to_owned(),
                Attempt {
                    sni: None,
                    ..usual.clone()
                },
            ),
            (
                "no certificate, HTTP/1.1".to_owned(),
                Attempt {
                    http11: true,
                    ..usual.clone()
                },
            ),
        ];
        for stale in &self.agents.stale_names {
            let attempt = Attempt {
                sni: Some(stale),
                authority: stale.to_string(),
                ..usual.clone()
            };
            ways.push((format!("no certificate, as {stale}"), attempt));
        }
        let nobody: Option<HostName> = "nim-tls-proof.invalid".parse().ok();
        if let Some(nobody) = &nobody {
            let attempt = Attempt {
                sni: Some(nobody),
                authority: nobody.to_string(),
                ..usual
            };
            ways.push(("no certificate, unknown name".to_owned(), attempt));
        }
        for (case, attempt) in ways {
            self.refused(&attempt, service, &case, ours, tell);
        }
    }

    fn refused(
        &self,
        attempt: &Attempt<'_>,
        service: &str,
        case: &str,
        ours: Option<&Seen>,
        tell: &mut dyn FnMut(Row),
    ) {
        let (seen, check, verdict) = self.ask(attempt, service, ours);
        let leg = leg(service, attempt.address);
        tell(row(
            &leg,
            case,
            "refused",
            &seen,
            check,
            verdict == Verdict::Refused,
        ));
    }

    /// Asks until the answer decides something.
    fn ask(
        &self,
        attempt: &Attempt<'_>,
        service: &str,
        ours: Option<&Seen>,
    ) -> (Seen, Option<u16>, Verdict) {
        let mut last = (Seen::fault(Fault::TimedOut), None, Verdict::Undecided);
        for _ in 0..ATTEMPTS {
            self.pace.request();
            let (seen, port) = self.once(attempt, service);
            let check = port.and_then(|port| self.log.verdict(port));
            let verdict = seen.verdict(check, ours);
            let limited = seen.was_limited();
            last = (seen, check, verdict);
            if last.2 != Verdict::Undecided {
                break;
            }
            if limited {
                self.pace.exhausted();
            }
        }
        last
    }

    fn once(&self, attempt: &Attempt<'_>, service: &str) -> (Seen, Option<u16>) {
        let alpn = if attempt.http11 {
            Alpn::Http11
        } else {
            Alpn::Http2
        };
        let connected =
            client(attempt.identity.cloned(), alpn, Versions::Both).and_then(|mut client| {
                let target = Target {
                    address: attempt.address,
                    sni: attempt.sni.cloned(),
                    patience: PATIENCE,
                };
                client.connect(&OnHost(self.host), &target)
            });
        match connected {
            Ok(session) => call(session, attempt, service),
            Err(fault) => (Seen::fault(fault), None),
        }
    }

    fn old_session(&self, saved: &mut SavedSession, ours: Option<&Seen>) -> Row {
        let service = self.agents.services.first().map_or("", String::as_str);
        let leg = leg(service, saved.address);
        let case = format!("session of before, {}", saved.version);
        let target = Target {
            address: saved.address,
            sni: Some(self.proof.name.clone()),
            patience: PATIENCE,
        };
        self.pace.request();
        match saved.client.resume(&OnHost(self.host), &target) {
            Ok(session) if session.negotiated().resumed => {
                let (seen, port) = call(session, &self.usual(saved.address), service);
                let check = port.and_then(|port| self.log.verdict(port));
                let refused = seen.verdict(check, ours) == Verdict::Refused;
                let mut row = row(&leg, &case, "refused", &seen, check, refused);
                row.seen = format!("resumed; {}", row.seen);
                row
            }
            Ok(_) => said(
                &leg,
                &case,
                "refused",
                "not resumed: a full handshake".into(),
                true,
            ),
            Err(Fault::NothingToResume) => {
                let why = "the server gave no session to keep";
                Row::not_tried(&leg, &case, "refused", why)
            }
            Err(fault @ (Fault::Alert(_) | Fault::Closed)) => {
                said(&leg, &case, "refused", fault.to_string(), true)
            }
            Err(fault) => said(&leg, &case, "refused", fault.to_string(), false),
        }
    }

    fn usual(&self, address: SocketAddr) -> Attempt<'_> {
        Attempt {
            address,
            sni: Some(&self.proof.name),
            authority: self.proof.name.to_string(),
            identity: None,
            http11: false,
        }
    }
}

/// A client that connected before the change and kept its session.
pub(super) struct SavedSession {
    address: SocketAddr,
    version: &'static str,
    client: Client,
}

impl SavedSession {
    /// Connects once with each TLS version and keeps the sessions.
    pub(super) fn save(host: &dyn Host, proof: &Proof, pace: &Pace<'_>) -> Vec<Self> {
        let mut saved = Vec::new();
        let Some(address) = proof.listeners.first().copied() else {
            return saved;
        };
        for (version, only) in [("TLS 1.2", Versions::Only12), ("TLS 1.3", Versions::Only13)] {
            let Ok(mut client) = client(None, Alpn::Http2, only) else {
                continue;
            };
            let target = Target {
                address,
                sni: Some(proof.name.clone()),
                patience: PATIENCE,
            };
            pace.request();
            let Ok(session) = client.connect(&OnHost(host), &target) else {
                continue;
            };
            // Tickets of TLS 1.3 come with the first answer.
            let request = GrpcRequest {
                authority: proof.name.to_string(),
                path: format!("/{METHOD}"),
            };
            let mut session = session;
            let _ = session.grpc(&request, PATIENCE);
            saved.push(Self {
                address,
                version,
                client,
            });
        }
        saved
    }
}

fn client(identity: Option<Identity>, alpn: Alpn, versions: Versions) -> Result<Client, Fault> {
    Client::new(Handshake {
        trust: Trust::RecordOnly,
        identity,
        alpn: vec![alpn],
        versions,
    })
}

fn call(mut session: Session, attempt: &Attempt<'_>, service: &str) -> (Seen, Option<u16>) {
    let port = session.negotiated().local_port;
    let path = format!("/{service}/{METHOD}");
    let seen = if attempt.http11 {
        let request = HttpRequest {
            host: attempt.authority.clone(),
            path,
        };
        session.grpc_over_http11(&request, PATIENCE).map(Seen::from)
    } else {
        let request = GrpcRequest {
            authority: attempt.authority.clone(),
            path,
        };
        session.grpc(&request, PATIENCE).map(Seen::from)
    };
    (seen.unwrap_or_else(Seen::fault), port)
}

fn leg(service: &str, address: SocketAddr) -> String {
    let short = service.rsplit('.').next().unwrap_or(service);
    format!("{short} at {address}")
}

fn row(leg: &str, case: &str, expected: &str, seen: &Seen, check: Option<u16>, ok: bool) -> Row {
    said(leg, case, expected, seen.words(check), ok)
}

pub(super) fn said(leg: &str, case: &str, expected: &str, seen: String, ok: bool) -> Row {
    Row {
        leg: leg.to_owned(),
        case: case.to_owned(),
        expected: expected.to_owned(),
        seen,
        ok: Some(ok),
        why: None,
    }
}
