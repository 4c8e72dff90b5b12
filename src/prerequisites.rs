//! What a host needs before a plan can be carried out, told from facts alone: what is there,
//! what is missing, what could not be told and why, each with what would help.

mod check;
mod connections;
mod installed;
mod instance;
mod places;
mod surroundings;

use crate::facts::Facts;

use crate::values::sort_by_key;

pub use check::{Check, Status};

/// Every prerequisite, those first that stop a plan.
pub fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![surroundings::unfinished(facts), surroundings::root(facts)];
    if facts.is_instance() {
        checks.extend(instance::checks(facts));
        checks.extend(installed::of_instance(facts));
        checks.extend(connections::of_instance(facts));
    } else {
        checks.extend(installed::checks(facts));
        checks.extend(connections::checks(facts));
    }
    checks.push(places::places(facts));
    checks.extend(surroundings::checks(facts));
    sort_by_key(&mut checks, |check| check.status);
    checks
}

#[cfg(test)]
mod tests;
