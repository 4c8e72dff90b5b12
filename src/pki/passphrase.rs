//! What protects an encrypted key.

use std::fmt;

use zeroize::Zeroizing;

use crate::values::Invalid;

/// A passphrase: wiped when dropped, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    pub fn new(text: Zeroizing<String>) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Err(Invalid("the passphrase is empty".to_owned()));
        }
        // PBKDF2 would take it, but OpenSSL reads no more than this from a prompt or a file.
        if text.len() > 1023 {
            return Err(Invalid("the passphrase has over 1023 bytes".to_owned()));
        }
        Ok(Self(text))
    }

    /// The first line of a file, without its end, as `openssl -passin file:` reads it.
    pub fn from_file(bytes: &[u8]) -> Result<Self, Invalid> {
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match std::str::from_utf8(line) {
            Ok(text) => Self::new(Zeroizing::new(text.to_owned())),
            Err(_) => Err(Invalid("the passphrase is not UTF-8".to_owned())),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(..)")
    }
}
