//! One gRPC call with an empty message, over HTTP/2: what an agent's request meets.
//!
//! It calls what the caller names, and the proof names a method that does not exist. So no
//! agent is registered by it, and the status tells who answered: the manager says 12
//! (unimplemented), a gate that refuses says something else.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use loona_hpack::{Decoder, Encoder};

use super::client::Session;
use super::fault::Fault;
use super::frame::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, PREFACE,
    PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, malformed, not_http2,
};
use super::text::{EXCERPT, USER_AGENT, excerpt, sendable, shown_value};
use super::wire::{Dial, Guarded, READ_LIMIT};

/// The compressed header block of one answer may be this long, continuations included.
const BLOCK_LIMIT: usize = 32 * 1024;

/// What both sides start with: the size of the table of earlier headers.
const TABLE_SIZE: usize = 4096;

/// The only stream there is.
const STREAM: u32 = 1;

/// A message of length 0: one byte "not compressed", four bytes of length.
pub(super) const EMPTY_MESSAGE: [u8; 5] = [0; 5];

/// What to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcRequest {
    /// The `:authority`, which decides the server block: it need not be the name of the
    /// handshake.
    pub authority: String,
    /// `/package.Service/Method`.
    pub path: String,
}

/// What came back, as far as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GrpcAnswer {
    pub http_status: Option<u16>,
    pub content_type: Option<String>,
    pub grpc_status: Option<u32>,
    /// Percent-decoded.
    pub grpc_message: Option<String>,
    /// The `server` header.
    pub server: Option<String>,
    /// The first 200 bytes of the body: a page of HTML where nginx itself refused.
    pub body_excerpt: String,
    pub end: GrpcEnd,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum GrpcEnd {
    #[default]
    Complete,
    /// The server cancelled the call; the number is an HTTP/2 error code.
    Reset(u32),
    /// The server gave up the whole connection, with an HTTP/2 error code.
    GoAway(u32),
    /// The connection ended, time ran out or too much came, after an answer had begun.
    Cut,
}

impl Session {
    /// Calls `request` and waits at most `patience` for the answer to end.
    ///
    /// # Errors
    /// A [`Fault`] where no answer began: [`Fault::Protocol`] from a server without HTTP/2.
    pub fn grpc(&mut self, request: &GrpcRequest, patience: Duration) -> Result<GrpcAnswer, Fault> {
        let bytes = call(request)?;
        self.send(&bytes, patience)?;
        listen(self)
    }
}

/// The same over a connection without TLS.
pub(super) fn grpc_without_tls(
    dial: &dyn Dial,
    address: SocketAddr,
    request: &GrpcRequest,
    patience: Duration,
) -> Result<GrpcAnswer, Fault> {
    let bytes = call(request)?;
    let mut wire = Guarded::dial(dial, address, patience)?;
    wire.write_all(&bytes)?;
    wire.flush()?;
    listen(&mut wire)
}

/// The whole of our side: the preface, settings, the call and its message.
fn call(request: &GrpcRequest) -> Result<Vec<u8>, Fault> {
    // Nothing pushed, and windows as large as what is read at most: they need no tending.
    let window = u32::try_from(READ_LIMIT).unwrap_or(u32::MAX).to_be_bytes();
    let settings = [&[0, 2, 0, 0, 0, 0, 0, 4], &window[..]].concat();
    let fields: [(&[u8], &[u8]); 7] = [
        (b":method", b"POST"),
        (b":scheme", b"https"),
        (b":path", sendable("path", &request.path)?.as_bytes()),
        (
            b":authority",
            sendable("authority", &request.authority)?.as_bytes(),
        ),
        (b"content-type", b"application/grpc"),
        (b"te", b"trailers"),
        (b"user-agent", USER_AGENT.as_bytes()),
    ];
    let mut out = PREFACE.to_vec();
    let frame = |kind, flags, stream, payload: &[u8]| Frame {
        kind,
        flags,
        stream,
        payload: payload.to_vec(),
    };
    frame(SETTINGS, 0, 0, &settings).write(&mut out);
    frame(WINDOW_UPDATE, 0, 0, &window).write(&mut out);
    frame(HEADERS, END_HEADERS, STREAM, &Encoder::new().encode(fields)).write(&mut out);
    frame(DATA, END_STREAM, STREAM, &EMPTY_MESSAGE).write(&mut out);
    Ok(out)
}

/// Reads frames, and answers those that want it, until the call has ended.
fn listen(stream: &mut (impl Read + Write)) -> Result<GrpcAnswer, Fault> {
    let mut call = Call::new();
    loop {
        let next = Frame::read(stream).and_then(|frame| match frame {
            Some(frame) => call.take(&frame),
            None => Err(Fault::Closed),
        });
        match next {
            Ok(Next::Wait) => {}
            Ok(Next::Reply(reply)) => {
                let mut bytes = Vec::new();
                reply.write(&mut bytes);
                // Whether the peer still listens does not matter: it may have answered already.
                let _ = stream.write_all(&bytes).and_then(|()| stream.flush());
            }
            Ok(Next::End(end)) => return Ok(call.into_answer(end)),
            Err(fault) => return call.cut_short(fault),
        }
    }
}

