//! What an answer means: through, refused, or nothing that could be judged.

use super::fault::Fault;
use super::grpc::GrpcAnswer;
use super::http::HttpAnswer;

/// gRPC's "unimplemented": a service that runs says it of a method that does not exist.
const UNIMPLEMENTED: u32 = 12;
const RESOURCE_EXHAUSTED: u32 = 8;
const UNAVAILABLE: u32 = 14;
const UNAUTHENTICATED: u32 = 16;

/// An answer, reduced to what tells who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) http: Option<u16>,
    pub(super) grpc: Option<u32>,
    message: Option<String>,
    fault: Option<Fault>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It reached what lies behind the check.
    Through,
    Refused,
    /// Too often asked, too slow, or no answer at all: ask again.
    Undecided,
}

impl Seen {
    pub(super) fn fault(fault: Fault) -> Self {
        Self {
            http: None,
            grpc: None,
            message: None,
            fault: Some(fault),
        }
    }

    /// Judges the answer. `check` is what nginx logged of the check for this connection, 204, 202 or
    /// 401; `through` is how the right client was answered, which a refusal must not look like.
    pub(super) fn verdict(&self, check: Option<u16>, through: Option<&Seen>) -> Verdict {
        match (check, &self.fault, self.http, self.grpc) {
            (Some(200..=299), ..) => Verdict::Through,
            (Some(_), ..) => Verdict::Refused,
            // A handshake that is ended with an alert reached nobody.
            (None, Some(Fault::Alert(_) | Fault::Closed), ..) => Verdict::Refused,
            (None, Some(_), ..) => Verdict::Undecided,
            (None, None, Some(429 | 503 | 504), _)
            | (None, None, _, Some(RESOURCE_EXHAUSTED | UNAVAILABLE)) => Verdict::Undecided,
            // nginx's own word: no gRPC service answers with another status than 200.
            (None, None, Some(status), None) if status != 200 => Verdict::Refused,
            (None, None, _, Some(UNIMPLEMENTED)) => Verdict::Through,
            (None, None, _, Some(_)) if through.is_none_or(|other| !self.alike(other)) => {
                Verdict::Refused
            }
            (None, None, Some(200), None) => Verdict::Refused,
            _ => Verdict::Through,
        }
    }

    /// Judges the answer to a certificate where nobody sees the log of the check: beside what
    /// clients heard that are to be refused. 16 may be the manager's own word or nginx's; it
    /// counts as the manager's only where they heard something else. So does a service that is
    /// down: nginx says the same of one that is asked too often.
    pub(super) fn beside(&self, wrong: &[&Seen]) -> Verdict {
        let may_be_nginx = self.is_down() || self.grpc == Some(UNAUTHENTICATED);
        match self.verdict(None, None) {
            _ if may_be_nginx && wrong.iter().any(|other| self.alike(other)) => Verdict::Undecided,
            _ if may_be_nginx => Verdict::Through,
            verdict => verdict,
        }
    }

    /// Judges the answer to a client that is to be refused, beside what the right one heard.
    pub(super) fn refusal_beside(&self, ours: Option<&Seen>) -> Verdict {
        let alike = ours.is_some_and(|ours| ours.alike(self));
        let said_to_all = self.is_down() || (alike && self.grpc == Some(UNAUTHENTICATED));
        match self.verdict(None, None) {
            _ if said_to_all => Verdict::Undecided,
            verdict => verdict,
        }
    }

    pub(super) fn alike(&self, other: &Seen) -> bool {
        self.http == other.http && self.grpc == other.grpc && self.message == other.message
    }

    /// nginx let it pass, and nobody was behind it.
    pub(super) fn is_down(&self) -> bool {
        self.grpc == Some(UNAVAILABLE) || (self.http == Some(502) && self.grpc.is_none())
    }

    pub(super) fn was_limited(&self) -> bool {
        self.http == Some(429) || self.grpc == Some(RESOURCE_EXHAUSTED)
    }

