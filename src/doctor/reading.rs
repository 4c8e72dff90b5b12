//! A log, read piece by piece, for it may be larger than memory: the newest lines first.

use std::ops::ControlFlow;
use std::path::Path;

use memchr::{memchr, memrchr};

use crate::host::{Host, HostError};

/// As much as the processor keeps at hand.
const PIECE: u64 = 256 * 1024;
/// A line that is longer is taken in parts.
pub(super) const LONGEST: usize = 1024 * 1024;

/// What gzip begins its files with.
pub(super) const COMPRESSED: [u8; 2] = [0x1f, 0x8b];
/// Of the beginning of a file, to see what it is.
const HEAD: u64 = 64 * 1024;

/// Whole lines of a log, and how many bytes of it have been read.
pub(super) struct Piece<'a> {
    pub(super) text: &'a [u8],
    pub(super) done: u64,
}

/// What hears the pieces. It can break off.
pub(super) type Take<'a> = dyn FnMut(&Piece<'_>) -> ControlFlow<()> + 'a;

pub(super) enum Kind {
    /// With this many bytes.
    Plain(u64),
    Compressed(u64),
}

/// What there is to read; or why it is no log.
pub(super) fn kind(host: &dyn Host, path: &Path) -> Result<Kind, String> {
    let head = host.read_piece(path, 0, HEAD).map_err(in_words)?;
    let real = host.real_path(path).map_err(in_words)?;
    let stat = host
        .stat(real.as_deref().unwrap_or(path))
        .map_err(in_words)?;
    let size = stat.map_or(0, |stat| stat.size);
    if head.starts_with(&COMPRESSED) {
        return Ok(Kind::Compressed(size));
    }
    if memchr(0, &head).is_some() {
        return Err("is no text, and so no log".to_owned());
    }
    Ok(Kind::Plain(size))
}

/// Gives a log of `size` bytes to `take`, from its end to its beginning, in pieces of whole lines.
/// What is written while this reads is not waited for.
pub(super) fn backwards(
    host: &dyn Host,
    path: &Path,
    size: u64,
    take: &mut Take<'_>,
) -> Result<(), String> {
    let mut start = size;
    // The beginning of what was read last: the end of a line.
    let mut held: Vec<u8> = Vec::new();
    while start > 0 {
        let end = start;
        start = end.saturating_sub(PIECE);
        let piece = host
            .read_piece(path, start, end - start)
            .map_err(in_words)?;
        if (piece.len() as u64) < end - start {
            return Err("was cut short or rotated while it was read".to_owned());
        }
        let done = size - start;
        let mut told = |text: &[u8]| {
            let nothing = text.is_empty();
            if nothing {
                ControlFlow::Continue(())
            } else {
                take(&Piece { text, done })
            }
        };
        let after = memrchr(b'\n', &piece).map_or(0, |at| at + 1);
        held = [&piece[after..], &held].concat();
        if after == 0 {
            let long = held.len() > LONGEST || start == 0;
            if long && told(&held).is_break() {
                return Ok(());
            } else if long {
                held.clear();
            }
            continue;
        }
        if told(&held).is_break() {
            return Ok(());
        }
        let first = if start == 0 {
            0
        } else {
            memchr(b'\n', &piece).map_or(0, |at| at + 1)
        };
        if told(&piece[first..after]).is_break() {
            return Ok(());
        }
        held.clear();
        held.extend_from_slice(&piece[..first]);
    }
    Ok(())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what an error is mapped by"
)]
pub(super) fn in_words(error: HostError) -> String {
    if error.is_absence() {
        "is not there".to_owned()
    } else {
        error.to_string()
    }
}
