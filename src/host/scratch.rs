//! A folder that exists for as long as somebody needs it.

use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::failure::{HostError, at};

/// How often a folder is removed again that somebody still writes into, and how long he is given.
const ATTEMPTS: usize = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// A new folder of our own (0700) among the temporary files of this machine.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// `name` is what the folder's name begins with.
    pub fn new(name: &str) -> Result<Self, HostError> {
        let parent = std::env::temp_dir();
        for _ in 0..16 {
            let random = RandomState::new().build_hasher().finish();
            let path = parent.join(format!("{name}-{random:016x}"));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(at(&path)(error)),
            }
        }
        Err(HostError::refused(&parent, "no free name is left in it"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Removes the folder and all in it; harmless where it is gone.
    pub fn remove(&self) -> Result<(), HostError> {
        let mut last = Ok(());
        for _ in 0..ATTEMPTS {
            last = fs::remove_dir_all(&self.0);
            match &last {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                // It, or something in it that was moved meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if fs::symlink_metadata(&self.0).is_err() {
                        return Ok(());
                    }
                }
                Err(_) => break,
            }
            thread::sleep(PAUSE);
        }
        last.map_err(at(&self.0))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Whoever wants to know whether it went has called `remove`.
        let _ = self.remove();
    }
}
