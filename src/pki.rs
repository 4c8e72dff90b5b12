//! Keys, and everything that needs one: making them, reading them, signing with them.
//!
//! A private key exists as [`SecretKey`] or not at all. It has no `Display`, no serde and a
//! `Debug` that says nothing; its bytes leave only as PEM that wipes itself, or as the DER that
//! a TLS client is given. Nothing here reads a clock: `now` is always passed in.

mod authority;
mod error;
mod inspect;
mod issue;
mod key;
mod pieces;
mod passphrase;
mod template;
mod revoke;

#[cfg(test)]
mod tests;

pub use authority::{Authority, Issued};
pub use error::IssueError;
pub use inspect::{KeyFact, inspect_key};
pub use issue::{issue_intermediate, issue_leaf, issue_leaf_between, issue_root, request};
pub use key::{KeyError, SecretKey};
pub use passphrase::Passphrase;
pub use pieces::{PIECE, secret_pieces};
pub use revoke::issue_list;
