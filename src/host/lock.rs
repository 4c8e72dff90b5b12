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
const LONGEST_NOTE: u64 = 4096;

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
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| {
        file.write_all(note.as_bytes())?;
        file.sync_all()
    });
    written.map_err(at(path))?;
    Ok(Lock::new(file))
}

fn holder(file: &mut File, path: &Path) -> Result<String, HostError> {
    let mut note = Vec::new();
    file.take(LONGEST_NOTE)
        .read_to_end(&mut note)
        .map_err(at(path))?;
    let note = String::from_utf8_lossy(&note);
    Ok(match note.trim() {
        // It has the lock and is about to write.
        "" => "another process that has just started".to_owned(),
        note => note.to_owned(),
    })
}
