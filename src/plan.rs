//! What would be done, as data: ordered steps and the files they place. A plan is made from
//! facts and answers alone, so the same host and the same answers give the same plan, byte for
//! byte. There is no way to write a private key into one: what holds secrets is named as a
//! [`Piece`], and comes into being only while the plan is carried out.

mod naming;
mod file;
mod step;
mod template;
mod editor;
mod site;
mod bypass;
mod session;
mod place_for;
mod certificates;
mod nginx;
mod fitness;
mod nginx_command;
mod make;

pub use bypass::{ClientsToday, clients_today};
pub use make::{plan, today};
pub use nginx_command::touches;
pub use site::{SERVICES, Site};
pub use file::{Content, FileChange, FolderChange, Piece, Reason, Status};
pub use step::{
    Action, AgentProof, Authority, Issuing, KeepKey, NginxCommand, Plan, Proof, ProofTrust, SCHEMA,
    Step, TrustChange,
};
