//! Frames of HTTP/2 (RFC 9113, sections 4 and 6), as far as one request needs them.

use std::io::Read;

use crate::values::escaped;

use super::fault::Fault;

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The longest payload a peer may send to somebody who has not asked for longer ones.
pub const LONGEST: usize = 16_384;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const ACK: u8 = 0x1;
pub const END_STREAM: u8 = 0x1;
pub const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const PRIORITY: u8 = 0x20;

/// One frame, as it travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The next frame; `None` where the peer closed the connection between two frames.
    pub fn read(stream: &mut dyn Read) -> Result<Option<Self>, Fault> {
        let mut head = [0; 9];
        let mut filled = 0;
        while filled < head.len() {
            match stream.read(&mut head[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(Fault::Closed),
                Ok(read) => filled += read,
                Err(error) => return Err(error.into()),
            }
        }
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        if length > LONGEST {
            return Err(not_http2(&String::from_utf8_lossy(&head)));
        }
        let mut payload = vec![0; length];
        stream.read_exact(&mut payload)?;
        Ok(Some(Self {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff,
            payload,
        }))
    }

    /// Whether this flag is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// What a DATA or HEADERS frame carries, without padding and priority.
    pub fn content(&self) -> Result<&[u8], Fault> {
        let mut content = self.payload.as_slice();
        let mut padding = 0;
        if self.has(PADDED) {
            let (length, rest) = content.split_first().ok_or_else(malformed)?;
            padding = usize::from(*length);
            content = rest;
        }
        if self.kind == HEADERS && self.has(PRIORITY) {
            content = content.get(5..).ok_or_else(malformed)?;
        }
        let end = content.len().checked_sub(padding).ok_or_else(malformed)?;
        Ok(&content[..end])
    }

    /// The four-byte number at `offset` of the payload: an error code, mostly.
    pub(super) fn number(&self, offset: usize) -> Result<u32, Fault> {
        let bytes = self.payload.get(offset..offset + 4).ok_or_else(malformed)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Appends this frame as it travels. The payload must not be over [`LONGEST`].
    pub fn write(&self, out: &mut Vec<u8>) {
        debug_assert!(self.payload.len() <= LONGEST);
        let length = u32::try_from(self.payload.len()).unwrap_or(0).to_be_bytes();
        out.extend_from_slice(&length[1..]);
        out.extend_from_slice(&[self.kind, self.flags]);
        out.extend_from_slice(&self.stream.to_be_bytes());
        out.extend_from_slice(&self.payload);
    }
}

pub(super) fn not_http2(found: &str) -> Fault {
    Fault::Protocol {
        expected: "HTTP/2",
        found: format!("it begins with \"{}\"", escaped(found)),
    }
}

/// The fault of frames that contradict themselves.
pub fn malformed() -> Fault {
    Fault::Protocol {
        expected: "HTTP/2",
        found: "a frame with contradictory lengths".to_owned(),
    }
}
