//! The proof: real connections to the real nginx, and what answered each of them.
//!
//! The files of this folder are its engine. They open sockets only through [`Dial`], never ask
//! DNS (a caller gives an address and a name), never wait longer and never keep more than they
//! say, and report what they saw without deciding whether it is good.

mod client;
mod fault;
pub mod frame;
mod grpc;
mod hello;
mod http;
mod identity;
#[cfg(test)]
mod lab;
mod memory;
mod names;
mod text;
mod trust;
mod wire;

// The proof itself: who connects, what is tried, what the answers mean.
mod on_host;
mod shown;
mod pace;
mod check_log;
mod verdict;
mod cast;
mod attempt;
mod saved_session;
mod agents;
mod way;
mod headers;
mod redirect;
mod old_tls;
mod browsers;
mod agents_port;
mod closed;
mod old_workers;
mod reach;
mod reports;
mod outside;
mod prove;

pub use client::{Alpn, Client, Handshake, Negotiated, Session, Target, Versions};
pub use fault::Fault;
pub use grpc::{GrpcAnswer, GrpcEnd, GrpcRequest};
pub use hello::{AlertLevel, HelloOutcome, Offer};
pub use http::{HttpAnswer, HttpRequest};
pub use identity::{Asked, Identity};
pub use names::{Alert, Version};
pub use outside::{Answered, Met, Outside, Shown};
pub use prove::Prove;
pub use shown::shown;
pub use trust::{Distrust, Judgement, Trust};
pub use wire::{Dial, Wire};
