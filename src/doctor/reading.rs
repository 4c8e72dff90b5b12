//! A log, read piece by piece: it may be larger than memory.

use std::path::Path;

use memchr::memrchr;

use crate::host::{Host, HostError};

const PIECE: u64 = 1024 * 1024;
/// A line that is longer is taken in parts.
const LONGEST: usize = 4 * 1024 * 1024;

/// Gives a log to `take`, in pieces that end with a line.
pub(super) fn pieces(
    host: &dyn Host,
    path: &Path,
    mut take: impl FnMut(&[u8]),
) -> Result<(), HostError> {
    let mut offset = 0;
    let mut held = Vec::new();
    loop {
        let piece = host.read_piece(path, offset, PIECE)?;
        offset += piece.len() as u64;
        held.extend_from_slice(&piece);
        // What is written while this reads is not waited for.
        if (piece.len() as u64) < PIECE {
            break;
        }
        let end = match memrchr(b'\n', &held) {
            Some(at) => at + 1,
            None if held.len() > LONGEST => held.len(),
            None => 0,
        };
        take(&held[..end]);
        held.drain(..end);
    }
    take(&held);
    Ok(())
}
