//! The log in which nginx writes what our check decided, read back: the other side of the
//! template `nim-tls-log.conf`.

use std::net::SocketAddr;

use serde::Deserialize;

/// The method that the proof calls: no service has it, so nobody is registered by it.
pub const PROOF_METHOD: &str = "NimTlsProof";

/// One connection of an agent, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedVerdict {
    /// An IPv4 peer of an IPv6 socket is told by the IPv4 address it has.
    pub from: SocketAddr,
    /// As nginx writes it: `2026-11-23T20:55:13+00:00`; empty where it is not told.
    pub at: String,
    /// It was called by a proof of ours, not by an agent.
    pub by_proof: bool,
    /// `SUCCESS`, `NONE`, or `FAILED:` and why.
    pub verify: String,
    /// The subject of its certificate, where that verified.
    pub subject: Option<String>,
    /// What the check answered: 204 or 401; 202 where one that is no agent's is let in.
    pub answer: u16,
}

impl LoggedVerdict {
    /// Verified, and an agent's: its authority may have signed for others, too.
    pub fn is_an_agent(&self) -> bool {
        self.subject.is_some() && self.answer == 204
    }

    /// Whether the check let it in.
    pub fn is_through(&self) -> bool {
        (200..300).contains(&self.answer)
    }
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    time: String,
    #[serde(default)]
    request: String,
    #[serde(default, rename = "stream")]
    of_stream: bool,
    address: String,
    port: String,
    verify: String,
    subject: String,
    answer: String,
}

/// All of a log, or of a piece of it; what is torn is passed over.
pub fn logged_verdicts(log: &[u8]) -> impl Iterator<Item = LoggedVerdict> {
    let lines = log.split(|byte| *byte == b'\n');
    lines.filter_map(|line| verdict(serde_json::from_slice(line).ok()?))
}

fn verdict(line: Line) -> Option<LoggedVerdict> {
    let address: std::net::IpAddr = line.address.parse().ok()?;
    let from = SocketAddr::new(address.to_canonical(), line.port.parse().ok()?);
    let subject = (line.verify == "SUCCESS").then_some(line.subject);
    let answer = line.answer.parse().ok()?;
    // Of a stream no request is known: who calls on this host itself is taken for a proof.
    let by_proof = line.request.ends_with(&format!("/{PROOF_METHOD}"))
        || (line.of_stream && address.is_loopback());
    Some(LoggedVerdict {
        from,
        at: line.time,
        by_proof,
        verify: line.verify,
        subject,
        answer,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_written_and_a_torn_one_is_passed_over() {
        let log = "9\",\"verify\":\"SUCCESS\"}\n\
            {\"time\":\"t\",\"address\":\"::ffff:10.0.0.9\",\"port\":\"50000\",\"name\":\"n\",\
            \"request\":\"/\",\"verify\":\"SUCCESS\",\"subject\":\"CN=web-1\",\"serial\":\"01\",\
            \"answer\":\"204\"}\n{\"address\":\"10.0.0.9\",\"port\":\"50001\",\"verify\":\"NONE\",\
            \"subject\":\"\",\"answer\":\"401\"}\n{\"address\":\"10.0";
        let read: Vec<_> = logged_verdicts(log.as_bytes()).collect();
        let expected = [(50000, Some("CN=web-1"), 204), (50001, None, 401)];
        assert_eq!(read.len(), expected.len());
        for (found, (port, subject, answer)) in read.iter().zip(expected) {
            assert_eq!(
                found.from,
                SocketAddr::new("10.0.0.9".parse().unwrap(), port)
            );
            assert_eq!((found.subject.as_deref(), found.answer), (subject, answer));
        }
    }
}
