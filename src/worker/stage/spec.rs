//! What a worker hands to the process that tests for it. It goes through a pipe, because it
//! holds private keys: one line of JSON, then the bytes of each file, one after the other.

use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::host::Command;
use crate::values::{AbsPath, Attributes};

/// A file to be seen by nginx as if it were in place.
pub struct Laid {
    pub path: AbsPath,
    pub attributes: Attributes,
    pub bytes: Zeroizing<Vec<u8>>,
}

/// What differs from what is on disk.
#[derive(Default)]
pub struct Changes {
    /// Folders that the files need, parents first.
    pub folders: Vec<(AbsPath, Attributes)>,
    pub files: Vec<Laid>,
    /// Files that are not to be seen.
    pub gone: Vec<AbsPath>,
}

/// What is to be laid over the filesystem, and what is to be run there.
pub struct Spec {
    pub head: Head,
    pub files: Vec<Laid>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Folders that the command writes to.
    pub touches: Vec<String>,
    /// Folders that the files need, parents first.
    pub folders: Vec<(AbsPath, Attributes)>,
    pub gone: Vec<AbsPath>,
    pub command: Command,
    /// Path, attributes and length of each file.
    files: Vec<(AbsPath, Attributes, usize)>,
}

impl Spec {
    pub fn new(touches: Vec<String>, changes: Changes, command: Command) -> Self {
        Self {
            head: Head {
                touches,
                folders: changes.folders,
                gone: changes.gone,
                command,
                files: Vec::new(),
            },
            files: changes.files,
        }
    }

    /// As it goes through the pipe.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut head = self.head.clone();
        head.files = self
            .files
            .iter()
            .map(|file| (file.path.clone(), file.attributes.clone(), file.bytes.len()))
            .collect();
        let line = serde_json::to_vec(&head).unwrap_or_default();
        // Grown while it holds keys, it would leave copies of them behind.
        let length = self
            .files
            .iter()
            .map(|file| file.bytes.len())
            .sum::<usize>()
            + line.len()
            + 1;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
        self.files
            .iter()
            .for_each(|file| bytes.extend_from_slice(&file.bytes));
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub fn read(mut from: impl BufRead) -> io::Result<Self> {
        let mut line = Vec::new();
        from.read_until(b'\n', &mut line)?;
        let head: Head = serde_json::from_slice(&line)?;
        let mut files = Vec::new();
        for (path, attributes, length) in &head.files {
            let mut bytes = Zeroizing::new(vec![0; *length]);
            from.read_exact(&mut bytes)?;
            files.push(Laid {
                path: path.clone(),
                attributes: attributes.clone(),
                bytes,
            });
        }
        Ok(Self { head, files })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn what_is_handed_over_arrives() {
        let file = |path: &str, bytes: &[u8]| Laid {
            path: path.parse().unwrap(),
            attributes: Attributes::root(0o600),
            bytes: Zeroizing::new(bytes.to_vec()),
        };
        let files = vec![
            file("/etc/a", b"one\n\0"),
            file("/etc/b", b""),
            file("/etc/c", b"\n3"),
        ];
        let changes = Changes {
            folders: vec![("/etc/nms".parse().unwrap(), Attributes::root(0o755))],
            files,
            gone: vec!["/etc/d".parse().unwrap()],
        };
        let command = Command::new("/bin/nginx", &["-t"]);
        let spec = Spec::new(vec!["/run".into()], changes, command);
        let read = Spec::read(spec.to_bytes().as_slice()).unwrap();
        assert_eq!(read.head.command, spec.head.command);
        assert_eq!(read.head.folders, spec.head.folders);
        assert_eq!(read.head.gone, spec.head.gone);
        let contents: Vec<&[u8]> = read
            .files
            .iter()
            .map(|file| file.bytes.as_slice())
            .collect();
        assert_eq!(contents, [b"one\n\0".as_slice(), b"", b"\n3"]);
        let short = &spec.to_bytes()[..spec.to_bytes().len() - 1];
        assert!(Spec::read(short).is_err());
    }
}
