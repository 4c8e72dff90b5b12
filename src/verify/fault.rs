//! Why an exchange gave no answer that could be judged.

use std::io;

use super::names::Alert;

/// What stood between us and an answer. Each is a sentence that fits after "seen: ".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("no connection: {0}")]
    Unreachable(io::ErrorKind),
    /// The peer's own word for why it ended the handshake or the connection.
    #[error("the server ended the connection with the TLS alert \"{0}\"")]
    Alert(Alert),
    #[error("the server closed the connection without an answer")]
    Closed,
    #[error("no complete answer within the time limit")]
    TimedOut,
    #[error("the server sent more than an answer can be long")]
    TooMuch,
    /// TLS as such failed on our side: no common version, a malformed message.
    #[error("TLS failed: {0}")]
    Tls(String),
    #[error("the answer is not {expected}: {found}")]
    Protocol {
        expected: &'static str,
        found: String,
    },
    /// The request itself is wrong; nothing was sent.
    #[error("this cannot be sent: {0}")]
    Unsendable(String),
    #[error("no session of an earlier connection is left to resume")]
    NothingToResume,
}

/// Marks the error of a reader whose byte budget is spent.
#[derive(Debug, thiserror::Error)]
#[error("more bytes than an answer can have")]
pub(super) struct TooMuch;

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        if let Some(inner) = error.get_ref() {
            if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
                return tls.clone().into();
            }
            if inner.is::<TooMuch>() {
                return Self::TooMuch;
            }
        }
        match error.kind() {
            // A socket whose read timeout has passed says "would block" on Linux.
            Kind::TimedOut | Kind::WouldBlock => Self::TimedOut,
            Kind::UnexpectedEof
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::BrokenPipe
            | Kind::NotConnected => Self::Closed,
            kind => Self::Unreachable(kind),
        }
    }
}

impl From<rustls::Error> for Fault {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::AlertReceived(alert) => Self::Alert(Alert(alert.into())),
            rustls::Error::InvalidMessage(_) => {
                Self::Tls("the server does not speak TLS, or not correctly".to_owned())
            }
            other => Self::Tls(other.to_string()),
        }
    }
}
