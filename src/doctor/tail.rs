//! The end of a log, for somebody who reads on by himself.

use std::ops::ControlFlow;
use std::path::Path;

use super::{gzip, reading};
use crate::host::Host;

/// What is unpacked of a compressed log to come to its end.
const MOST_UNPACKED: u64 = 64 << 20;

/// The last lines of a log.
pub struct Tail {
    pub text: Vec<u8>,
    /// Why it is not all of the log, where it is not.
    pub cut: Option<String>,
}

/// At most `most` bytes of whole lines from its end. The error says why it is no log.
pub fn tail(host: &dyn Host, path: &Path, most: usize) -> Result<Tail, String> {
    let (mut text, before, limits) = match reading::kind(host, path)? {
        reading::Kind::Plain(size) => {
            let begin = size.saturating_sub(most as u64);
            let text = host.read_piece(path, begin, most as u64);
            let text = text.map_err(|error| error.to_string())?;
            (text, begin > 0, None)
        }
        reading::Kind::Compressed(_) => unpacked(host, path, most)?,
    };
    if before {
        // Half a line says what it does not mean.
        let whole = text.iter().position(|byte| *byte == b'\n');
        text.drain(..whole.map_or(0, |at| at + 1));
    }
    let cut = before.then(|| format!("its last {} bytes", text.len()));
    Ok(Tail {
        text,
        cut: limits.or(cut),
    })
}

type Unpacked = (Vec<u8>, bool, Option<String>);

fn unpacked(host: &dyn Host, path: &Path, most: usize) -> Result<Unpacked, String> {
    let mut text: Vec<u8> = Vec::new();
    let mut cut = false;
    let limits = gzip::forwards_up_to(host, path, MOST_UNPACKED, &mut |piece| {
        text.extend_from_slice(piece.text);
        if text.len() > most {
            text.drain(..text.len() - most);
            cut = true;
        }
        ControlFlow::Continue(())
    })?;
    Ok((text, cut, limits))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::host::Memory;
    use crate::values::Attributes;

    /// Red where half a line is kept, or the beginning is taken for the end.
    #[test]
    fn the_last_whole_lines_are_given_packed_or_not() {
        let log = b"first\nsecond\nthird\n";
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(log).unwrap();
        let machine = Memory::new();
        for (path, bytes) in [
            ("/a.log", log.to_vec()),
            ("/a.log.gz", packed.finish().unwrap()),
        ] {
            let path = Path::new(path);
            machine
                .place(path, &bytes, &Attributes::root(0o600))
                .unwrap();
            let end = tail(&machine, path, 10).unwrap();
            assert_eq!(end.text, b"third\n");
            assert_eq!(end.cut.as_deref(), Some("its last 6 bytes"));
            let whole = tail(&machine, path, 100).unwrap();
            assert_eq!((whole.text.as_slice(), whole.cut), (&log[..], None));
        }
    }
}
