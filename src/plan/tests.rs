//! Plans for machines in memory that look like a manager's, and what a real nginx says of them.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod authority;
mod stand;
mod nim1_stand;
mod machine;
mod judge;
mod left;
mod lent;
mod dedicated;
mod difference;
pub(crate) mod hosts;

mod bypasses;
mod certificates;
mod clients;
mod cost;
mod exposed;
mod fitness;
mod golden;
mod hand_out;
mod headers;
mod imported;
mod instance;
mod listening;
mod log_level;
mod neighbours;
mod nim1;
mod nim1_stream;
mod nim1_unseen;
mod observe;
mod places;
mod profile;
mod random;
mod redirect;
mod refusals;
mod regexes;
mod requested;
mod reviewed;
mod same_service;
mod shapes;
mod usage;
mod usage_said;
mod watch;

use stand::Stand;
