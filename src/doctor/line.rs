//! When a line of a log was written, whose request it is about, and what is left without that.

use std::net::IpAddr;
use std::sync::LazyLock;

use memchr::memchr;
use memchr::memmem::{self, Finder};
use time::{Date, Month};

use super::carried::{carried, of_json};

/// Bytes of a line in which its time and its client are looked for.
pub(super) const HEAD: usize = 16 * 1024;

/// The agent's `time="..."`, its `time=...` of 3.x, and `"time":"..."` in the log of verdicts: RFC
/// 3339, and where it ends.
const TOLD: [(&str, u8); 3] = [("time=\"", b'"'), ("\"time\":\"", b'"'), ("time=", b' ')];

/// What stands before the address of a client in nginx's error log.
static CLIENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(", client: "));

/// The beginning of a line; all of it, unless it is very long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) text: &'a [u8],
    /// What another line that says the same has in common with it: all but the time, the process,
    /// the connection, and the address of the client.
    pub(super) same: [&'a [u8]; 2],
    /// What follows that address in nginx's error log: what was asked for.
    pub(super) rest: &'a [u8],
    /// `None`: it has not the form of any log that is known, and has to be searched.
    begin: Option<Begin>,
}

/// What a line says of itself before it comes to what happened.
#[derive(Debug, Clone, Copy)]
struct Begin {
    at: Option<Time>,
    client: Option<IpAddr>,
}

/// Seconds since 1970 by a clock, and how far that is ahead of UTC, where it is told.
type Time = (i64, Option<i64>);

impl<'a> Line<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        let text = &text[..text.len().min(HEAD)];
        let known = match text.first() {
            Some(b'0'..=b'9' | b'a'..=b'f' | b':') => of_errors(text).or_else(|| of_access(text)),
            Some(b't') => of_agent(text),
            Some(b'{') => of_verdict(text),
            Some(b'n') => of_terminal(text),
            _ => None,
        };
        let (parts, begin) = known.unzip();
        let [before, said, rest] = parts.unwrap_or([text, b"", b""]);
        Self {
            text,
            same: [before, said],
            rest,
            begin,
        }
    }

    /// Seconds since 1970. `clock`: how far nginx's is ahead of UTC; it begins each line of its
    /// error log with the local time.
    pub(super) fn written_at(&self, clock: i64) -> Option<i64> {
        let (seconds, zone) = match self.begin {
            Some(begin) => begin.at,
            None => time_in(self.text),
        }?;
        Some(seconds - zone.unwrap_or(clock))
    }

    /// The address of the client that a line of nginx is about.
    pub(super) fn client(&self) -> Option<IpAddr> {
        match self.begin {
            Some(begin) => begin.client,
            None => client_in(self.text),
        }
    }
}

/// A line without its time and all that: what stands before what was said, that, and what follows
/// the client.
type Parts<'a> = [&'a [u8]; 3];

/// `2026/11/26 04:41:00 [info] 30#30: *9 what happened, client: 10.0.0.9, server: a`; the journal
/// and rsyslog begin a line with the time and its zone.
fn of_errors(text: &[u8]) -> Option<(Parts<'_>, Begin)> {
    let (seconds, rest) = date_and_time(text)?;
    let (zone, before, rest) = if rest.starts_with(b" [") {
        let level = rest.iter().position(|byte| *byte == b']')? + 1;
        (None, &rest[..level], behind_process(&rest[level..])?)
    } else {
        let rest = behind_fraction(rest)?;
        let (zone, rest) = rest.split_at(memchr(b' ', rest)?);
        (Some(zone_of(zone)?), zone, rest)
    };
    let mut parts = [before, rest, b""];
    let of_error = CLIENT.find(rest).and_then(|at| {
        let (said, told) = rest.split_at(at + CLIENT.needle().len());
        let (told, behind) = told.split_at(memchr(b',', told).unwrap_or(told.len()));
        let client = address(told)?;
        parts = [before, said, behind];
        Some(client)
    });
    let client = of_error.or_else(|| first_address(&text[carried(text)..]));
    let at = Some((seconds, zone));
    Some((parts, Begin { at, client }))
}

