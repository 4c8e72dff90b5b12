//! The archive itself: packed member by member within its limits, and unpacked again.

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::{LeftOut, MOST_OF_ALL, MOST_OF_ONE, Member, Refused};
use crate::values::shown;

/// The folder in which it unpacks.
const FOLDER: &str = "nim-tls-support";
/// Of a name inside.
const LONGEST_NAME: usize = 200;

pub(super) struct Packer {
    tar: tar::Builder<GzEncoder<Vec<u8>>>,
    members: Vec<Member>,
    names: BTreeSet<String>,
    left: usize,
    full: Vec<LeftOut>,
    now: u64,
}

/// The end that stays where there is no room for all.
#[derive(Clone, Copy)]
enum Keep {
    Beginning,
    End,
}

impl Packer {
    pub(super) fn new(now: i64) -> Self {
        Self {
            tar: tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default())),
            members: Vec::new(),
            names: BTreeSet::new(),
            left: MOST_OF_ALL,
            full: Vec::new(),
            now: u64::try_from(now).unwrap_or_default(),
        }
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    /// What there was no room for.
    pub(super) fn passed_over(&mut self) -> Vec<LeftOut> {
        std::mem::take(&mut self.full)
    }

    /// A text, from its beginning.
    pub(super) fn add(&mut self, name: &str, text: &str) -> Result<(), Refused> {
        self.fitted(name, text, Keep::Beginning, None)
    }

    /// A log, to its end; `cut` says what of it this is.
    pub(super) fn add_end(
        &mut self,
        name: &str,
        text: &str,
        cut: Option<String>,
    ) -> Result<(), Refused> {
        self.fitted(name, text, Keep::End, cut)
    }

    /// What tells of the others.
    pub(super) fn add_in_any_case(&mut self, name: &str, text: &str) -> Result<(), Refused> {
        self.left = self.left.max(MOST_OF_ONE);
        self.add(name, text)
    }

    fn fitted(
        &mut self,
        name: &str,
        text: &str,
        keep: Keep,
        cut: Option<String>,
    ) -> Result<(), Refused> {
        let text = shown(text, false);
        let most = MOST_OF_ONE.min(self.left);
        if most == 0 {
            let why = format!("there is no room: {} MiB are in it", MOST_OF_ALL >> 20);
            self.full.push(LeftOut::new(name, &why));
            return Ok(());
        }
        if text.len() <= most {
            return self.put(name, &text, cut);
        }
        let (text, which) = match keep {
            Keep::Beginning => (&text[..boundary(&text, most)], "first"),
            Keep::End => (&text[boundary(&text, text.len() - most)..], "last"),
        };
        let cut = format!("its {which} {} bytes", text.len());
        self.put(name, text, Some(cut))
    }

    fn put(&mut self, name: &str, text: &str, cut: Option<String>) -> Result<(), Refused> {
        let name = self.free(&format!("{FOLDER}/{}", plain(name)));
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(self.now);
        let added = self.tar.append_data(&mut header, &name, text.as_bytes());
        added.map_err(not_packed)?;
        // A cut may lie within a character, and keeps all of it.
        self.left = self.left.saturating_sub(text.len());
        let bytes = text.len();
        self.members.push(Member { name, bytes, cut });
        Ok(())
    }

    /// Two paths may look alike once they are plain.
    fn free(&mut self, name: &str) -> String {
        let numbered = (2..).map(|number| format!("{name}.{number}"));
        let mut all = std::iter::once(name.to_owned()).chain(numbered);
        let free = all.find(|name| !self.names.contains(name));
        let free = free.unwrap_or_default();
        self.names.insert(free.clone());
        free
    }

    pub(super) fn finish(self) -> Result<(Vec<u8>, Vec<Member>), Refused> {
        let packed = self.tar.into_inner().and_then(GzEncoder::finish);
        Ok((packed.map_err(not_packed)?, self.members))
    }
}

