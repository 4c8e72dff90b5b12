//! PEM: base64 between two marked lines, with anything around it.

use zeroize::Zeroizing;

/// No PEM file this program reads is larger: a bundle of every public root is a fifth of it.
pub const LARGEST_PEM: usize = 1024 * 1024;

/// One block of a PEM file. The contents are wiped when dropped, because they may be a key.
pub struct PemBlock {
    /// What stands after BEGIN: `CERTIFICATE`, `EC PRIVATE KEY`.
    pub label: String,
    pub contents: Zeroizing<Vec<u8>>,
    /// Whether the block says in its header lines that OpenSSL encrypted it (RFC 1421).
    pub encrypted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemFault {
    #[error("it is larger than 1 MiB")]
    TooLarge,
    /// A BEGIN line without its END line, or text between them that is not base64.
    #[error("it holds a PEM block that is cut short or damaged")]
    Damaged,
}

/// All blocks of a PEM file, in order; none where it is not PEM at all.
pub fn pem_blocks(bytes: &[u8]) -> Result<Vec<PemBlock>, PemFault> {
    if bytes.len() > LARGEST_PEM {
        return Err(PemFault::TooLarge);
    }
    let begun = begin_lines(bytes);
    if begun == 0 {
        return Ok(Vec::new());
    }
    let parsed = pem::parse_many(bytes).map_err(|_| PemFault::Damaged)?;
    // The parser passes over a block that does not end; OpenSSL, and so nginx, does not.
    if parsed.len() != begun {
        return Err(PemFault::Damaged);
    }
    Ok(parsed
        .into_iter()
        .map(|block| PemBlock {
            label: block.tag().to_owned(),
            encrypted: block
                .headers()
                .get("Proc-Type")
                .is_some_and(|kind| kind.contains("ENCRYPTED")),
            contents: Zeroizing::new(block.into_contents()),
        })
        .collect())
}

/// What a file is, for a message that says what was found instead: "a private key", "nothing".
pub fn what_is(bytes: &[u8]) -> String {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return "nothing: it is empty".to_owned();
    }
    let label = match pem_blocks(bytes) {
        Err(fault) => return fault.to_string(),
        Ok(blocks) => blocks.into_iter().next().map(|block| block.label),
    };
    match label.as_deref() {
        Some("CERTIFICATE" | "X509 CERTIFICATE") => "a certificate".to_owned(),
        Some("TRUSTED CERTIFICATE") => "a certificate in OpenSSL's own TRUSTED form".to_owned(),
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => {
            "a certificate signing request".to_owned()
        }
        Some("X509 CRL") => "a revocation list".to_owned(),
        Some("PUBLIC KEY") => "a public key".to_owned(),
        Some("ENCRYPTED PRIVATE KEY") => "an encrypted private key".to_owned(),
        Some(other) if other.ends_with("PRIVATE KEY") => "a private key".to_owned(),
        Some(other) => format!("a PEM block \"{}\"", crate::values::escaped(other)),
        // A DER file begins with a SEQUENCE whose length takes one or two further bytes.
        None if bytes.starts_with(&[0x30, 0x82]) || bytes.starts_with(&[0x30, 0x81]) => {
            "binary (DER), not PEM".to_owned()
        }
        None => "something that is not PEM".to_owned(),
    }
}

fn begin_lines(bytes: &[u8]) -> usize {
    const BEGIN: &[u8] = b"-----BEGIN ";
    bytes
        .windows(BEGIN.len())
        .filter(|window| *window == BEGIN)
        .count()
}
