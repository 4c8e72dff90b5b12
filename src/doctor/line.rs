//! When a line of a log was written, and whose request it is about.

use std::net::IpAddr;

use memchr::{memchr, memmem};
use time::{Date, Month};

/// The agent's `time="..."`, its `time=...` of 3.x, and `"time":"..."` in the log of verdicts: RFC
/// 3339, and where it ends.
const TOLD: [(&str, char); 3] = [("time=\"", '"'), ("\"time\":\"", '"'), ("time=", ' ')];

/// Seconds since 1970. `clock`: how far nginx's is ahead of UTC; it begins each line of its error
/// log with the local time.
pub(super) fn written_at(line: &str, clock: i64) -> Option<i64> {
    if let Some((seconds, rest)) = date_and_time(line) {
        // The journal and rsyslog begin a line so too, and say the zone.
        return Some(seconds - zone_of(rest).unwrap_or(clock));
    }
    let told = TOLD
        .iter()
        .find_map(|(begin, end)| between(line, begin, *end));
    if let Some((seconds, rest)) = told.and_then(date_and_time) {
        return Some(seconds - zone_of(rest)?);
    }
    let (seconds, rest) = access_time(between(line, " [", ']')?)?;
    Some(seconds - zone(rest)?)
}

/// The zone behind a time, and behind its fractions of a second.
fn zone_of(rest: &str) -> Option<i64> {
    let rest = rest.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let (zone_told, _) = rest.split_once(' ').unwrap_or((rest, ""));
    if zone_told == "Z" {
        return Some(0);
    }
    zone(zone_told)
}

/// `2026/11/26 04:41:00`, with any characters between the numbers, and what follows.
fn date_and_time(text: &str) -> Option<(i64, &str)> {
    const LENGTH: usize = 19;
    let (begin, rest) = text.split_at_checked(LENGTH)?;
    let month = Month::try_from(small(begin, 5)?).ok()?;
    let date =
        Date::from_calendar_date(number(begin, 0..4)?.into(), month, small(begin, 8)?).ok()?;
    let at = date.with_hms(small(begin, 11)?, small(begin, 14)?, small(begin, 17)?);
    Some((at.ok()?.assume_utc().unix_timestamp(), rest))
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `26/Nov/2026:04:41:00 +0100`, as in an access log: the time, and its zone.
fn access_time(text: &str) -> Option<(i64, &str)> {
    let (begin, zone) = text.split_once(' ')?;
    let month = MONTHS
        .iter()
        .position(|name| begin.get(3..6) == Some(name))?;
    let month = Month::try_from(u8::try_from(month + 1).ok()?).ok()?;
    let date =
        Date::from_calendar_date(number(begin, 7..11)?.into(), month, small(begin, 0)?).ok()?;
    let at = date.with_hms(small(begin, 12)?, small(begin, 15)?, small(begin, 18)?);
    Some((at.ok()?.assume_utc().unix_timestamp(), zone))
}

fn number(text: &str, place: std::ops::Range<usize>) -> Option<u16> {
    text.get(place)?.parse().ok()
}

fn small(text: &str, at: usize) -> Option<u8> {
    u8::try_from(number(text, at..at + 2)?).ok()
}

/// The address of the client that a line of nginx is about.
pub(super) fn client(line: &str) -> Option<IpAddr> {
    let told = between(line, ", client: ", ',')
        .or_else(|| behind(line, ", client: "))
        .or_else(|| between(line, "\"address\":\"", '"'))
        // An access log begins with it.
        .or_else(|| {
            line[carried(line.as_bytes())..]
                .split_once(' ')
                .map(|(told, _)| told)
        })?;
    told.trim().parse().ok()
}

/// Where the line of the program itself begins, behind what the journal and rsyslog put before it:
/// `2026-11-26T03:41:00+01:00 nim nginx[12]: `, without the name of the host in what is made of the
/// journal here.
fn carried(line: &[u8]) -> usize {
    const LENGTH: usize = 19;
    const LONGEST: usize = 200;
    if line.get(4) != Some(&b'-') || line.get(10) != Some(&b'T') {
        return 0;
    }
    let head = &line[..line.len().min(LONGEST)];
    let mut blanks = memchr::memchr_iter(b' ', head).filter(|at| *at >= LENGTH);
    let (zone, second, third) = (blanks.next(), blanks.next(), blanks.next());
    let is_program = |begin: usize, end: usize| end > begin + 1 && head[end - 1] == b':';
    match (zone, second, third) {
        (Some(zone), Some(end), _) if is_program(zone, end) => end + 1,
        (Some(_), Some(host), Some(end)) if is_program(host, end) => end + 1,
        _ => 0,
    }
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
    let client = memmem::find(line, b", client: ");
    let asked = client.unwrap_or(line.len());
    let of_client = client.is_some() || is_of_access(&line[carried(line)..]);
    let quote = memchr(b'"', &line[..asked]).filter(|_| of_client);
    OwnWords {
        said: quote.unwrap_or(asked),
        asked,
    }
}

/// Whether it is a line of an access log: those begin with the address of the client.
fn is_of_access(line: &[u8]) -> bool {
    const LONGEST_ADDRESS: usize = 45;
    let head = &line[..line.len().min(LONGEST_ADDRESS + 1)];
    let Some(blank) = memchr(b' ', head) else {
        return false;
    };
    let first = std::str::from_utf8(&head[..blank]);
    first.is_ok_and(|first| first.parse::<IpAddr>().is_ok())
}

fn between<'a>(line: &'a str, begin: &str, end: char) -> Option<&'a str> {
    behind(line, begin)?.split_once(end).map(|(told, _)| told)
}

/// What follows these words; anybody can make this be asked of every line of a large log.
fn behind<'a>(line: &'a str, words: &str) -> Option<&'a str> {
    let at = memmem::find(line.as_bytes(), words.as_bytes())?;
    line.get(at + words.len()..)
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
        let lines = [
            "2026/11/26 04:41:00 [info] 1#1: *3 client sent",
            "time=\"2026-11-26T02:41:00Z\" level=error msg=\"x\"",
            "time=\"2026-11-26T02:41:00.123456789Z\" level=error",
            "{\"time\":\"2026-11-26T03:41:00+01:00\",\"address\":\"10.0.0.9\"}",
            "time=2026-11-26T02:41:00.123Z level=ERROR msg=x",
            "2026-11-26T03:41:00+0100 nim nginx[12]: x",
            "2026-11-26T03:41:00.123456+01:00 nim nms-dpm[12]: x",
            "10.0.0.9 - - [26/Nov/2026:03:41:00 +0100] \"GET / HTTP/1.1\" 200 1",
        ];
        for line in lines {
            assert_eq!(written_at(line, 7200), Some(1_795_660_860), "{line}");
        }
        assert_eq!(written_at("2026/13/40 99:00:00 x", 0), None);
        assert_eq!(written_at("Nov 26 02:41:00 host nginx: x", 0), None);
        // A character that is longer than a byte at the edge.
        assert_eq!(written_at("2026/11/26 04:41:0é", 0), None);
    }

    #[test]
    fn the_client_of_a_line_is_read() {
        let of = |line| client(line).map(|address| address.to_string());
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
            assert_eq!(client(&line), "10.0.0.9".parse().ok(), "{line}");
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
