//! A machine that exists in memory only: for tests. It has the files it was
//! given, answers commands as it was told, its clock moves when it is moved, it remembers what
//! was done to it, and it fails where it was told to.

mod change;
mod files;

mod told;

mod host;

pub use change::{Change, Faults};
pub use files::Entry;
pub use told::Memory;

#[cfg(test)]
mod tests;