/// What follows ` 30#30: *9`; not every line is about a connection.
fn behind_process(text: &[u8]) -> Option<&[u8]> {
    let text = behind_number(text.strip_prefix(b" ")?)?.strip_prefix(b"#")?;
    let text = behind_number(text)?.strip_prefix(b": ")?;
    let connection = text.strip_prefix(b"*").and_then(behind_number);
    let is_said = |text: &&[u8]| matches!(text, [b' ', b'a'..=b'z' | b'A'..=b'Z' | b'"', ..]);
    Some(connection.filter(is_said).unwrap_or(text))
}

/// `10.0.0.9 - - [26/Nov/2026:04:41:00 +0100] "GET / HTTP/1.1" 200 1`
fn of_access(text: &[u8]) -> Option<(Parts<'_>, Begin)> {
    let client = Some(first_address(text)?);
    let (_, rest) = text.split_at(memchr(b' ', text)?);
    let (user, time) = rest.split_at(memchr(b'[', rest)? + 1);
    if !(user.starts_with(b" - ") && user.ends_with(b" [")) {
        return None;
    }
    let (time, rest) = time.split_at(memchr(b']', time)?);
    let at = Some(access_time(time)?);
    Some(([user, rest, b""], Begin { at, client }))
}

/// `time="2026-11-26T02:41:00Z" level=error`, and that of 3.x.
fn of_agent(text: &[u8]) -> Option<(Parts<'_>, Begin)> {
    let quoted = text.starts_with(b"time=\"");
    let (begin, end) = if quoted { TOLD[0] } else { TOLD[2] };
    let (seconds, rest) = date_and_time(text.strip_prefix(begin.as_bytes())?)?;
    let rest = behind_fraction(rest)?;
    let zone = zone_of(&rest[..memchr(end, rest)?])?;
    let (at, client) = (Some((seconds, Some(zone))), None);
    Some(([b"time", rest, b""], Begin { at, client }))
}

/// `{"time":"2026-11-26T02:41:00+00:00","address":"10.0.0.9","port":"40000","name":`
fn of_verdict(text: &[u8]) -> Option<(Parts<'_>, Begin)> {
    let told = text.strip_prefix(b"{\"time\":\"")?;
    let (time, rest) = told.split_at(memchr(b'"', told)?);
    let at = Some(told_time(time)?);
    let told = rest.strip_prefix(b"\",\"address\":\"")?;
    let (client, rest) = told.split_at(memchr(b'"', told)?);
    // What six begins with may be a word of a rule.
    let client = Some(address(client).filter(IpAddr::is_ipv4)?);
    let port = rest.strip_prefix(b"\",\"port\":\"");
    let rest = port.and_then(behind_number).unwrap_or(rest);
    Some(([b"{", rest, b""], Begin { at, client }))
}

/// `nginx: [emerg] what happened`, as it is told to whoever starts nginx.
fn of_terminal(text: &[u8]) -> Option<(Parts<'_>, Begin)> {
    let (at, client) = (None, None);
    let is_one = text.starts_with(b"nginx: [");
    is_one.then_some(([text, b"", b""], Begin { at, client }))
}

fn behind_number(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    (end > 0).then(|| &text[end..])
}

/// Lines of an access log begin with the address of the client.
fn first_address(line: &[u8]) -> Option<IpAddr> {
    const LONGEST: usize = 45;
    let head = &line[..line.len().min(LONGEST + 1)];
    address(&head[..memchr(b' ', head)?])
}

fn address(text: &[u8]) -> Option<IpAddr> {
    std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()
}

