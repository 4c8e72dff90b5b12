//! Certificates without their keys: what one is to say ([`Recipe`]), what one says
//! ([`Certificate`]), whether a chain holds, and whether one of ours may stay.
//!
//! Pure: nothing here reads a file or a clock, and nothing here can sign.

mod chain;
mod constraint;
mod flaws;
mod kept;
mod parse;
mod pem_text;
mod read;
mod recipe;
mod request;
mod revoked;
mod subject;

#[cfg(test)]
mod tests;

pub use chain::{ChainFault, Flaw, authorities_hold, chain_holds, chain_verifies, valid_for};
pub use constraint::{NameConstraints, Permitted, Subtree};
pub use flaws::{FileFlaw, flaws};
pub use kept::{Enough, NotKept, kept};
pub use parse::describe_public_key;
pub use pem_text::{LARGEST_PEM, PemBlock, PemFault, pem_blocks, what_is};
pub use read::{
    Certificate, EntryName, ExtendedUse, KeyUse, ReadError, Standing, pem_chain, read_pem_chain,
};
pub use recipe::{KeyKind, Purpose, Recipe, Validity, spread_days};
pub use request::SigningRequest;
pub use revoked::{ListError, RevocationList};
pub use subject::{DistinguishedName, NameError, NameParts};
