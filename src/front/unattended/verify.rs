//! `nim-tls verify`: the proof again, now.

use serde::Serialize;
use zeroize::Zeroizing;

use crate::certificate::read_pem_chain;
use crate::error::{Exit, Problem};
use crate::pki::{Authority, SecretKey};
use crate::plan::Proof;
use crate::receipt::Outcome;
use crate::report::{self, Row};
use crate::values::{RunId, escaped};
use crate::worker::{
    INTERMEDIATE_CERTIFICATE, INTERMEDIATE_KEY, Prover as _, ROOT_CERTIFICATE, Runs,
};

use super::super::output::Output;
use super::super::place::Ground;
use super::super::prover::RealProver;
use super::super::session;
use super::{busy, document};

const LIMIT: u64 = 1 << 20;

#[derive(Serialize)]
struct Document {
    schema: u32,
    /// The run whose proof was tried again.
    run: RunId,
    holds: bool,
    proof: Vec<Row>,
}

pub(super) fn verify(ground: &Ground, output: &Output) -> Result<u8, Problem> {
    if !ground.host().is_live() {
        return Err(Problem::host(
            "a folder (--root) answers no connection: nothing can be proven",
        )
        .remedy("start that system, and run nim-tls verify on it"));
    }
    busy::refuse(ground)?;
    let (run, mut proof) = latest(ground)?;
    let facts = session::first_look(ground);
    // The master of then may have been restarted since.
    if let Some(master) = facts.nginx.is().and_then(|nginx| nginx.master.as_ref()) {
        proof.master = master.pid;
    }
    let authority = authority(ground);
    let rows = RealProver::default().prove(ground.host(), &proof, authority.as_ref(), &mut |row| {
        if !output.is_json() {
            output.tell(&escaped(&format!(
                "{:<3} {}, {}",
                row.mark(),
                row.leg,
                row.case
            )));
        }
    });
    let holds = report::holds(&rows);
    if output.is_json() {
        output.document(&Document {
            schema: 1,
            run,
            holds,
            proof: rows,
        })?;
    } else {
        let word = if holds {
            "the proof holds"
        } else {
            "the proof does NOT hold"
        };
        output.result(&format!("{}\n{word}\n", document::proof(&rows)))?;
    }
    Ok(if holds { Exit::Done } else { Exit::HostUnfit } as u8)
}

/// What the latest run that stands has proven.
fn latest(ground: &Ground) -> Result<(RunId, Proof), Problem> {
    let standing = Runs::new(ground.host(), ground.state())
        .in_force()
        .map_err(|error| busy::unreadable(ground, &error))?;
    standing
        .into_iter()
        .rev()
        .filter(|receipt| receipt.outcome == Outcome::Applied)
        .find_map(|receipt| Some((receipt.run, receipt.proves?)))
        .ok_or_else(|| {
            Problem::host("nothing is applied on this host, so there is nothing to prove")
                .remedy("nim-tls apply --answers FILE")
        })
}

/// The authority, where its key is kept without a passphrase: nobody is asked for one here.
fn authority(ground: &Ground) -> Option<Authority> {
    let folder = ground.state().as_path().join("ca");
    let read = |name: &str| ground.host().read(&folder.join(name), LIMIT).ok();
    let certificate = |name| read_pem_chain(&read(name)?).ok()?.into_iter().next();
    let chain = vec![
        certificate(INTERMEDIATE_CERTIFICATE)?,
        certificate(ROOT_CERTIFICATE)?,
    ];
    let key = Zeroizing::new(read(INTERMEDIATE_KEY)?);
    Authority::open(chain, SecretKey::from_pem(&key, None).ok()?).ok()
}
