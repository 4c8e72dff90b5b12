//! `nim-tls demo`: a front of the wizard on a practice host, which exists for as long as that runs.

use std::io::{self, Write as _};
use std::sync::Arc;

use crate::error::Problem;
use crate::practice::Practice;
use crate::values::AbsPath;
use crate::worker;

use super::place::Ground;
use super::prover::RealProver;

/// Has `lead` lead through the wizard on a new practice host, and takes the host away again.
pub(super) fn demo(lead: impl FnOnce(Ground) -> Result<u8, Problem>) -> Result<u8, Problem> {
    let work = |host: &Practice, run: &_, passphrase| {
        let state: Result<AbsPath, _> = super::place::STATE.parse();
        if let Ok(state) = state {
            let mut prover = RealProver::default();
            // How it ends is in the run's events, as on a real host.
            let _ = worker::carry_out(host, &state, run, passphrase, &|| false, &mut prover);
        }
    };
    let practice = Practice::open(Arc::new(work))
        .map_err(|error| Problem::host(format!("there is no practice host: {error}")))?;
    let folder = practice.folder().display().to_string();
    let _away = Away(practice.clone());
    let ground = Ground::practice(practice.clone())?;
    let code = lead(ground)?;
    practice
        .close()
        .map_err(|error| Problem::host(format!("the practice folder is left: {error}")))?;
    // Where the line has dropped, nobody reads it.
    let _ = writeln!(
        io::stderr(),
        "nim-tls demo: the practice host is gone, and {folder} with it. Nothing else was touched."
    );
    Ok(code)
}

/// Takes the folder away, whichever way this is left.
struct Away(Practice);

impl Drop for Away {
    fn drop(&mut self) {
        // Said already where it could be said.
        let _ = self.0.close();
    }
}
