//! What would be done, as data: ordered steps and the files they place. A plan is made from
//! facts and answers alone, so the same host and the same answers give the same plan, byte for
//! byte. There is no way to write a private key into one: what holds secrets is named as a
//! [`Piece`], and comes into being only while the plan is carried out.

mod file;
mod enable;
mod to_issue;
mod to_prove;
mod step;
mod naming;
mod placed;
mod template;
mod listed;
mod verdict_log;
mod editor;

mod manager;
mod overlay;
mod gates;
mod peers;
mod streams;
mod named;
mod listeners;
mod site;
mod access;
mod dial;
mod guarded;
mod other_ways;
mod unchecked;
mod bypass;
mod observing;
mod clients_today;
mod way_round;
mod before_manager;

mod in_front;
mod fitness;
mod making;
mod brought;
mod authority;
mod server_files;
mod server_certificate;
mod made_before;
mod requested;
mod client_authority;
mod agent_certificates;
mod requests;
mod inner_certificate;
mod revoking;
mod certificates;

mod session;
mod place_for;
mod work;
mod tls;
mod profile;
mod cut_off;
mod check;
mod list_file;
mod headers;
mod port_80;
mod redirect;
mod nginx;

mod trust;
mod enabling;
mod watch;
mod nginx_command;
mod differences;
mod exposed;
mod lent;
mod notes;
mod proof;
mod steps;
mod make;
mod hand_out;
mod log_level;

mod nim1;
mod dedicated;
mod of_manager;

mod agent_files;
mod agent_settings;
mod usage_today;
mod usage_notes;
mod usage_reporting;
mod instance_steps;
mod instance;

mod issuing;
mod goal;
mod reviewed;

#[cfg(test)]
pub(crate) mod tests;

pub use before_manager::{BeforeManager, is_met};
pub use clients_today::{
    ClientsToday, agents_today, clients_today, file_of_server, today, usual_agents_port,
};
pub use enable::{Deed, Enable, Watch};
pub use file::{Content, FileChange, FolderChange, Piece, Reason, Status};
pub use fitness::{not_looked_at, taken};
pub use goal::for_goal;
pub use hand_out::hand_out_only;
pub use log_level::{QuietLogs, quiet_logs, raised_level};
pub use named::{Named, named};
pub use nginx_command::{made, touches};
pub use of_manager::plan;
pub use reviewed::{Basis, not_as_reviewed};
pub use site::{SERVICES, Site};
pub use step::{
    AWAITED, Action, Fetch, LEFT, NginxCommand, Plan, Restart, SCHEMA, Step, TrustChange,
};
pub use steps::live_only;
pub use template::{CHECK, LOG_FORMAT};
pub use to_issue::{Authority, BroughtAuthority, Issuing, KeepKey, Lists, RequestsToWrite};
pub use to_prove::{
    AgentProof, AgentsPort, Proof, ProofTrust, ReachProof, RedirectProof, ReportsProof,
    RevokedAgent,
};
pub use usage_today::unverified_reports;
pub use verdict_log::{LoggedVerdict, PROOF_METHOD, logged_verdicts};
pub use way_round::{Found, WayRound, way_round};
