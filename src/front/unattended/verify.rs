//! `nim-tls verify`: the proof again, now.

use serde::Serialize;
use zeroize::Zeroizing;

use crate::certificate::read_pem_chain;
use crate::error::{Exit, Problem};
use crate::pki::{Authority, SecretKey};
use crate::plan::{Proof, ReachProof};
use crate::receipt::{Outcome, Receipt};
use crate::report::{self, Row, Standing};
use crate::values::{RunId, escaped, wrapped};
use crate::worker::{
    INTERMEDIATE_CERTIFICATE, INTERMEDIATE_KEY, Prover as _, ROOT_CERTIFICATE, Runs,
};

use super::super::busy;
use super::super::document;
use super::super::output::Output;
use super::super::place::Ground;
use super::super::prover::RealProver;
use super::super::session;

const LIMIT: u64 = 1 << 20;

#[derive(Serialize)]
struct Document {
    schema: u32,
    /// The run whose proof was tried again.
    run: RunId,
    /// Nothing that was tried came out wrong, and refusals were among it.
    holds: bool,
    /// Nothing that can be tried from this host was left out.
    complete: bool,
    /// What was left out: leg and case.
    not_tried: Vec<String>,
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
    let Latest { run, proof, reach } = latest(ground)?;
    // Nobody may be there to watch: cron sends whatever is said on the way as mail.
    let watched = output.is_watched() && !output.is_json();
    let mut tell = |row: &Row| {
        if watched {
            let head = format!("{:<3} ", row.mark());
            output.tell_after(&head, &escaped(&format!("{}, {}", row.leg, row.case)));
        }
    };
    let mut prover = RealProver::default();
    let mut standings = Vec::new();
    let mut rows = Vec::new();
    if let Some(mut proof) = proof {
        let facts = session::first_look(ground, None);
        // The master of then may have been restarted since.
        if let Some(master) = facts.nginx.is().and_then(|nginx| nginx.master.as_ref()) {
            proof.master = proof.master.map(|_| master.pid);
        }
        let agents = proof.agents.as_ref();
        let brought = agents.is_some_and(|agents| agents.listed.is_some());
        let authority = authority(ground).filter(|_| !brought);
        rows = prover.prove(ground.host(), &proof, authority.as_ref(), &mut tell);
        standings.push(Standing::of(&rows));
    }
    if let Some(reach) = reach {
        let more = prover.reach(ground.host(), &reach, &mut tell);
        standings.push(Standing::of_instance(&more));
        rows.extend(more);
    }
    let standing = Standing::weakest(&standings);
    if output.is_json() {
        let not_tried: Vec<String> = report::not_tried(&rows).map(name).collect();
        output.document(&Document {
            schema: 1,
            run,
            holds: standing.is_good(),
            complete: standing != Standing::Untried && not_tried.is_empty(),
            not_tried,
            proof: rows,
        })?;
    } else {
        let table = document::proof(&rows, output.width);
        let words = wrapped("", &words(standing), output.width);
        output.result(&format!("{table}\n{words}"))?;
    }
    let exit = if standing.is_good() {
        Exit::Done
    } else {
        Exit::HostUnfit
    };
    Ok(exit as u8)
}

fn name(row: &Row) -> String {
    format!("{}, {}", row.leg, row.case)
}

fn words(standing: Standing) -> String {
    match standing {
        Standing::Holds => "the proof holds, as seen from this host".to_owned(),
        Standing::HoldsInPart { not_tried } => format!(
            "the proof holds as far as it could be tried: {not_tried} not tried, marked -- with \
             the reason"
        ),
        Standing::NotEnforced => {
            "as asked for: agents are judged and logged, NOT ENFORCED (nim-tls \
             agents)"
                .to_owned()
        }
        Standing::Untried => "nothing was proven: no client was seen to be refused".to_owned(),
        Standing::Fails => "the proof does NOT hold".to_owned(),
    }
}

/// What the runs that stand have proven last: as a manager, as an instance.
struct Latest {
    run: RunId,
    proof: Option<Proof>,
    reach: Option<ReachProof>,
}

fn latest(ground: &Ground) -> Result<Latest, Problem> {
    let standing = Runs::new(ground.host(), ground.state())
        .in_force()
        .map_err(|error| busy::unreadable(ground, &error))?;
    let mut latest = None;
    let applied = |receipt: &Receipt| receipt.outcome == Outcome::Applied;
    for receipt in standing.into_iter().rev().filter(applied) {
        if receipt.proves.is_none() && receipt.reaches.is_none() {
            continue;
        }
        let latest = latest.get_or_insert(Latest {
            run: receipt.run,
            proof: None,
            reach: None,
        });
        latest.proof = latest.proof.take().or(receipt.proves);
        latest.reach = latest.reach.take().or(receipt.reaches);
    }
    latest.ok_or_else(|| {
        Problem::host("nothing that could be proven is applied on this host")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_claims_no_more_than_was_tried() {
        assert!(words(Standing::Holds).contains("holds, as seen from this host"));
        let part = words(Standing::HoldsInPart { not_tried: 4 });
        assert!(
            part.contains("as far as it could be tried: 4 not tried"),
            "{part}"
        );
        assert!(!words(Standing::Untried).contains("holds"));
        assert!(words(Standing::Fails).contains("NOT"));
    }
}