/// One call as seen so far.
struct Call {
    decoder: Decoder<'static>,
    greeted: bool,
    /// A header block whose end has not come yet, and whether the stream ends with it.
    block: Option<(Vec<u8>, bool)>,
    body: Vec<u8>,
    answer: GrpcAnswer,
    going_away: Option<u32>,
}

enum Next {
    Wait,
    Reply(Frame),
    End(GrpcEnd),
}

impl Call {
    fn new() -> Self {
        let mut decoder = Decoder::new();
        decoder.set_max_allowed_table_size(TABLE_SIZE);
        Self {
            decoder,
            greeted: false,
            block: None,
            body: Vec::new(),
            answer: GrpcAnswer::default(),
            going_away: None,
        }
    }

    fn take(&mut self, frame: &Frame) -> Result<Next, Fault> {
        if !self.greeted {
            if frame.kind != SETTINGS || frame.has(ACK) {
                return Err(not_http2(&String::from_utf8_lossy(&frame.payload)));
            }
            self.greeted = true;
        }
        if self.block.is_some() && (frame.kind != CONTINUATION || frame.stream != STREAM) {
            return Err(malformed());
        }
        match (frame.kind, frame.stream) {
            (SETTINGS, 0) if !frame.has(ACK) => Ok(Next::Reply(reply(SETTINGS, &[]))),
            (PING, 0) if !frame.has(ACK) => Ok(Next::Reply(reply(PING, &frame.payload))),
            (GOAWAY, 0) => self.go_away(frame),
            (HEADERS, STREAM) => {
                let block = frame.content()?.to_vec();
                self.headers(block, frame.has(END_STREAM), frame.has(END_HEADERS))
            }
            (CONTINUATION, STREAM) => {
                let (mut block, ends) = self.block.take().ok_or_else(malformed)?;
                block.extend_from_slice(&frame.payload);
                self.headers(block, ends, frame.has(END_HEADERS))
            }
            (DATA, STREAM) => {
                let room = EXCERPT - self.body.len();
                self.body.extend(frame.content()?.iter().take(room));
                Ok(if frame.has(END_STREAM) {
                    Next::End(GrpcEnd::Complete)
                } else {
                    Next::Wait
                })
            }
            (RST_STREAM, STREAM) => Ok(Next::End(GrpcEnd::Reset(frame.number(0)?))),
            (PUSH_PROMISE, _) => Err(malformed()),
            _ => Ok(Next::Wait),
        }
    }

    fn headers(&mut self, block: Vec<u8>, ends: bool, whole: bool) -> Result<Next, Fault> {
        if block.len() > BLOCK_LIMIT {
            return Err(Fault::TooMuch);
        }
        if !whole {
            self.block = Some((block, ends));
            return Ok(Next::Wait);
        }
        let answer = &mut self.answer;
        if answer.http_status.is_some_and(|status| status < 200) {
            *answer = GrpcAnswer::default();
        }
        self.decoder
            .decode_with_cb(&block, |name, value| answer.note(&name, &value))
            .map_err(|_| malformed())?;
        Ok(if ends {
            Next::End(GrpcEnd::Complete)
        } else {
            Next::Wait
        })
    }

    /// A polite goodbye lets our call finish; any other ends it.
    fn go_away(&mut self, frame: &Frame) -> Result<Next, Fault> {
        let (last, code) = (frame.number(0)? & 0x7fff_ffff, frame.number(4)?);
        self.going_away = Some(code);
        Ok(if code == 0 && last >= STREAM {
            Next::Wait
        } else {
            Next::End(GrpcEnd::GoAway(code))
        })
    }

    fn cut_short(self, fault: Fault) -> Result<GrpcAnswer, Fault> {
        match (self.answer.http_status, self.going_away) {
            (Some(_), _) => Ok(self.into_answer(GrpcEnd::Cut)),
            (None, Some(code)) => Ok(self.into_answer(GrpcEnd::GoAway(code))),
            (None, None) => Err(fault),
        }
    }

    fn into_answer(self, end: GrpcEnd) -> GrpcAnswer {
        GrpcAnswer {
            body_excerpt: excerpt(&self.body),
            end,
            ..self.answer
        }
    }
}

impl GrpcAnswer {
    fn note(&mut self, name: &[u8], value: &[u8]) {
        let number = || std::str::from_utf8(value).ok().map(str::trim);
        match name {
            b":status" => self.http_status = number().and_then(|text| text.parse().ok()),
            b"grpc-status" => self.grpc_status = number().and_then(|text| text.parse().ok()),
            b"grpc-message" => self.grpc_message = Some(shown_value(&percent_decoded(value))),
            b"content-type" => self.content_type = Some(shown_value(value)),
            b"server" => self.server = Some(shown_value(value)),
            _ => {}
        }
    }
}

fn reply(kind: u8, payload: &[u8]) -> Frame {
    Frame {
        kind,
        flags: ACK,
        stream: 0,
        payload: payload.to_vec(),
    }
}

fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut decoded = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, after)) = rest.split_first() {
        let hex = match after {
            [high, low, ..] if first == b'%' => digit(*high).zip(digit(*low)),
            _ => None,
        };
        let code = hex.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        decoded.push(code.unwrap_or(first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    decoded
}

#[cfg(test)]
mod tests;
