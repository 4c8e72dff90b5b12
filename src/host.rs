//! The machine, as one trait. Everything that reads, changes or asks a machine goes through
//! [`Host`]; nothing outside this folder names `std::fs`, a process, a socket or the clock.
//!
//! [`Local`] is the real one. Under `--root DIR` it acts on the tree below `DIR` as if that
//! were `/`; such a host is not *live*: it has files, but no processes, ports or commands.
//! [`Memory`] is one that exists in memory only, for tests.

#![expect(
    clippy::disallowed_methods,
    reason = "this is where the machine is touched"
)]

// Each file uses those above it. First files:
mod failure;
mod file;
mod tree;

mod dress;

mod look;
mod place;

mod account;
mod lock;
mod scratch;

mod obstacle;

// then what runs and talks:
mod command;
mod detached;
mod panicked;
mod proc;
mod shadow;
mod socket;

// then the trait, and the two machines that have it.
mod machine;

mod local;
mod memory;

#[cfg(test)]
mod tests;

pub use command::{Command, Output, replace_ourselves};
pub use detached::{Detached, begin_session, leave_no_core, on_request_to_end, passphrase_line};
pub use failure::{HostError, LockError, remedy_of_words};
pub use file::{Attributes, Kind, Owner, Stat};
pub use local::Local;
pub use lock::Lock;
pub use machine::Host;
pub use memory::{Change, Entry, Faults, Memory};
pub use panicked::become_on_panic;
pub use place::TEMPORARY;
pub use proc::{Process, Signal};
pub use scratch::Scratch;
pub use shadow::{Keep, is_private, shadow};
pub use socket::{Socket, Wire};
