//! The proof as the worker asks for it, by real connections.

use crate::host::Host;
use crate::pki::Authority;
use crate::plan::{Plan, Proof, ReachProof};
use crate::report::Row;
use crate::verify::Prove;
use crate::worker::Prover;

/// Joins the worker, which may know of no connection, and the proof, which may know of no run.
#[derive(Default)]
pub(super) struct RealProver(Prove);

impl Prover for RealProver {
    fn before(&mut self, host: &dyn Host, plan: &Plan) {
        self.0.before(host, plan);
    }

    fn prove(
        &mut self,
        host: &dyn Host,
        proof: &Proof,
        authority: Option<&Authority>,
        tell: &mut dyn FnMut(&Row),
    ) -> Vec<Row> {
        self.0.prove(host, proof, authority, tell)
    }

    fn reach(
        &mut self,
        host: &dyn Host,
        proof: &ReachProof,
        tell: &mut dyn FnMut(&Row),
    ) -> Vec<Row> {
        self.0.reach(host, proof, tell)
    }
}
