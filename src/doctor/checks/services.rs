//! What nginx passes calls and pages on to.

use super::super::finding::Finding;
use super::super::seen::of_file;
use super::ground::Ground;
use crate::nginx::Peer;
use crate::plan::is_met;

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    if !ground.facts.live {
        return Vec::new();
    }
    let (mut gone, mut down) = (Vec::new(), Vec::new());
    for peer in &ground.before_manager().services {
        match peer {
            Peer::Unix(path) if ground.sockets.missing.contains(path) => {
                gone.push(of_file(
                    path,
                    "is not there: nginx passes agents' calls to it",
                ));
            }
            Peer::Unix(path) if ground.sockets.deaf.contains(path) => {
                down.push(of_file(path, "nobody takes connections there"));
            }
            Peer::Unix(_) => {}
            peer => {
                if is_met(&ground.facts, peer) == Some(false) {
                    down.push(of_file(
                        peer,
                        "nobody listens there: nginx passes agents' calls to it",
                    ));
                }
            }
        }
    }
    let mut found = Vec::new();
    found.extend(ground.where_seen("socket-of-service-missing", gone));
    found.extend(ground.where_seen("service-not-listening", down));
    found
}