/// The time of a line that has not the form of any log that is known.
fn time_in(text: &[u8]) -> Option<Time> {
    // What is carried tells its own time, where it does.
    for begin in [0, carried(text)] {
        if let Some((seconds, rest)) = date_and_time(&text[begin..]) {
            return Some((seconds, zone_of(rest)));
        }
    }
    if text.first() == Some(&b'{') {
        let at = of_json(text, &["@timestamp", "time", "timestamp"]);
        if let Some((seconds, rest)) = at.and_then(|at| date_and_time(&text[at..])) {
            let rest = behind_fraction(rest)?;
            let end = memchr(b'"', rest).unwrap_or(rest.len());
            return Some((seconds, zone_of(&rest[..end])));
        }
    }
    if let Some(seconds) = audited(text) {
        return Some((seconds, Some(0)));
    }
    let told = TOLD
        .iter()
        .find_map(|(begin, end)| between(text, begin, *end));
    if let Some(told) = told.filter(|told| date_and_time(told).is_some()) {
        return told_time(told);
    }
    access_time(between(text, " [", b']')?)
}

/// Of `type=AVC msg=audit(1795660860.123:456): `.
fn audited(text: &[u8]) -> Option<i64> {
    let told = between(text, "msg=audit(", b'.')?;
    std::str::from_utf8(told).ok()?.parse().ok()
}

/// A time that is nothing without a zone.
fn told_time(text: &[u8]) -> Option<Time> {
    let (seconds, rest) = date_and_time(text)?;
    Some((seconds, Some(zone_of(rest)?)))
}

fn behind_fraction(rest: &[u8]) -> Option<&[u8]> {
    let fraction = |byte: &u8| *byte == b'.' || byte.is_ascii_digit();
    let begin = rest.iter().position(|byte| !fraction(byte))?;
    Some(&rest[begin..])
}

/// The zone behind a time, and behind its fractions of a second.
fn zone_of(rest: &[u8]) -> Option<i64> {
    let rest = behind_fraction(rest)?;
    let told = &rest[..memchr(b' ', rest).unwrap_or(rest.len())];
    if told == b"Z" {
        return Some(0);
    }
    zone(std::str::from_utf8(told).ok()?)
}

/// `2026/11/26 04:41:00` or `2026-11-26T04:41:00`, and what follows.
fn date_and_time(text: &[u8]) -> Option<(i64, &[u8])> {
    let (begin, rest) = text.split_first_chunk::<19>()?;
    let [c1, c2, y1, y2, g1, m1, m2, g2, d1, d2, g3, time @ ..] = begin;
    if !matches!([g1, g2, g3], [b'/', b'/', b' '] | [b'-', b'-', b'T' | b' ']) {
        return None;
    }
    let year = two(*c1, *c2)? * 100 + two(*y1, *y2)?;
    let month = two(*m1, *m2)?;
    Some((seconds(year, month, two(*d1, *d2)?, time)?, rest))
}

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// `26/Nov/2026:04:41:00 +0100`, as in an access log.
fn access_time(text: &[u8]) -> Option<Time> {
    let (begin, rest) = text.split_first_chunk::<20>()?;
    let [
        d1,
        d2,
        b'/',
        m1,
        m2,
        m3,
        b'/',
        c1,
        c2,
        y1,
        y2,
        b':',
        time @ ..,
    ] = begin
    else {
        return None;
    };
    let name = [*m1, *m2, *m3];
    let month = MONTHS.iter().position(|month| **month == name)? + 1;
    let year = two(*c1, *c2)? * 100 + two(*y1, *y2)?;
    let seconds = seconds(year, i32::try_from(month).ok()?, two(*d1, *d2)?, time)?;
    let zone = zone(std::str::from_utf8(rest.strip_prefix(b" ")?).ok()?)?;
    Some((seconds, Some(zone)))
}

/// Since 1970, of a day and a time like `04:41:00`.
fn seconds(year: i32, month: i32, day: i32, time: &[u8]) -> Option<i64> {
    const FIRST_DAY: i32 = 2_440_588;
    let [h1, h2, b':', m1, m2, b':', s1, s2] = time else {
        return None;
    };
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
    let days = i64::from(date.to_julian_day() - FIRST_DAY);
    let (hour, minute, second) = (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?);
    let of_day = (hour * 60 + minute) * 60 + second;
    (hour < 24 && minute < 60 && second < 60).then(|| days * 24 * 60 * 60 + i64::from(of_day))
}

