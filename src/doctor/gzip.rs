//! A compressed log, read as it is unpacked, from its beginning: it cannot be read from its end.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;
use memchr::memrchr;

use super::reading::{LONGEST, Piece, Take};
use crate::host::Host;

const PIECE: u64 = 256 * 1024;
/// What a small file can be blown up to without an end is read so far, and so long.
const MOST: u64 = 4 << 30;
const LONGEST_TIME: Duration = Duration::from_secs(120);

/// A file of a host as something to read from.
struct Packed<'a> {
    host: &'a dyn Host,
    path: &'a Path,
    /// Bytes so far; shared, because the decoder owns this.
    at: &'a Cell<u64>,
}

impl Read for Packed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self
            .host
            .read_piece(self.path, self.at.get(), into.len() as u64);
        let read = read.map_err(|error| io::Error::other(error.to_string()))?;
        into[..read.len()].copy_from_slice(&read);
        self.at.set(self.at.get() + read.len() as u64);
        Ok(read.len())
    }
}

/// Gives what is in a compressed log to `take`, in pieces of whole lines, and says where it was
/// not all of it.
pub(super) fn forwards(
    host: &dyn Host,
    path: &Path,
    take: &mut Take<'_>,
) -> Result<Option<String>, String> {
    forwards_up_to(host, path, MOST, take)
}

pub(super) fn forwards_up_to(
    host: &dyn Host,
    path: &Path,
    most: u64,
    take: &mut Take<'_>,
) -> Result<Option<String>, String> {
    let at = Cell::new(0);
    let begun = host.uptime();
    let packed = Packed {
        host,
        path,
        at: &at,
    };
    let mut unpacked = MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, packed));
    let mut text = Vec::new();
    let mut total = 0;
    loop {
        let before = text.len();
        let read = unpacked.by_ref().take(PIECE).read_to_end(&mut text);
        let ended = !matches!(read, Ok(read) if read as u64 == PIECE);
        let whole = match memrchr(b'\n', &text) {
            _ if ended || text.len() > LONGEST => text.len(),
            Some(at) => at + 1,
            None => 0,
        };
        total += (text.len() - before) as u64;
        if whole > 0 {
            let piece = Piece {
                text: &text[..whole],
                done: at.get(),
            };
            if take(&piece) == ControlFlow::Break(()) {
                return Ok(None);
            }
        }
        text.drain(..whole);
        if let Err(error) = read {
            return Err(format!("could not be unpacked to its end: {error}"));
        }
        if ended {
            return Ok(None);
        }
        if total >= most {
            return Ok(Some(format!(
                "no more than {} of what is in it",
                shown(most)
            )));
        }
        if host.uptime().saturating_sub(begun) > LONGEST_TIME {
            return Ok(Some(format!(
                "what could be unpacked in {} s",
                LONGEST_TIME.as_secs()
            )));
        }
    }
}

fn shown(bytes: u64) -> String {
    match bytes >> 30 {
        0 => format!("{bytes} bytes"),
        gib => format!("{gib} GiB"),
    }
}