    /// For the column "seen": who said what.
    pub(super) fn words(&self, check: Option<u16>) -> String {
        // Told by the log of nginx's check: without that nobody can say whose answer it is.
        let whose = match check {
            Some(200..=299) => "service: ",
            Some(_) => "nginx: ",
            None => "",
        };
        let answer = match (&self.fault, self.http, self.grpc) {
            (Some(fault), ..) => fault.to_string(),
            (None, _, Some(UNAVAILABLE)) | (None, Some(502), None)
                if matches!(check, Some(200..=299)) =>
            {
                "down, but nginx let it pass".to_owned()
            }
            (None, _, Some(status)) => format!("grpc-status {status}"),
            (None, Some(status), None) => format!("HTTP {status}"),
            (None, None, None) => "no answer".to_owned(),
        };
        format!("{whose}{answer}")
    }
}

impl From<GrpcAnswer> for Seen {
    fn from(answer: GrpcAnswer) -> Self {
        let fault =
            (answer.http_status.is_none() && answer.grpc_status.is_none()).then_some(Fault::Closed);
        Self {
            http: answer.http_status,
            grpc: answer.grpc_status,
            message: answer.grpc_message,
            fault,
        }
    }
}

impl From<HttpAnswer> for Seen {
    fn from(answer: HttpAnswer) -> Self {
        Self {
            http: Some(answer.status),
            grpc: answer.grpc_status,
            message: None,
            fault: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(http: u16, grpc: Option<u32>) -> Seen {
        Seen {
            http: Some(http),
            grpc,
            message: None,
            fault: None,
        }
    }

    #[test]
    fn the_check_itself_decides_where_it_spoke() {
        assert_eq!(
            seen(200, Some(16)).verdict(Some(204), None),
            Verdict::Through
        );
        assert_eq!(seen(502, None).verdict(Some(204), None), Verdict::Through);
        assert_eq!(
            seen(200, Some(12)).verdict(Some(401), None),
            Verdict::Refused
        );
    }

    #[test]
    fn without_its_word_only_what_cannot_be_the_service_is_a_refusal() {
        let down = seen(200, Some(16));
        assert_eq!(seen(400, None).verdict(None, None), Verdict::Refused);
        assert_eq!(seen(421, None).verdict(None, None), Verdict::Refused);
        assert_eq!(seen(200, Some(12)).verdict(None, None), Verdict::Through);
        assert_eq!(
            seen(200, Some(0)).verdict(None, Some(&seen(200, Some(0)))),
            Verdict::Through
        );
        // The manager says 16 to the right client too: then 16 proves nothing.
        assert_eq!(down.verdict(None, Some(&down)), Verdict::Through);
        assert_eq!(
            down.verdict(None, Some(&seen(200, Some(12)))),
            Verdict::Refused
        );
    }

    /// Red where any word of gRPC counts as the service's: nginx says 16 and 7 itself, where its
    /// refusals are mapped to statuses of gRPC.
    #[test]
    fn what_nginx_may_have_said_itself_is_nobody_let_through() {
        let (refused, unknown) = (seen(200, Some(16)), seen(200, Some(12)));
        let says =
            |ours: Seen, wrong: &Seen| (ours.beside(&[wrong]), wrong.refusal_beside(Some(&ours)));
        let own = Seen {
            message: Some("no token".to_owned()),
            ..seen(200, Some(16))
        };
        let (through, no, undecided) = (Verdict::Through, Verdict::Refused, Verdict::Undecided);
        for (ours, wrong, expected) in [
            (unknown.clone(), &refused, (through, no)),
            (unknown.clone(), &unknown, (through, through)),
            // Refused both, or let through both by nginx and sent away by the manager.
            (refused.clone(), &refused, (undecided, undecided)),
            (own, &refused, (through, no)),
            (seen(200, Some(7)), &refused, (no, no)),
            (seen(400, None), &seen(400, None), (no, no)),
            (seen(200, Some(14)), &refused, (through, no)),
            (seen(502, None), &seen(502, None), (undecided, undecided)),
        ] {
            assert_eq!(says(ours.clone(), wrong), expected, "{ours:?} {wrong:?}");
        }
    }

    #[test]
    fn limits_and_time_outs_decide_nothing() {
        for (http, grpc) in [(429, None), (503, None), (200, Some(14)), (200, Some(8))] {
            assert_eq!(seen(http, grpc).verdict(None, None), Verdict::Undecided);
        }
        assert_eq!(
            Seen::fault(Fault::TimedOut).verdict(None, None),
            Verdict::Undecided
        );
        assert_eq!(
            Seen::fault(Fault::NothingToResume).verdict(None, None),
            Verdict::Undecided
        );
    }
}
