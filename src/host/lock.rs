//! One run at a time: an exclusive lock on a file that says who has it.

use std::any::Any;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::{Errno, retry_on_intr};

use super::failure::{HostError, LockError, at};
use super::place::open_or_create;
use super::tree::Tree;

/// A note is a line or two; a file with more was not written by us.
const LONGEST_NOTE: usize = 4096;

/// Holds a lock until dropped. The kernel drops it with the process, however that ends, and
/// programs that we run do not inherit it.
pub struct Lock {
    _held: Box<dyn Any + Send + Sync>,
}

impl Lock {
    pub(super) fn new(held: impl Any + Send + Sync) -> Self {
        Self {
            _held: Box::new(held),
        }
    }
}

pub(super) fn take(tree: &Tree, path: &Path, note: &str) -> Result<Lock, LockError> {
    let mut file = open_or_create(tree, path, OFlags::RDWR)?;
    match retry_on_intr(|| flock(&file, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Err(LockError::Held(holder(&mut file, path)?)),
        Err(error) => return Err(at(path)(error).into()),
    }
    // Never empty in between: somebody may be reading it. Behind the first line there may be the
    // end of an older note for a moment.
    let note = format!("{note}\n");
    let written = file.rewind().and_then(|()| {
        file.write_all(note.as_bytes())?;
        file.set_len(note.len() as u64)?;
        file.sync_all()
    });
    written.map_err(at(path))?;
    Ok(Lock::new(file))
}

fn holder(file: &mut File, path: &Path) -> Result<String, HostError> {
    // In one piece: it may be written anew between two.
    let mut note = [0; LONGEST_NOTE];
    let length = file.read(&mut note).map_err(at(path))?;
    let note = String::from_utf8_lossy(&note[..length]);
    Ok(match note.lines().next().unwrap_or_default().trim() {
        // It has the lock and is about to write.
        "" => "another process that has just started".to_owned(),
        note => note.to_owned(),
    })
}