fn two(tens: u8, ones: u8) -> Option<i32> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
}

/// The client of a line that has not the form of any log that is known.
fn client_in(line: &[u8]) -> Option<IpAddr> {
    let told = between(line, ", client: ", b',')
        .or_else(|| behind(line, ", client: "))
        .or_else(|| between(line, "\"address\":\"", b'"'));
    told.map_or_else(|| first_address(&line[carried(line)..]), address)
}

/// How far a line is what the program itself says. Behind that anybody can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OwnWords {
    /// Up to the first text in quotation marks, where the line is about a connection: that may be
    /// the name of a file that a client has asked for.
    pub(super) said: usize,
    /// That one included.
    pub(super) asked: usize,
}

pub(super) fn own_words(line: &[u8]) -> OwnWords {
    let client = CLIENT.find(line);
    let asked = client.unwrap_or(line.len());
    let begin = carried(line);
    let of_client = client.is_some() || first_address(&line[begin..]).is_some();
    // In JSON it is one with a stroke before it.
    let quote = line.get(begin..asked).and_then(|own| memchr(b'"', own));
    OwnWords {
        said: quote.filter(|_| of_client).map_or(asked, |at| begin + at),
        asked,
    }
}

fn between<'a>(line: &'a [u8], begin: &str, end: u8) -> Option<&'a [u8]> {
    let told = behind(line, begin)?;
    Some(&told[..memchr(end, told)?])
}

/// What follows these words; anybody can make this be asked of every line of a large log.
fn behind<'a>(line: &'a [u8], words: &str) -> Option<&'a [u8]> {
    let at = memmem::find(line, words.as_bytes())?;
    Some(&line[at + words.len()..])
}

