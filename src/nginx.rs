//! nginx configuration text: read without losing a byte, understood, and edited in place.
//!
//! [`tokens`] splits text as nginx does, [`Config::load`] follows includes into a tree of
//! [`Directive`]s that know where they stand, [`Config::http`] shows what the tree means
//! (servers, sockets, locations, inherited values), and an [`Edit`] changes one stretch of a
//! file and nothing else. `nginx -t` stays the judge of whether a configuration is valid.

mod commented;
mod config;
mod edit;
mod glob;
mod layout;
mod lexer;
mod listen;
mod load;
mod location;
mod lua;
mod model;
mod occurring;
mod overlaid;
mod parse;
mod pattern;
mod peer;
mod quote;
mod scope;
mod skimmed;
mod surgery;
mod target;
mod tree;
mod variables;
mod words;

#[cfg(test)]
mod tests;

pub use commented::{Commented, commented, uncomment};
pub use config::{Config, SourceFile, Uneditable};
pub use edit::{Edit, Edited, Overlap, apply};
pub use glob::{expand, glob_match, has_wildcard};
pub use lexer::{Fault, Lexer, SyntaxError, Token, TokenKind, tokens, unquoted};
pub use listen::{Address, Listen, Socket};
pub use load::{Files, LoadError, LoadProblem, MAX_FILE, MAX_TOTAL};
pub use location::{Conditional, Location, LocationKind, Selected};
pub use model::{Bound, Http, Level, Server, Upstream};
pub use occurring::{AllNamed, all_below};
pub use pattern::{matches as pattern_matches, never_begins};
pub use peer::Peer;
pub use quote::{Unquotable, quote};
pub use scope::Scope;
pub use skimmed::Text;
pub use surgery::{insert_after, insert_at_end, insert_at_start, insert_before, remove, set_args};
pub use target::{PASSES, Target};
pub use tree::{
    Block, Body, Directive, FileId, Flat, Included, MAX_DEPTH, MAX_WORDS, Place, Span, flat,
};
pub use words::Words;
