//! A checksum at the end of a receipt: a bit that a disk has turned may leave valid JSON that
//! names another file.

use crate::values::Digest;

/// Between what is sealed and its checksum.
const SEAL: &str = ",\n  \"sealed\": \"";
const END: &str = "\"\n}\n";

/// A pretty JSON object with the checksum of all before it as its last field.
pub(super) fn sealed(object: &str) -> String {
    let open = object.trim_end().trim_end_matches('}').trim_end();
    format!("{open}{SEAL}{}{END}", Digest::of(open.as_bytes()))
}

/// Whether its bytes are those that were sealed. Receipts of before there were seals have none.
pub(super) fn holds(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((open, seal)) = text.rsplit_once(SEAL) else {
        return true;
    };
    seal.strip_suffix(END) == Some(&Digest::of(open.as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red where a seal says nothing of some byte.
    #[test]
    fn every_byte_but_those_of_its_name_is_sealed() {
        let text = sealed("{\n  \"schema\": 1,\n  \"run\": \"a}\"\n}");
        let read: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(read["run"], "a}");
        assert!(holds(text.as_bytes()));
        let name = text.find(SEAL).expect("it is sealed");
        for at in (0..text.len()).filter(|at| !(name..name + SEAL.len()).contains(at)) {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(!holds(&bytes), "{at}");
        }
        assert!(holds(b"{\n  \"schema\": 1\n}\n"), "an older one");
    }
}
