//! What a server says to a `ClientHello` (RFC 8446, sections 4.1.3, 5.1 and 6).

use std::io::Read;

use super::super::fault::Fault;
use super::super::names::{Alert, Version, suite_name};
use super::super::text::excerpt;
use super::{AlertLevel, HelloOutcome};

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const SERVER_HELLO_DONE: u8 = 14;
const SUPPORTED_VERSIONS: u16 = 43;

/// A server's whole first flight; long certificate chains stay below.
const FLIGHT_LIMIT: usize = 256 * 1024;

/// The longest record there is: 2^14 bytes and what encryption adds.
const RECORD_LIMIT: usize = 16_384 + 2048;

/// Reads until it is clear what the server decided.
pub(super) fn read(wire: &mut impl Read) -> Result<HelloOutcome, Fault> {
    let mut flight = Vec::new();
    let mut warning = None;
    loop {
        let (kind, record) = match read_record(wire) {
            Ok(Record::Of(kind, record)) => (kind, record),
            Ok(Record::Strange(head)) => return Ok(HelloOutcome::Other(head)),
            Err(Fault::Closed) => return Ok(warning.unwrap_or(HelloOutcome::Closed)),
            Err(fault) => return Err(fault),
        };
        match (kind, record.as_slice()) {
            (ALERT, [1, code]) if Alert(*code) != Alert::CLOSE_NOTIFY => {
                // "Warning" leaves the handshake open: what counts is what follows.
                warning = Some(HelloOutcome::Alert {
                    level: AlertLevel::Warning,
                    alert: Alert(*code),
                });
            }
            (ALERT, [1, _]) => return Ok(warning.unwrap_or(HelloOutcome::Closed)),
            (ALERT, [_, code]) => {
                return Ok(HelloOutcome::Alert {
                    level: AlertLevel::Fatal,
                    alert: Alert(*code),
                });
            }
            (HANDSHAKE, record) => {
                flight.extend_from_slice(record);
                if flight.len() > FLIGHT_LIMIT {
                    return Err(Fault::TooMuch);
                }
                if let Some(outcome) = judge(&flight) {
                    return Ok(outcome);
                }
            }
            (kind, _) => {
                return Ok(HelloOutcome::Other(format!("a record of kind {kind}")));
            }
        }
    }
}

enum Record {
    Of(u8, Vec<u8>),
    /// Not TLS: how it begins.
    Strange(String),
}

fn read_record(wire: &mut impl Read) -> Result<Record, Fault> {
    let mut head = [0; 5];
    let filled = fill(wire, &mut head)?;
    let (head, length) = match head {
        _ if filled == 0 => return Err(Fault::Closed),
        [20..=23, 3, ..] if filled == head.len() => {
            (head, usize::from(u16::from_be_bytes([head[3], head[4]])))
        }
        _ => {
            let mut found = head[..filled].to_vec();
            let mut rest = [0; 64];
            let more = fill(wire, &mut rest).unwrap_or(0);
            found.extend_from_slice(&rest[..more]);
            return Ok(Record::Strange(excerpt(&found)));
        }
    };
    if length > RECORD_LIMIT {
        return Ok(Record::Strange(excerpt(&head)));
    }
    let mut record = vec![0; length];
    wire.read_exact(&mut record)?;
    Ok(Record::Of(head[0], record))
}

/// Fills `buffer` as far as the peer lets it, and says how far.
fn fill(wire: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Fault> {
    let mut filled = 0;
    while filled < buffer.len() {
        match wire.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) => match Fault::from(error) {
                Fault::Closed => break,
                fault => return Err(fault),
            },
        }
    }
    Ok(filled)
}

/// The outcome, once the messages so far settle it.
///
/// With TLS 1.3 the `ServerHello` does: it already holds the server's share of the key. Before,
/// a server names version and suite first and may then find that it has no signature for them.
/// There only the end of its flight counts.
fn judge(flight: &[u8]) -> Option<HelloOutcome> {
    let mut rest = flight;
    let mut chosen = None;
    while let [kind, a, b, c, after @ ..] = rest {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let message = after.get(..length)?;
        rest = &after[length..];
        match (*kind, &chosen) {
            (SERVER_HELLO, None) => match server_hello(message) {
                Some((version, suite)) if version == Version::Tls13 => {
                    return Some(accepted(version, suite));
                }
                Some(choice) => chosen = Some(choice),
                None => return Some(HelloOutcome::Other("a malformed ServerHello".to_owned())),
            },
            (SERVER_HELLO_DONE, Some((version, suite))) => {
                return Some(accepted(*version, *suite));
            }
            (_, Some(_)) => {}
            (kind, None) => {
                return Some(HelloOutcome::Other(format!(
                    "a handshake message of kind {kind}"
                )));
            }
        }
    }
    None
}

fn accepted(version: Version, suite: u16) -> HelloOutcome {
    HelloOutcome::Accepted {
        version,
        suite: suite_name(suite),
    }
}

/// Version and suite of a `ServerHello`. A `HelloRetryRequest` has the same form and says the same.
fn server_hello(message: &[u8]) -> Option<(Version, u16)> {
    let mut rest = Reader(message);
    let mut version = rest.number()?;
    rest.take(32)?;
    let session_id = usize::from(*rest.take(1)?.first()?);
    rest.take(session_id)?;
    let suite = rest.number()?;
    rest.take(1)?; // compression
    if !rest.0.is_empty() {
        let length = usize::from(rest.number()?);
        let mut extensions = Reader(rest.take(length)?);
        while !extensions.0.is_empty() {
            let kind = extensions.number()?;
            let length = usize::from(extensions.number()?);
            let content = extensions.take(length)?;
            if kind == SUPPORTED_VERSIONS {
                version = Reader(content).number()?;
            }
        }
    }
    Some((Version::from_wire(version)?, suite))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }
}
