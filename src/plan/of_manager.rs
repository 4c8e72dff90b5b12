//! A plan for a manager, whichever generation it is.

use super::step::Plan;
use super::{dedicated, make, nim1};
use crate::answers::Answers;
use crate::error::Problem;
use crate::facts::Facts;

/// What would be done on this host for these answers, or why it cannot be.
pub fn plan(facts: &Facts, answers: &Answers) -> Result<Plan, Problem> {
    match (&answers.nim1, &answers.dedicated) {
        (Some(nim1), _) => nim1::plan(facts, answers, nim1),
        (None, Some(own)) => dedicated::plan(facts, answers, own),
        (None, None) => make::plan(facts, answers),
    }
}
