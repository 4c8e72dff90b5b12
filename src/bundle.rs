//! What an agent is handed, as one file: a `.tar.gz` of `agent.crt`, `agent.key` and `ca.pem`, with
//! or without a folder around them. Read from memory, and nothing of it is unpacked to a disk.

use std::io::Read as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use zeroize::Zeroizing;

use crate::values::AbsPath;

/// Bytes of all that is in one, unpacked.
const LARGEST: u64 = 8 << 20;
const ENDINGS: [&str; 2] = [".tar.gz", ".tgz"];

/// The archive and the name in it, where a path leads into one: `/root/web-1.tar.gz/agent.key`.
/// Whether there is such an archive is for the host to say.
pub fn inside(path: &AbsPath) -> Option<(AbsPath, &str)> {
    let (archive, name) = path.as_str().rsplit_once('/')?;
    let name_of_it = archive.to_ascii_lowercase();
    let is_one = ENDINGS.iter().any(|ending| name_of_it.ends_with(ending));
    let archive = archive.parse().ok().filter(|_| is_one)?;
    Some((archive, name))
}

/// The file of this name in an archive. `None`: there is none. The error says what is wrong with
/// the archive.
pub fn member(archive: &[u8], name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    let damaged = |error: std::io::Error| format!("it is no archive of tar and gzip: {error}");
    let mut read = tar::Archive::new(MultiGzDecoder::new(archive).take(LARGEST));
    let mut found = None;
    for entry in read.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let is_it = entry.header().entry_type().is_file()
            && entry.path().is_ok_and(|path| is_called(&path, name));
        if !is_it {
            continue;
        }
        if found.is_some() {
            return Err(format!("it holds {name} more than once"));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        entry.read_to_end(&mut bytes).map_err(damaged)?;
        found = Some(bytes);
    }
    Ok(found)
}

fn is_called(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|found| found == name)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut made = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            made.append_data(&mut header, name, *bytes).unwrap();
        }
        made.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn a_file_is_found_with_and_without_a_folder_around_it() {
        for name in ["agent.key", "web-1.example.com/agent.key"] {
            let bytes = archive(&[("ca.pem", b"ca"), (name, b"key")]);
            assert_eq!(**member(&bytes, "agent.key").unwrap().unwrap(), *b"key");
            assert!(member(&bytes, "agent.crt").unwrap().is_none());
        }
    }

    #[test]
    fn what_is_no_such_archive_is_said() {
        let good = archive(&[("agent.key", b"key")]);
        let twice = archive(&[("a/agent.key", b"1"), ("b/agent.key", b"2")]);
        // More than the limit, of which little is left once it is packed.
        let bomb = archive(&[("agent.key", &vec![0; 9 << 20])]);
        for (bytes, why) in [
            (b"no gzip".to_vec(), "no archive of tar and gzip"),
            (
                good[..good.len() / 2].to_vec(),
                "no archive of tar and gzip",
            ),
            (twice, "more than once"),
            (bomb, "no archive of tar and gzip"),
        ] {
            let said = member(&bytes, "agent.key").unwrap_err();
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn only_a_path_into_an_archive_leads_into_one() {
        let inside = |path: &str| {
            let path: AbsPath = path.parse().unwrap();
            inside(&path).map(|(archive, name)| format!("{archive} {name}"))
        };
        assert_eq!(
            inside("/a/b.tar.gz/agent.key").as_deref(),
            Some("/a/b.tar.gz agent.key")
        );
        assert_eq!(
            inside("/a/b.tgz/ca.pem").as_deref(),
            Some("/a/b.tgz ca.pem")
        );
        assert_eq!(inside("/a/b/agent.key"), None);
        assert_eq!(inside("/a/b.tar.gz"), None);
    }
}
