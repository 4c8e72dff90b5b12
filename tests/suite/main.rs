//! All fast tests that look at the crate from outside, in one crate.
//!
//! * `shape`: the layout keeps its promises (import direction, file sizes, top level)
//! * `cli`: the real binary, as far as it needs neither root nor nginx

#![expect(clippy::disallowed_methods, reason = "a test sets its own scene")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cli;
mod shape;
