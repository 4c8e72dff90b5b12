//! Whether agents elsewhere can reach nginx at all.

use super::super::finding::Finding;
use super::super::seen::at;
use super::ground::Ground;

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let Some(config) = ground.config() else {
        return Vec::new();
    };
    let lines = ground.before_manager().for_this_host_alone.iter();
    let seen = lines.map(|line| at(config, line)).collect();
    ground
        .where_seen("agents-met-on-loopback", seen)
        .into_iter()
        .collect()
}