/// Where a text can be cut: here, or where the character begins that is here.
fn boundary(text: &str, at: usize) -> usize {
    let mut places = (0..=at).rev();
    places.find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn not_packed(error: std::io::Error) -> Refused {
    Refused::NotPacked(error.to_string())
}

/// A name that leads nowhere else, for whoever unpacks it, and that every system takes.
fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let parts = name
        .split('/')
        .filter(|part| !matches!(*part, "" | "." | ".."));
    let parts = parts.map(|part| part.replace(|c| !is_plain(c), "_"));
    let whole = parts.collect::<Vec<_>>().join("/");
    // Its end tells more, and it is ASCII by now.
    let end = whole[whole.len().saturating_sub(LONGEST_NAME)..].trim_start_matches('/');
    if end.is_empty() { "unnamed" } else { end }.to_owned()
}

/// What hears the members, and can break off.
type Take<'a> = dyn FnMut(&str, &[u8]) -> Result<(), Refused> + 'a;

/// Gives the name and the bytes of each member, one after the other.
pub(super) fn each(archive: &[u8], take: &mut Take<'_>) -> Result<(), Refused> {
    let mut read = tar::Archive::new(MultiGzDecoder::new(archive));
    for entry in read.entries().map_err(not_packed)? {
        let mut entry = entry.map_err(not_packed)?;
        let name = entry.path().map_err(not_packed)?;
        let name = name.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(not_packed)?;
        take(&name, &bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn unpacked(packer: Packer) -> Vec<(String, String)> {
        let (archive, members) = packer.finish().unwrap();
        let mut found = Vec::new();
        each(&archive, &mut |name, bytes| {
            found.push((name.to_owned(), String::from_utf8(bytes.to_vec()).unwrap()));
            Ok(())
        })
        .unwrap();
        assert_eq!(found.len(), members.len());
        found
    }

    /// Red where a path is taken over as it is, or one member hides another.
    #[test]
    fn names_lead_nowhere_and_are_told_apart() {
        let mut packer = Packer::new(0);
        for name in ["/a/../../b c", "a/b_c", "x\ny", "..", &"é/".repeat(500)] {
            packer.add(name, name).unwrap();
        }
        let names: Vec<String> = unpacked(packer).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names[..4],
            [
                "nim-tls-support/a/b_c",
                "nim-tls-support/a/b_c.2",
                "nim-tls-support/x_y",
                "nim-tls-support/unnamed"
            ]
        );
        assert!(names[4].len() < 250, "{}", names[4]);
    }

    /// Red where a limit is none.
    #[test]
    fn there_is_an_end_to_it_and_that_is_said() {
        let mut packer = Packer::new(0);
        let large = "a".repeat(MOST_OF_ONE) + "b";
        packer.add("first", &large).unwrap();
        packer.add_end("last", &large, None).unwrap();
        for index in 0..6 {
            packer.add(&format!("more-{index}"), &large).unwrap();
        }
        let members = packer.members();
        assert_eq!(members[0].cut.as_deref(), Some("its first 4194304 bytes"));
        assert_eq!(members[1].cut.as_deref(), Some("its last 4194304 bytes"));
        let over = packer.passed_over();
        let names: Vec<&str> = over.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(names, ["more-4", "more-5"]);
        packer.add_in_any_case("about", "about").unwrap();
        let found = unpacked(packer);
        assert_eq!(found.len(), 7);
        assert!(!found[0].1.contains('b') && found[1].1.ends_with('b'));
        // Within a character, where no room is left either.
        let mut packer = Packer::new(0);
        for _ in 0..=MOST_OF_ALL / MOST_OF_ONE {
            let text = "a".to_owned() + &"\u{e9}".repeat(MOST_OF_ONE / 2);
            packer.add_end("x", &text, None).unwrap();
            packer.add("x", &text).unwrap();
        }
        let total: usize = unpacked(packer).iter().map(|(_, text)| text.len()).sum();
        assert!((MOST_OF_ALL..MOST_OF_ALL + 64).contains(&total), "{total}");
    }
}
