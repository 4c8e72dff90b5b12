//! What is found without a log: in files, in the configuration, in what runs. All of it is pure
//! but for what [`Ground::of`] reads first.

mod sockets;
mod ground;
mod gate;
mod named;
mod served;
mod http2;
mod protocols;
mod sessions;
mod error_answers;
mod client_authority;
mod keys;
mod agent;
mod issued;
mod services;
mod ports;
mod reach;
mod running;
mod trust;
mod agent_runs;
mod live;
mod standing;

pub(super) use ground::Ground;

use super::finding::Finding;
use crate::host::Host;

/// In the order in which causes are to be mended. `other`: what was found elsewhere, in logs.
pub(super) fn findings(host: &dyn Host, ground: &Ground<'_>, other: Vec<Finding>) -> Vec<Finding> {
    let (of_manager, of_other_sites) = served::findings(ground);
    [
        standing::that_lacks_files(ground),
        // Whatever else is wrong, strangers get in.
        gate::got_round(ground),
        gate::held_open(ground),
        gate::asked_for_in_vain(ground),
        // One plan mends all of it.
        standing::that_lets_in(ground),
        gate::not_there(ground),
        gate::open_so_far(ground),
        ports::certificate_without_tls(ground),
        running::of_before(ground),
        sessions::findings(ground),
        named::findings(ground),
        services::findings(ground),
        of_manager,
        http2::findings(ground),
        protocols::findings(ground),
        error_answers::findings(ground),
        client_authority::findings(ground),
        agent::findings(ground),
        other,
        ports::findings(ground),
        reach::findings(ground),
        of_other_sites,
        live::findings(host, ground),
        running::findings(ground),
        agent_runs::findings(ground),
        trust::findings(ground),
        keys::findings(ground),
        issued::findings(ground),
        standing::else_different(ground),
        standing::out_of_reach(ground),
    ]
    .concat()
}
