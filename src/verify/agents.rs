//! Agents: the right one gets through to each service, and nobody else does, whatever name,
//! protocol or old session they try it with.

use std::net::SocketAddr;
use std::time::Duration;

use super::attempt::{Attempt, call, leg, row, said};
use super::cast::Cast;
use super::check_log::CheckLog;
use super::fault::Fault;
use super::identity::Identity;
use super::pace::Pace;
use super::saved_session::SavedSession;
use super::verdict::{Seen, Verdict};
use crate::host::Host;
use crate::plan::{AgentProof, LoggedVerdict, Proof, ProofTrust};
use crate::report::{NOTED, Row};
use crate::values::HostName;

/// How often an answer that decides nothing is asked for again.
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_secs(1);

const NOT_LISTED: &str = "certificate of the same CA, not listed";

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
        if !self.agents.enforced {
            return self.observed(cast, tell);
        }
        let mut ours = None;
        for (index, address) in self.proof.agents_listeners().iter().enumerate() {
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

    /// Nobody is refused by the check; that it judges, and what it says of whom, is seen.
    fn observed(&self, cast: &Cast, tell: &mut dyn FnMut(Row)) {
        for (index, address) in self.proof.agents_listeners().iter().enumerate() {
            let ours = self.right_client(*address, cast, tell);
            let usual = self.usual(*address);
            for service in &self.agents.services {
                self.noted(&usual, service, "no certificate", tell);
            }
            if index > 0 {
                continue;
            }
            let mut others = vec![("certificate of another CA", &cast.foreign)];
            others.extend(cast.unlisted.iter().map(|one| (NOT_LISTED, one)));
            for (case, identity) in others {
                for service in &self.agents.services {
                    match identity {
                        Ok(identity) => {
                            let attempt = Attempt {
                                identity: Some(identity),
                                ..usual.clone()
                            };
                            self.noted(&attempt, service, case, tell);
                        }
                        Err(why) => {
                            let leg = leg(service, *address);
                            tell(Row::not_tried(&leg, case, NOTED, why.clone()));
                        }
                    }
                }
            }
            // These are nginx's own to refuse, whatever is asked for. Of what another authority
            // has issued it looks at the issuer last, and lets it through.
            let mut refused = vec![("expired certificate", &cast.expired)];
            if self.proof.trust == ProofTrust::OurRoot {
                refused.push(("certificate of the server", &cast.server));
            }
            self.wrong(*address, &refused, ours.as_ref(), tell);
        }
    }

    fn noted(&self, attempt: &Attempt<'_>, service: &str, case: &str, tell: &mut dyn FnMut(Row)) {
        let leg = leg(service, attempt.address);
        if let Some(why) = self.agents.barred.get(&attempt.address) {
            tell(Row::not_tried(&leg, case, NOTED, why.clone()));
            return;
        }
        let (seen, check, verdict) = self.ask(attempt, service, None);
        let noted = check.as_ref().filter(|check| !check.is_an_agent());
        let ok = verdict == Verdict::Through && noted.is_some();
        let words = seen.words(answer(check.as_ref()));
        let judged = check.map_or("not judged".to_owned(), |check| {
            format!("judged {}", check.verify)
        });
        tell(said(&leg, case, NOTED, format!("{words}; {judged}"), ok));
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
            let barred = self.agents.barred.get(&address);
            let identity = match (&cast.ours, barred) {
                (Ok(identity), None) => identity,
                (_, Some(why)) | (Err(why), None) => {
                    tell(Row::not_tried(&leg, case, "through", why.clone()));
                    continue;
                }
            };
            let attempt = Attempt {
                identity: Some(identity),
                ..self.usual(address)
            };
            let (seen, check, verdict) = self.ask_until_up(&attempt, service);
            let answered = self.proof.agents_port.is_none() || !seen.is_down();
            // Where everybody is let through, only the log tells that it was verified.
            let verified = check.as_ref().is_some_and(LoggedVerdict::is_an_agent);
            tell(row(
                &leg,
                case,
                "through",
                &seen,
                answer(check.as_ref()),
                verdict == Verdict::Through && answered && (self.agents.enforced || verified),
            ));
            through = Some(seen);
        }
        through
    }

    /// Where the servers before the manager are ours, and it was perhaps restarted just now, a
    /// manager that does not answer is no proof of anything: nginx may not find it.
    fn ask_until_up(
        &self,
        attempt: &Attempt<'_>,
        service: &str,
    ) -> (Seen, Option<LoggedVerdict>, Verdict) {
        let mut answer = self.ask(attempt, service, None);
        for _ in 0..ATTEMPTS {
            if self.proof.agents_port.is_none() || !answer.0.is_down() {
                break;
            }
            self.host.sleep(PAUSE);
            answer = self.ask(attempt, service, None);
        }
        answer
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
            ("certificate of the server", &cast.server),
        ];
        self.wrong(address, &wrong, ours, tell);
        let unlisted = cast.unlisted.iter().map(|one| (NOT_LISTED, one));
        self.wrong(address, &unlisted.collect::<Vec<_>>(), ours, tell);
        let revoked = cast.revoked.iter();
        let revoked: Vec<_> = revoked.map(|(case, one)| (case.as_str(), one)).collect();
        self.wrong(address, &revoked, ours, tell);
    }

    fn wrong(
        &self,
        address: SocketAddr,
        wrong: &[(&str, &Result<Identity, String>)],
        ours: Option<&Seen>,
        tell: &mut dyn FnMut(Row),
    ) {
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
            answer(check.as_ref()),
            verdict == Verdict::Refused,
        ));
    }

    /// Asks until the answer decides something.
    fn ask(
        &self,
        attempt: &Attempt<'_>,
        service: &str,
        ours: Option<&Seen>,
    ) -> (Seen, Option<LoggedVerdict>, Verdict) {
        let mut last = (Seen::fault(Fault::TimedOut), None, Verdict::Undecided);
        for _ in 0..ATTEMPTS {
            self.pace.request();
            let (seen, port) = attempt.make(self.host, service);
            let check = port.and_then(|port| self.log.verdict(port));
            let verdict = seen.verdict(answer(check.as_ref()), ours);
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

    fn old_session(&self, saved: &mut SavedSession, ours: Option<&Seen>) -> Row {
        let service = self.agents.services.first().map_or("", String::as_str);
        let leg = leg(service, saved.address);
        let case = format!("session of before, {}", saved.version);
        self.pace.request();
        match saved.resume(self.host, self.proof.agents_name()) {
            Ok(session) if session.negotiated().resumed => {
                let (seen, port) = call(session, &self.usual(saved.address), service);
                let check = port.and_then(|port| self.log.verdict(port));
                let check = answer(check.as_ref());
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
        Attempt::usual(self.proof.agents_name(), address)
    }
}

/// 204 or 401.
fn answer(check: Option<&LoggedVerdict>) -> Option<u16> {
    check.map(|check| check.answer)
}
