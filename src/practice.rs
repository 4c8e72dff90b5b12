//! The practice host: a stock NGINX Instance Manager in a temporary folder, with real files,
//! certificates and TLS connections, and simulated services, commands and processes. It needs
//! no root, no nginx and no network, and changes nothing outside its folder.
//!
//! [`Practice`] is a [`crate::host::Host`] like any other, so that all that works on a real one
//! works on it unchanged: the look, the plan, the worker, the proof, the way back.

mod server;

mod stock;
mod files;
mod master;
mod wire;
mod commands;
mod machine;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::host::{HostError, Local, Owner, Scratch};
use crate::values::RunId;

use master::Master;

/// Carries out a run; given by whoever opens a practice host.
pub type Work = Arc<dyn Fn(&Practice, &RunId, Option<Zeroizing<String>>) + Send + Sync>;

/// Its name, and what it resolves to.
pub const NAME: &str = "nim.practice.example";

/// A practice host. Clones are the same host.
#[derive(Clone)]
pub struct Practice(Arc<Inner>);

struct Inner {
    scratch: Scratch,
    files: Local,
    /// Who files are said to belong to, where that is not root.
    owners: Mutex<Vec<(PathBuf, Owner)>>,
    master: Mutex<Master>,
    work: Work,
}

impl Practice {
    /// Lays the stock host into a new temporary folder and starts its nginx.
    pub fn open(work: Work) -> Result<Self, HostError> {
        let scratch = Scratch::new("nim-tls-practice")?;
        let files = Local::under(scratch.path())?;
        let practice = Self(Arc::new(Inner {
            scratch,
            files,
            owners: Mutex::default(),
            master: Mutex::default(),
            work,
        }));
        stock::lay(&practice)?;
        practice.start_nginx().map_err(|why| HostError::Command {
            command: "nginx".to_owned(),
            why,
        })?;
        Ok(practice)
    }

    /// The folder that holds all of it.
    pub fn folder(&self) -> &Path {
        self.0.scratch.path()
    }

    /// Removes the folder. The host is of no use afterwards.
    pub fn close(&self) -> Result<(), HostError> {
        self.0.scratch.remove()
    }

    /// Directives that are taken and change nothing here.
    pub fn without_effect() -> &'static [&'static str] {
        &server::WITHOUT_EFFECT
    }

    fn master(&self) -> MutexGuard<'_, Master> {
        self.0.master.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn owners(&self) -> MutexGuard<'_, Vec<(PathBuf, Owner)>> {
        self.0.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
