//! A log, read piece by piece: it may be larger than memory.

use std::path::Path;

use memchr::{memchr, memrchr};

use crate::host::{Host, HostError};

const PIECE: u64 = 1024 * 1024;
/// A line that is longer is taken in parts.
const LONGEST: usize = 4 * 1024 * 1024;

/// What gzip begins its files with.
const COMPRESSED: [u8; 2] = [0x1f, 0x8b];

/// Gives a log to `take`, in pieces that end with a line; or says why there is none.
pub(super) fn pieces(
    host: &dyn Host,
    path: &Path,
    mut take: impl FnMut(&[u8]),
) -> Result<(), String> {
    let mut offset = 0;
    let mut held = Vec::new();
    loop {
        let piece = host.read_piece(path, offset, PIECE).map_err(in_words)?;
        if offset == 0 {
            refuse_what_is_no_text(&piece)?;
        }
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

fn refuse_what_is_no_text(begin: &[u8]) -> Result<(), String> {
    if begin.starts_with(&COMPRESSED) {
        return Err("is compressed; zcat FILE > NEW-FILE makes a log of it".to_owned());
    }
    if memchr(0, begin).is_some() {
        return Err("is no text, and so no log".to_owned());
    }
    Ok(())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what an error is mapped by"
)]
fn in_words(error: HostError) -> String {
    if error.is_absence() {
        "is not there".to_owned()
    } else {
        error.to_string()
    }
}
