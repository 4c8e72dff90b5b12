//! A private key in pieces, so that a text can be searched for any part of it.

use zeroize::Zeroizing;

use super::key::SecretKey;
use crate::certificate::pem_blocks;

/// Characters of base64 in one piece: few enough that a line of a key holds two of them.
pub const PIECE: usize = 24;
/// What they stand for.
const BYTES: usize = PIECE / 4 * 3;

/// The pieces of every private key in a PEM file, as they stand there in base64. What the public
/// half has too is no secret: certificates hold it.
pub fn secret_pieces(pem: &[u8]) -> Zeroizing<Vec<[u8; PIECE]>> {
    let mut pieces = Zeroizing::new(Vec::new());
    let keys = pem_blocks(pem).unwrap_or_default().into_iter();
    for block in keys.filter(|block| block.label.ends_with("PRIVATE KEY")) {
        let public = SecretKey::from_block(&block, None);
        let public = public.map_or_else(|_| Vec::new(), |key| key.public_key());
        let is_public =
            |part: &[u8]| part.len() == BYTES && public.windows(BYTES).any(|one| one == part);
        for part in block.contents.chunks_exact(BYTES) {
            if !is_public(part) {
                pieces.push(in_base64(part));
            }
        }
    }
    pieces
}

fn in_base64(part: &[u8]) -> [u8; PIECE] {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = [0; PIECE];
    for (four, three) in text.chunks_exact_mut(4).zip(part.chunks_exact(3)) {
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        for (letter, shift) in four.iter_mut().zip([18, 12, 6, 0]) {
            *letter = LETTERS[(bits >> shift & 63) as usize];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::certificate::KeyKind;

    /// Red where a piece is cut elsewhere, or the letters are others.
    #[test]
    fn the_pieces_stand_in_the_file() {
        for kind in [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa2048] {
            let key = SecretKey::generate(kind).unwrap();
            let pem = key.to_pem().unwrap();
            let lines = pem.lines().filter(|line| !line.starts_with('-'));
            let text: String = lines.collect();
            let pieces = secret_pieces(pem.as_bytes());
            assert!(pieces.len() > 3);
            for piece in pieces.iter() {
                let piece = std::str::from_utf8(piece).unwrap();
                assert!(text.contains(piece), "{piece}");
            }
        }
    }

    /// Red where the public half counts as a secret: its certificate would then be one.
    #[test]
    fn the_public_half_is_no_secret() {
        let key = SecretKey::generate(KeyKind::Rsa2048).unwrap();
        let pieces = secret_pieces(key.to_pem().unwrap().as_bytes());
        let whole = key.pkcs8_der().len() / BYTES;
        // A modulus of 256 bytes fills 13 of them.
        assert!(
            (whole - 14..=whole - 12).contains(&pieces.len()),
            "{}",
            pieces.len()
        );
        let public = key.public_key();
        for at in 0..public.len() - BYTES {
            assert!(!pieces.contains(&in_base64(&public[at..at + BYTES])));
        }
    }
}
