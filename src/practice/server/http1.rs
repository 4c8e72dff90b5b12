//! One request after the other over HTTP/1.1.

use std::io::{self, BufRead, BufReader, Read, Write};

use super::asked::{Answer, Request, reason};

const LONGEST_HEAD: u64 = 32 << 10;
const LONGEST_BODY: u64 = 1 << 20;

/// Answers requests until one of the two sides has enough. The body of a request is read and
/// means nothing.
pub(super) fn serve(
    stream: &mut (impl Read + Write),
    answer: &dyn Fn(&Request) -> Answer,
) -> io::Result<()> {
    let mut stream = BufReader::new(Both(stream));
    while let Some(request) = read(&mut stream)? {
        let length = request
            .header("content-length")
            .and_then(|text| text.parse().ok());
        let body = length.unwrap_or(0).min(LONGEST_BODY);
        io::copy(&mut (&mut stream).take(body), &mut io::sink())?;
        let keep = request.header("connection") != Some("close");
        let answer = answer(&request);
        if answer.status == 444 {
            return Ok(());
        }
        write(stream.get_mut().0, &answer, keep, request.method != "HEAD")?;
        if !keep {
            return Ok(());
        }
    }
    Ok(())
}

/// Something that reads, kept so that it can be written to as well.
struct Both<'s, S>(&'s mut S);

impl<S: Read> Read for Both<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

/// `None`: the other side has hung up.
fn read(stream: &mut impl BufRead) -> io::Result<Option<Request>> {
    let bad = || io::Error::from(io::ErrorKind::InvalidData);
    let mut head = stream.take(LONGEST_HEAD);
    let mut line = String::new();
    if head.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_ascii_whitespace();
    let (Some(method), Some(uri), Some(_)) = (words.next(), words.next(), words.next()) else {
        return Err(bad());
    };
    let mut request = Request {
        method: method.to_owned(),
        uri: uri.to_owned(),
        version: "HTTP/1.1",
        ..Request::default()
    };
    loop {
        let mut line = String::new();
        if head.read_line(&mut line)? == 0 {
            return Err(bad());
        }
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let header = (name.to_ascii_lowercase(), value.trim().to_owned());
        request.headers.push(header);
    }
    let host = request.header("host").unwrap_or_default();
    request.host = without_port(host);
    Ok(Some(request))
}

pub(super) fn without_port(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.to_ascii_lowercase()
}

fn write(stream: &mut impl Write, answer: &Answer, keep: bool, body: bool) -> io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 {} {}\r\nServer: nginx\r\n",
        answer.status,
        reason(answer.status)
    );
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let connection = if keep { "keep-alive" } else { "close" };
    head.push_str(&format!(
        "content-length: {}\r\nconnection: {connection}\r\n\r\n",
        answer.body.len()
    ));
    stream.write_all(head.as_bytes())?;
    if body {
        stream.write_all(&answer.body)?;
    }
    stream.flush()
}
