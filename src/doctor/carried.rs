//! What stands around a line that somebody else carries: the journal, rsyslog, containers, shippers
//! of logs.

use memchr::{memchr_iter, memmem};

/// Where the line of the program itself begins, behind what carries it: in the JSON of containers
/// and of shippers of logs; or behind what the journal, rsyslog and containers put before it:
/// `2026-11-26T03:41:00+01:00 nim nginx[12]: `, without the name of the host in what is made of the
/// journal here, and `2026-11-26T02:41:00Z stderr F `.
pub(super) fn carried(line: &[u8]) -> usize {
    const LENGTH: usize = 19;
    const LONGEST: usize = 200;
    if line.first() == Some(&b'{') {
        return of_json(line, &["log", "message", "MESSAGE"]).unwrap_or(0);
    }
    if line.get(4) != Some(&b'-') || line.get(10) != Some(&b'T') {
        return 0;
    }
    let head = &line[..line.len().min(LONGEST)];
    let mut blanks = memchr_iter(b' ', head).filter(|at| *at >= LENGTH);
    let (zone, second, third) = (blanks.next(), blanks.next(), blanks.next());
    let is_program = |begin: usize, end: usize| end > begin + 1 && head[end - 1] == b':';
    let is_stream = |begin: usize, end: usize| {
        let word = &head[begin + 1..end];
        word == b"stderr" || word == b"stdout"
    };
    match (zone, second, third) {
        (Some(zone), Some(end), _) if is_program(zone, end) => end + 1,
        (Some(zone), Some(stream), Some(end)) if is_stream(zone, stream) => end + 1,
        (Some(_), Some(host), Some(end)) if is_program(host, end) => end + 1,
        _ => 0,
    }
}

/// Where the text of the first of these fields begins.
pub(super) fn of_json(line: &[u8], fields: &[&str]) -> Option<usize> {
    fields.iter().find_map(|field| {
        let name = format!("\"{field}\":");
        let behind = memmem::find(line, name.as_bytes())? + name.len();
        let blanks = line[behind..].iter().take_while(|byte| **byte == b' ');
        let quote = behind + blanks.count();
        (line.get(quote) == Some(&b'"')).then_some(quote + 1)
    })
}
