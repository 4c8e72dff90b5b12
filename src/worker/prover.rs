//! The proof, as the worker sees it.

use crate::host::Host;
use crate::pki::Authority;
use crate::plan::{Plan, Proof, ReachProof};
use crate::report::Row;

/// Proves by connections that a plan does what it says.
pub trait Prover {
    /// Called before anything is placed: how things answer today, sessions to be resumed later.
    fn before(&mut self, host: &dyn Host, plan: &Plan);

    /// Called when the new configuration serves: tells each row as it comes, and gives all.
    /// `authority` signs throw-away clients, where its key was opened in this run.
    fn prove(
        &mut self,
        host: &dyn Host,
        proof: &Proof,
        authority: Option<&Authority>,
        tell: &mut dyn FnMut(&Row),
    ) -> Vec<Row>;

    /// The same from an instance: that its agent gets through.
    fn reach(
        &mut self,
        host: &dyn Host,
        proof: &ReachProof,
        tell: &mut dyn FnMut(&Row),
    ) -> Vec<Row>;
}
