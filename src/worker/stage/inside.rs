//! The process in the private mount namespace: covers what nginx writes to, lays the files
//! over what is there, runs nginx, and passes on what it said.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};

use crate::host::{Host, HostError, Keep, Local, is_private, replace_ourselves, shadow};

use super::spec::Spec;

/// Comes before the output of nginx; without it, nginx was never started.
pub const MARK: &str = "nim-tls stage: nginx says\n";

#[derive(Debug, thiserror::Error)]
pub(crate) enum InsideError {
    #[error("this is not a mount namespace of its own")]
    NotPrivate,
    #[error("a private view could not be made: {0}")]
    Shadow(io::Error),
    #[error("{0}")]
    Spec(#[from] io::Error),
    #[error("{path} has no folder of its own to be laid over")]
    NoFolder { path: PathBuf },
    #[error(transparent)]
    Host(#[from] HostError),
}

/// Reads what to do from standard input and does it: this process becomes nginx. Gives why not.
pub(crate) fn inside() -> InsideError {
    match prepared() {
        Ok(spec) => replace_ourselves(&spec.head.command).into(),
        Err(error) => error,
    }
}

fn prepared() -> Result<Spec, InsideError> {
    // Looked at first: these mounts must never happen where others see them.
    if !is_private() {
        return Err(InsideError::NotPrivate);
    }
    let host = Local::live()?;
    let spec = Spec::read(BufReader::new(io::stdin().lock()))?;
    shadow(&shadows(&host, &spec)?).map_err(InsideError::Shadow)?;
    for (folder, attributes) in &spec.head.folders {
        host.make_folder(folder.as_path(), attributes)?;
    }
    for file in &spec.files {
        host.place(file.path.as_path(), &file.bytes, &file.attributes)?;
    }
    for path in &spec.head.gone {
        host.remove_file(path.as_path())?;
    }
    let mut out = io::stdout().lock();
    out.write_all(MARK.as_bytes())?;
    out.flush()?;
    Ok(spec)
}

/// The folders to cover: where files are laid, and where nginx writes by itself.
fn shadows(host: &dyn Host, spec: &Spec) -> Result<BTreeMap<PathBuf, Keep>, InsideError> {
    let mut folders = BTreeMap::new();
    folders.insert(PathBuf::from("/run"), Keep::Everything);
    folders.insert(PathBuf::from("/var/log"), Keep::Folders);
    for folder in &spec.head.touches {
        folders
            .entry(PathBuf::from(folder))
            .or_insert(Keep::Everything);
    }
    let paths = spec.head.folders.iter().map(|(path, _)| path);
    let files = spec.files.iter().map(|file| &file.path);
    for path in paths.chain(files).chain(&spec.head.gone) {
        let path = path.as_path();
        let existing = existing_folder(host, path)?;
        if existing == Path::new("/") {
            return Err(InsideError::NoFolder {
                path: path.to_owned(),
            });
        }
        folders.insert(existing, Keep::Everything);
        if path.starts_with("/etc") {
            folders.insert(PathBuf::from("/etc"), Keep::Everything);
        }
    }
    Ok(folders)
}

/// The nearest folder above `path` that exists.
fn existing_folder(host: &dyn Host, path: &Path) -> Result<PathBuf, HostError> {
    for folder in path.ancestors().skip(1) {
        if let Some(real) = host.real_path(folder)? {
            return Ok(real);
        }
    }
    Ok(PathBuf::from("/"))
}
