//! How nginx finds its files on the practice host, with those of a plan laid over them.

use std::path::Path;

use super::Practice;
use crate::host::Host;
use crate::nginx::{Files, expand};

use crate::values::sort_by;

const LARGEST: u64 = 8 << 20;

/// The host's files as nginx reads them.
pub(super) struct Laid<'a> {
    pub(super) host: &'a Practice,
    /// Files that are not in place yet.
    pub(super) over: Vec<(String, Vec<u8>)>,
}

impl<'a> Laid<'a> {
    pub(super) fn as_is(host: &'a Practice) -> Self {
        Self {
            host,
            over: Vec::new(),
        }
    }
}

impl Files for Laid<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match self.over.iter().find(|(known, _)| known == path) {
            Some((_, bytes)) => Ok(bytes.clone()),
            None => self
                .host
                .read(Path::new(path), LARGEST)
                .map_err(|error| error.to_string()),
        }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        let names = |folder: &str| {
            let mut names = self
                .host
                .list(Path::new(folder))
                .map_err(|error| error.to_string())?;
            let laid = self
                .over
                .iter()
                .filter_map(|(path, _)| path.strip_prefix(folder));
            names.extend(laid.filter(|rest| !rest.contains('/')).map(str::to_owned));
            sort_by(&mut names, Ord::cmp);
            names.dedup();
            Ok(names)
        };
        let exists = |path: &str| {
            self.over.iter().any(|(known, _)| known == path)
                || matches!(self.host.stat(Path::new(path)), Ok(Some(_)))
        };
        expand(pattern, &names, &exists)
    }
}
