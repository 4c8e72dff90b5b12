//! nginx configuration text: read without losing a byte, understood, and edited in place.
//!
//! [`tokens`] splits text as nginx does, [`Config::load`] follows includes into a tree of
//! [`Directive`]s that know where they stand, [`Config::http`] shows what the tree means
//! (servers, sockets, locations, inherited values), and an [`Edit`] changes one stretch of a
//! file and nothing else. `nginx -t` stays the judge of whether a configuration is valid.

mod glob;
mod lexer;
mod load;
mod lua;
mod tree;

#[cfg(test)]
mod tests;

pub use glob::{glob_match, has_wildcard};
pub use lexer::{Fault, Lexer, SyntaxError, Token, TokenKind, tokens, unquoted};
pub use load::{
    Config, Files, LoadError, LoadProblem, MAX_FILE, MAX_TOTAL, SourceFile, Uneditable,
};
pub use tree::{Block, Body, Directive, FileId, Flat, Included, MAX_DEPTH, MAX_WORDS, Place, flat};
