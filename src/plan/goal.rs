//! One way in, whatever the plan is for.

use super::step::Plan;
use super::{instance, issuing, log_level, of_manager};
use crate::answers::Goal;
use crate::error::Problem;
use crate::facts::Facts;

/// What would be done on this host for these answers, or why it cannot be.
pub fn for_goal(facts: &Facts, goal: &Goal) -> Result<Plan, Problem> {
    match goal {
        Goal::Manager(answers) => of_manager::plan(facts, answers),
        Goal::Instance(answers) => instance::plan(facts, answers),
        Goal::Authority(answers) => issuing::plan(facts, answers),
        Goal::LogLevel => log_level::raised_level(facts),
    }
}
