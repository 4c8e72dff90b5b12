//! Requests over HTTP/2, each answered when it is whole.

use std::io::{Read, Write};

use loona_hpack::{Decoder, Encoder};

use super::asked::{Answer, Request};
use super::http1::without_port;
use crate::verify::Fault;
use crate::verify::frame::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, LONGEST, PING,
    PREFACE, SETTINGS, malformed,
};

/// A request that is not whole yet.
#[derive(Default)]
struct Begun {
    stream: u32,
    block: Vec<u8>,
    ends: bool,
    request: Option<Request>,
}

/// Answers requests until the other side hangs up.
pub(super) fn serve(
    stream: &mut (impl Read + Write),
    answer: &dyn Fn(&Request) -> Answer,
) -> Result<(), Fault> {
    let mut preface = [0; PREFACE.len()];
    stream.read_exact(&mut preface)?;
    if preface != PREFACE {
        return Err(malformed());
    }
    send(stream, SETTINGS, 0, 0, &[])?;
    let mut decoder = Decoder::new();
    let mut encoder = Encoder::new();
    let mut begun: Vec<Begun> = Vec::new();
    while let Some(frame) = Frame::read(stream)? {
        match frame.kind {
            SETTINGS if !frame.has(ACK) => send(stream, SETTINGS, ACK, 0, &[])?,
            PING if !frame.has(ACK) => send(stream, PING, ACK, 0, &frame.payload)?,
            GOAWAY => return Ok(()),
            _ => {}
        }
        let known = begun.iter().position(|one| one.stream == frame.stream);
        let Some(at) = known.or_else(|| (frame.kind == HEADERS).then_some(begun.len())) else {
            continue;
        };
        if at == begun.len() {
            let stream = frame.stream;
            begun.push(Begun {
                stream,
                ..Begun::default()
            });
        }
        let one = &mut begun[at];
        one.ends |= matches!(frame.kind, HEADERS | DATA) && frame.has(END_STREAM);
        if matches!(frame.kind, HEADERS | CONTINUATION) {
            one.block.extend_from_slice(frame.content()?);
            if one.block.len() > 2 * LONGEST {
                return Err(malformed());
            }
            if frame.has(END_HEADERS) {
                one.request = Some(request(&mut decoder, &std::mem::take(&mut one.block))?);
            }
        }
        if one.ends
            && let Some(request) = one.request.take()
        {
            begun.swap_remove(at);
            let answer = answer(&request);
            if answer.status == 444 {
                return Ok(());
            }
            write(stream, &mut encoder, frame.stream, &answer)?;
        }
    }
    Ok(())
}

fn request(decoder: &mut Decoder<'static>, block: &[u8]) -> Result<Request, Fault> {
    let mut request = Request {
        version: "HTTP/2.0",
        ..Request::default()
    };
    let mut host = String::new();
    let decoded = decoder.decode_with_cb(block, |name, value| {
        let value = String::from_utf8_lossy(&value).into_owned();
        match &*name {
            b":method" => request.method = value,
            b":path" => request.uri = value,
            b":authority" => host = value,
            name => {
                let name = String::from_utf8_lossy(name).into_owned();
                request.headers.push((name, value));
            }
        }
    });
    decoded.map_err(|_| malformed())?;
    request.host = without_port(&host);
    Ok(request)
}

fn write(
    stream: &mut impl Write,
    encoder: &mut Encoder<'static>,
    id: u32,
    answer: &Answer,
) -> Result<(), Fault> {
    let status = answer.status.to_string();
    let mut fields: Vec<(&[u8], &[u8])> =
        vec![(b":status", status.as_bytes()), (b"server", b"nginx")];
    let own = answer.headers.iter();
    fields.extend(own.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let block = encoder.encode(fields);
    let ends = if answer.body.is_empty() {
        END_STREAM
    } else {
        0
    };
    send(stream, HEADERS, END_HEADERS | ends, id, &block)?;
    let mut parts = answer.body.chunks(LONGEST).peekable();
    while let Some(part) = parts.next() {
        let ends = if parts.peek().is_none() {
            END_STREAM
        } else {
            0
        };
        send(stream, DATA, ends, id, part)?;
    }
    Ok(())
}

fn send(
    stream: &mut impl Write,
    kind: u8,
    flags: u8,
    id: u32,
    payload: &[u8],
) -> Result<(), Fault> {
    let mut bytes = Vec::with_capacity(payload.len() + 9);
    let payload = payload.to_vec();
    Frame {
        kind,
        flags,
        stream: id,
        payload,
    }
    .write(&mut bytes);
    stream.write_all(&bytes)?;
    Ok(stream.flush()?)
}