/// `+0530`, as `date +%z` says, or `+05:30`, in seconds.
pub(super) fn zone(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    let (hours, minutes): (u8, u8) = (
        hours.parse().ok()?,
        minutes.trim_start_matches(':').parse().ok()?,
    );
    Some(sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_line_is_read_in_each_form() {
        let at = |line: &str, clock| Line::of(line.as_bytes()).written_at(clock);
        let lines = [
            "2026/11/26 04:41:00 [info] 1#1: *3 client sent",
            "time=\"2026-11-26T02:41:00Z\" level=error msg=\"x\"",
            "time=\"2026-11-26T02:41:00.123456789Z\" level=error",
            "{\"time\":\"2026-11-26T03:41:00+01:00\",\"address\":\"10.0.0.9\"}",
            "time=2026-11-26T02:41:00.123Z level=ERROR msg=x",
            "2026-11-26T03:41:00+0100 nim nginx[12]: x",
            "2026-11-26T03:41:00.123456+01:00 nim nms-dpm[12]: x",
            "10.0.0.9 - - [26/Nov/2026:03:41:00 +0100] \"GET / HTTP/1.1\" 200 1",
            "{\"log\":\"2026/11/26 04:41:00 [info] 1#1: x\\n\",\"time\":\"2026-11-26T02:42:00.1Z\"}",
            "{\"@timestamp\": \"2026-11-26T02:41:00.000Z\", \"message\": \"x\"}",
            "{\"log\":\"x\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-26T02:41:00.123456789Z\"}",
            "type=AVC msg=audit(1795660860.123:456): avc:  denied  { read }",
        ];
        for line in lines {
            assert_eq!(at(line, 7200), Some(1_795_660_860), "{line}");
        }
        assert_eq!(at("2026/13/40 99:00:00 x", 0), None);
        assert_eq!(at("Nov 26 02:41:00 host nginx: x", 0), None);
        // A character that is longer than a byte at the edge.
        assert_eq!(at("2026/11/26 04:41:0é", 0), None);
    }

    #[test]
    fn the_client_of_a_line_is_read() {
        let of = |line: &str| {
            let client = Line::of(line.as_bytes()).client();
            client.map(|address| address.to_string())
        };
        let line = "x while reading, client: 10.0.0.9, server: a, request: \", client: 1.2.3.4,\"";
        assert_eq!(of(line).as_deref(), Some("10.0.0.9"));
        assert_eq!(
            of("handshaking, client: ::1, server: [::]:443").as_deref(),
            Some("::1")
        );
        assert_eq!(
            of("handshaking, client: 10.0.0.9").as_deref(),
            Some("10.0.0.9")
        );
        assert_eq!(
            of("{\"address\":\"10.0.0.9\"}").as_deref(),
            Some("10.0.0.9")
        );
        assert_eq!(
            of("10.0.0.9 - - [26/Nov/2026:03:41:00 +0100] \"GET / HTTP/1.1\" 200 1").as_deref(),
            Some("10.0.0.9")
        );
        assert_eq!(of("reading, client: unix:, server: a"), None);
    }

    #[test]
    fn what_clients_write_is_told_from_what_nginx_says() {
        let said = |line: &'static str| {
            let own = own_words(line.as_bytes());
            (&line[..own.said], &line[..own.asked])
        };
        let missing = "1#1: *9 open() \"/a/b\" failed (2: x), client: 10.0.0.9, host: \"c\"";
        assert_eq!(
            said(missing),
            ("1#1: *9 open() ", "1#1: *9 open() \"/a/b\" failed (2: x)")
        );
        let access = "fe80::9 - - [x] \"GET /a\" 200";
        assert_eq!(said(access), ("fe80::9 - - [x] ", access));
        // The same where it was carried by the journal or by rsyslog.
        for before in [
            "2026-11-26T02:41:00Z nginx[12]: ",
            "2026-11-26T03:41:00.5+01:00 nim nginx: ",
            "2026-11-26T03:41:00+0100 nim nginx[12]: ",
        ] {
            let line = format!("{before}10.0.0.9 - - [x] \"GET /a\" 200");
            let own = own_words(line.as_bytes());
            assert_eq!(own.said, line.find('"').unwrap_or_default(), "{line}");
            assert_eq!(Line::of(line.as_bytes()).client(), "10.0.0.9".parse().ok());
        }
        // In JSON, and in a container.
        let error = "2026/11/26 04:41:00 [info] 1#1: *9 open() ";
        for (before, quote) in [
            ("{\"log\":\"", "\\\""),
            (
                "{\"@timestamp\": \"2026-11-26T02:41:00.000Z\", \"log\": {\"offset\": 9}, \"message\": \"",
                "\\\"",
            ),
            ("2026-11-26T02:41:00.123Z stderr F ", "\""),
        ] {
            let line = format!("{before}{error}{quote}/a{quote} failed, client: 10.0.0.9, x\"}}");
            let own = own_words(line.as_bytes());
            let said = &line[..own.said];
            assert!(
                said.ends_with(error) || said.ends_with(&format!("{error}\\")),
                "{said}"
            );
            assert_eq!(Line::of(line.as_bytes()).client(), "10.0.0.9".parse().ok());
        }
        // Nobody has connected: the name is of the configuration.
        let load = "1#1: [emerg] unknown directive \"a\"";
        assert_eq!(said(load), (load, load));
        assert_eq!(said(""), ("", ""));
    }

    #[test]
    fn zones_are_read() {
        assert_eq!(zone("+0000\n"), Some(0));
        assert_eq!(zone("-0330"), Some(-(3 * 3600 + 30 * 60)));
        assert_eq!(zone("+05:30"), Some(5 * 3600 + 30 * 60));
        assert_eq!(zone("UTC"), None);
        // More than a number of seconds can be: anybody may write this into a log.
        assert_eq!(zone("+05:9223372036854775807"), None);
    }
}
