//! Plans for NGINX Instance Manager 1: an nginx before it, whose files are all ours, or the
//! manager by itself.

mod texts;
mod ports;
mod ports_today;
mod settings;
mod manager_now;
mod stream_place;
mod files;
mod agents_server;
mod proxied;
mod pair;
mod steps;
mod named_twice;
mod native;
mod make;

pub(super) use make::plan;
pub(super) use ports::{Listens, for_agents};
pub(super) use texts::{Clients, ClientsText, Front};
