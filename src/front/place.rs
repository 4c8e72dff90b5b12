//! Where a command acts: this machine or a tree of files, and the state folder on it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::Place;
use crate::error::Problem;
use crate::facts::Known;
use crate::host::{Host, Local};
use crate::practice::Practice;
use crate::probe;
use crate::values::{AbsPath, RunId, path_word};
use crate::worker::{self, Launch};

use super::outward::Outward;
use super::typed::quoted;

/// Where a program lies that was installed by hand.
const USUAL: &str = "/usr/local/sbin/nim-tls";
pub(super) const STATE: &str = "/var/lib/nim-tls";

pub(super) struct Ground {
    host: Arc<dyn Host>,
    /// Where `host` is one for practice.
    practice: Option<Practice>,
    /// As the host knows it: below the root.
    state: AbsPath,
    root: Option<PathBuf>,
}

impl Ground {
    pub(super) fn new(place: &Place) -> Result<Self, Problem> {
        let root = place.root.as_deref().map(absolute).transpose()?;
        let host = match &root {
            Some(root) => Local::under(root),
            None => Local::live(),
        };
        let host = host.map_err(|error| match &root {
            Some(root) => Problem::usage(format!("--root {}: {error}", root.display()))
                .remedy("name a folder that holds the tree of a system"),
            None => Problem::host(error.to_string()),
        })?;
        let state = state(root.as_deref(), place.state_dir.as_ref())?;
        Ok(Self {
            host: Arc::new(host),
            practice: None,
            state,
            root,
        })
    }

    /// On a machine that exists for a test only.
    #[cfg(test)]
    pub(super) fn of(host: Arc<dyn Host>) -> Self {
        Self {
            host,
            practice: None,
            state: STATE.parse().expect("it is a path"),
            root: None,
        }
    }

    pub(super) fn practice(practice: Practice) -> Result<Self, Problem> {
        Ok(Self {
            host: Arc::new(practice.clone()),
            practice: Some(practice),
            state: state(None, None)?,
            root: None,
        })
    }

    pub(super) fn host(&self) -> &dyn Host {
        &*self.host
    }

    /// Where the practice host lies, if this is one.
    pub(super) fn practice_folder(&self) -> Option<String> {
        let practice = self.practice.as_ref()?;
        Some(crate::values::escaped(&practice.folder().to_string_lossy()))
    }

    /// What exists for this command only goes away with it.
    pub(super) fn leave(&self) -> Result<(), Problem> {
        let Some(practice) = &self.practice else {
            return Ok(());
        };
        practice
            .close()
            .map_err(|error| Problem::host(format!("the practice folder is left: {error}")))
    }

    /// The folder that is taken for `/`, where that is another.
    pub(super) fn root(&self) -> Option<String> {
        let root = self.root.as_ref()?;
        Some(root.to_string_lossy().into_owned())
    }

    pub(super) fn state(&self) -> &AbsPath {
        &self.state
    }

    /// How a worker that acts on the same place is started.
    pub(super) fn launch(&self) -> Result<Launch, Problem> {
        let program = std::env::current_exe().map_err(|error| {
            Problem::host(format!("this program cannot tell where it lies: {error}"))
        })?;
        // An upgrade may have replaced the file; this program can still be reached as itself.
        let program = if program.to_string_lossy().ends_with(" (deleted)") {
            PathBuf::from("/proc/self/exe")
        } else {
            program
        };
        let options = self.worker_options();
        Ok(Launch { program, options })
    }

