//! Files, each read once, and never more of them than fits.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use zeroize::Zeroizing;

use crate::host::{Host, HostError};

/// Bytes of one file.
const LARGEST: u64 = 8 << 20;
/// Bytes of all files of one look.
const LARGEST_TOTAL: u64 = 64 << 20;

/// The bytes of a file. They may be a private key, so they are wiped with the last look at them.
pub(super) type Bytes = Rc<Zeroizing<Vec<u8>>>;

pub(super) struct Reader<'a> {
    host: &'a dyn Host,
    left: Cell<u64>,
    seen: RefCell<BTreeMap<PathBuf, Result<Option<Bytes>, String>>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(host: &'a dyn Host) -> Self {
        Self {
            host,
            left: Cell::new(LARGEST_TOTAL),
            seen: RefCell::default(),
        }
    }

    pub(super) fn host(&self) -> &'a dyn Host {
        self.host
    }

    /// `None`: nothing is there. The error is a sentence that names the file.
    pub(super) fn read(&self, path: &Path) -> Result<Option<Bytes>, String> {
        if let Some(known) = self.seen.borrow().get(path) {
            return known.clone();
        }
        let found = self.fetch(path);
        let found = found.map(|bytes| bytes.map(|bytes| Rc::new(Zeroizing::new(bytes))));
        self.seen
            .borrow_mut()
            .insert(path.to_owned(), found.clone());
        found
    }

    /// The bytes of a file that somebody else keeps and that is no secret: a copy here as well
    /// would double what a large configuration costs. `None`: nothing is there.
    pub(super) fn pass_on(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        if let Some(known) = self.seen.borrow().get(path) {
            return Ok(known.clone()?.map(|bytes| bytes.to_vec()));
        }
        self.fetch(path)
    }

    /// The same as text; bytes that are not UTF-8 become replacement characters.
    pub(super) fn text(&self, path: &Path) -> Result<Option<String>, String> {
        let bytes = self.read(path)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The names in a folder, sorted; none where there is no such folder.
    pub(super) fn names(&self, folder: &Path) -> Result<Vec<String>, String> {
        self.host.list(folder).map_err(|error| error.to_string())
    }

    fn fetch(&self, path: &Path) -> Result<Option<Vec<u8>>, String> {
        let left = self.left.get();
        match self.host.read(path, LARGEST.min(left)) {
            Ok(bytes) => {
                self.left.set(left.saturating_sub(bytes.len() as u64));
                Ok(Some(bytes))
            }
            Err(error) if error.is_absence() => Ok(None),
            Err(HostError::Refused { .. }) if left < LARGEST => Err(format!(
                "{}: not read, because the files of this host exceed {} MiB",
                path.display(),
                LARGEST_TOTAL >> 20
            )),
            Err(error) => Err(error.to_string()),
        }
    }
}
