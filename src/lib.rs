//! From a stock NGINX Instance Manager host to proven mutual TLS, and back.
//!
//! ```text
//!            questions                                front/{tui,plain,unattended}
//!                |                                      ^ shows        | asks
//! Host --probe--> Facts + Goal --plan--> Plan --preview--> Preview     v
//!   ^                                     |                          Answers
//!   |                                     +--worker(Host)--> Event..., Receipt
//!   +---------------------------------------- verify(Host) --------> Report
//! ```
//!
//! Data flows one way, and the modules below stand in its order: a module uses those above
//! it, never those below. Five nouns carry the program: [`facts::Facts`] (one host, as
//! found), [`answers::Answers`] (what the operator wants, valid by construction),
//! [`plan::Plan`] (ordered steps, no secret), [`receipt::Receipt`] (what was done, so that
//! it can be undone) and [`report::Report`] (what was proven).

// Pure: what we know, what was asked, what would be done, what happened.
pub mod values;
pub mod error;
pub mod nginx;
pub mod yaml;
pub mod bundle;
pub mod certificate;
pub mod facts;
pub mod method;
pub mod answers;
pub mod topology;
pub mod plan;
pub mod preview;
pub mod prerequisites;
pub mod questions;
pub mod report;
pub mod receipt;
pub mod event;

// Shell: the only code that touches a machine.
pub mod host;
pub mod pki;
pub mod probe;
pub mod verify;
pub mod doctor;
pub mod worker;
pub mod support;
pub mod practice;

// Fronts: how answers are obtained and events shown.
pub mod cli;
pub mod front;

#[cfg(test)]
mod tests;