    /// Where this program lies on this host, for units that start it.
    pub(super) fn program(&self) -> Known<AbsPath> {
        if self.practice.is_some() {
            // It lies nowhere there, and no unit is ever started.
            return Known::Is(USUAL.parse().expect("it is a path"));
        }
        let Some(root) = &self.root else {
            return probe::program(self.host(), worker::program().as_ref());
        };
        let Some(own) = worker::program() else {
            return probe::program(self.host(), None);
        };
        let below = own.as_path().strip_prefix(root).ok();
        let below = below.and_then(|rest| format!("/{}", rest.display()).parse().ok());
        let path = below.unwrap_or(own);
        if let Ok(None) = self.host().stat(path.as_path()) {
            let there = path_word(self.outside(&path));
            let why = format!("{path} is not there: install -D -m 0755 {path} {there}");
            return Known::Unclear(why);
        }
        probe::program(self.host(), Some(&path))
    }

    fn worker_options(&self) -> Vec<String> {
        let mut options = Vec::new();
        // Below a root of any name there is the usual one; as an option it would be judged.
        if self.root.is_none() || self.state.as_str() != STATE {
            options.extend(["--state-dir".to_owned(), self.outside(&self.state)]);
        }
        if let Some(root) = &self.root {
            options.extend(["--root".to_owned(), root.to_string_lossy().into_owned()]);
        }
        options
    }

    /// What stands in the list of processes for the worker of this run.
    pub(super) fn worker_words(&self, run: &RunId) -> String {
        format!("__worker {run} {}", self.worker_options().join(" "))
    }

    /// The arguments that make a command, as it is printed, act on this place too.
    pub(super) fn options(&self) -> String {
        let mut options = String::new();
        if let Some(root) = &self.root {
            options = format!(" --root {}", quoted(root.as_os_str()));
        }
        if self.state.as_str() != STATE {
            let state = self.outside(&self.state);
            options.push_str(&format!(" --state-dir {}", quoted(state.as_ref())));
        }
        options
    }

    /// How what helps is told on the machine around.
    pub(super) fn outward(&self) -> Outward {
        Outward::new(self.root(), self.options())
    }

    /// A path of this host as the machine around it names it.
    pub(super) fn outside(&self, path: &AbsPath) -> String {
        match &self.root {
            Some(root) => format!("{}{path}", root.to_string_lossy().trim_end_matches('/')),
            None => path.to_string(),
        }
    }
}

/// The state folder as seen below the root. Everything that belongs to a host lies in one
/// tree, so a state folder outside of `--root` is refused, not moved in silence.
fn state(root: Option<&Path>, given: Option<&AbsPath>) -> Result<AbsPath, Problem> {
    let usual: AbsPath = STATE
        .parse()
        .map_err(|error| Problem::host(format!("{error}")))?;
    match (root, given) {
        (_, None) => Ok(usual),
        (None, Some(given)) => Ok(given.clone()),
        (Some(root), Some(given)) => {
            let inside = given
                .as_path()
                .strip_prefix(root)
                .ok()
                .and_then(|rest| format!("/{}", rest.display()).parse::<AbsPath>().ok());
            inside
                .filter(|inside| inside.as_str() != "/")
                .ok_or_else(|| {
                    let root = root.display();
                    Problem::usage(format!(
                        "--state-dir {given} does not lie below --root {root}"
                    ))
                    .remedy("name a folder below it, or leave --state-dir out")
                })
        }
    }
}

/// A path as it was typed, seen from the folder in which it was typed.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, Problem> {
    std::path::absolute(path)
        .map_err(|error| Problem::usage(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn the_state_folder_lies_below_the_root() {
        let path = |text: &str| text.parse::<AbsPath>().unwrap();
        let root = Some(Path::new("/mnt/image"));
        assert_eq!(state(root, None).unwrap(), path(STATE));
        assert_eq!(
            state(None, Some(&path("/srv/tls"))).unwrap(),
            path("/srv/tls")
        );
        assert_eq!(
            state(root, Some(&path("/mnt/image/srv/tls"))).unwrap(),
            path("/srv/tls")
        );
        for outside in ["/srv/tls", "/mnt/image", "/mnt/imagery/x"] {
            let problem = state(root, Some(&path(outside))).unwrap_err();
            assert!(problem.what.contains(outside), "{problem}");
        }
    }
}
