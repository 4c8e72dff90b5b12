//! A small server that obeys nginx files: what the practice host has in place of nginx. It knows
//! few directives, and refuses all others aloud, so that nothing is believed to be in force that
//! is not.

mod asked;
mod variables;
mod log;
mod condition;
mod known;
mod backends;
mod tls;
mod loaded;
mod turn;
mod http1;
mod http2;
mod connection;

pub(super) use asked::{Client, Shown};
pub(super) use connection::{Visit, serve};
pub(super) use known::WITHOUT_EFFECT;
pub(super) use loaded::{Loaded, Zones};
pub(super) use log::{Logs, error_line};
