//! One request over HTTP/1.1: the UI as a browser sees it, and the agents' path as somebody
//! would try it who hopes that only HTTP/2 is guarded.

use std::io::{self, Read, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use super::client::Session;
use super::fault::Fault;
use super::grpc::EMPTY_MESSAGE;
use super::text::{EXCERPT, USER_AGENT, excerpt, sendable, shown_value};
use super::wire::{Dial, Guarded};

/// Status line and headers may be this long together.
const HEAD_LIMIT: usize = 32 * 1024;

/// What to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The `Host` header, which decides the server block: it need not be the name of the
    /// handshake.
    pub host: String,
    pub path: String,
}

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    pub status: u16,
    pub location: Option<String>,
    pub server: Option<String>,
    pub content_type: Option<String>,
    /// All of them, in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// A server that maps its refusals to gRPC puts them here.
    pub grpc_status: Option<u32>,
    /// The first 200 bytes of the body.
    pub body_excerpt: String,
}

impl HttpAnswer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Session {
    /// `GET`, with at most `patience` for the answer.
    pub fn get(&mut self, request: &HttpRequest, patience: Duration) -> Result<HttpAnswer, Fault> {
        let head = head("GET", request, "")?;
        self.send(head.as_bytes(), patience)?;
        answer(self)
    }

    /// The call of [`Session::grpc`], as a `POST` over HTTP/1.1. nginx passes such a request
    /// on to a gRPC upstream just the same.
    pub fn grpc_over_http11(
        &mut self,
        request: &HttpRequest,
        patience: Duration,
    ) -> Result<HttpAnswer, Fault> {
        let headers = format!(
            "Content-Type: application/grpc\r\nTE: trailers\r\nContent-Length: {}\r\n",
            EMPTY_MESSAGE.len()
        );
        let mut bytes = head("POST", request, &headers)?.into_bytes();
        bytes.extend_from_slice(&EMPTY_MESSAGE);
        self.send(&bytes, patience)?;
        answer(self)
    }
}

/// `GET` without TLS.
pub(super) fn get_without_tls(
    dial: &dyn Dial,
    address: SocketAddr,
    request: &HttpRequest,
    patience: Duration,
) -> Result<HttpAnswer, Fault> {
    let head = head("GET", request, "")?;
    let mut wire = Guarded::dial(dial, address, patience)?;
    wire.write_all(head.as_bytes())?;
    wire.flush()?;
    answer(&mut wire)
}

fn head(method: &str, request: &HttpRequest, headers: &str) -> Result<String, Fault> {
    let path = sendable("path", &request.path)?;
    let host = sendable("host", &request.host)?;
    Ok(format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {USER_AGENT}\r\n\
         Accept: */*\r\n{headers}Connection: close\r\n\r\n"
    ))
}

/// Reads the final answer's head, and as much of the body as is kept.
fn answer(stream: &mut impl Read) -> Result<HttpAnswer, Fault> {
    let mut received = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = end_of_head(&received) {
                break received.drain(..end).collect::<Vec<u8>>();
            }
            if received.len() > HEAD_LIMIT {
                return Err(Fault::TooMuch);
            }
            if !more(stream, &mut received)? {
                return Err(cut_head(&received));
            }
        };
        let (mut answer, chunked) = parse_head(&head)?;
        if answer.status < 200 {
            continue; // an interim answer: the real one follows
        }
        // Room for the framing of chunks. A body that breaks off is as good as a short one.
        while received.len() < 4 * EXCERPT && more(stream, &mut received).unwrap_or(false) {}
        let body = if chunked {
            unchunked(&received)
        } else {
            received
        };
        answer.body_excerpt = excerpt(&body);
        return Ok(answer);
    }
}

/// Reads on; `false` at the end of the connection.
fn more(stream: &mut impl Read, received: &mut Vec<u8>) -> Result<bool, Fault> {
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer) {
        Ok(read) => {
            received.extend_from_slice(&buffer[..read]);
            Ok(read > 0)
        }
        // The end without a farewell in TLS.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn end_of_head(received: &[u8]) -> Option<usize> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

fn cut_head(received: &[u8]) -> Fault {
    if received.is_empty() {
        Fault::Closed
    } else {
        not_http1(received)
    }
}

fn not_http1(found: &[u8]) -> Fault {
    Fault::Protocol {
        expected: "HTTP/1.1",
        found: format!(
            "it begins with \"{}\"",
            excerpt(&found[..found.len().min(40)])
        ),
    }
}

/// The fields that are kept, and whether the body comes in chunks.
fn parse_head(head: &[u8]) -> Result<(HttpAnswer, bool), Fault> {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let status = lines
        .next()
        .and_then(|line| std::str::from_utf8(line).ok())
        .and_then(|line| line.strip_prefix("HTTP/1."))
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| not_http1(head))?;
    let mut answer = HttpAnswer {
        status,
        ..HttpAnswer::default()
    };
    let mut chunked = false;
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = (
            line[..colon].to_ascii_lowercase(),
            line[colon + 1..].trim_ascii(),
        );
        answer
            .headers
            .push((shown_value(&name), shown_value(value)));
        match name.as_slice() {
            b"location" => answer.location = Some(shown_value(value)),
            b"server" => answer.server = Some(shown_value(value)),
            b"content-type" => answer.content_type = Some(shown_value(value)),
            b"grpc-status" => answer.grpc_status = shown_value(value).parse().ok(),
            b"transfer-encoding" => chunked = value.eq_ignore_ascii_case(b"chunked"),
            _ => {}
        }
    }
    Ok((answer, chunked))
}

/// The content of as many chunks as are there.
fn unchunked(mut received: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
        let size = String::from_utf8_lossy(&received[..end]);
        let digits = size.split(';').next().unwrap_or_default().trim();
        let Ok(size @ 1..) = usize::from_str_radix(digits, 16) else {
            break;
        };
        let content = &received[end + 1..];
        body.extend_from_slice(&content[..size.min(content.len())]);
        received = content.get(size.saturating_add(2)..).unwrap_or_default();
    }
    body
}

#[cfg(test)]
mod tests;
