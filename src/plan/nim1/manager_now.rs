//! Where the manager itself listens now, whatever its file says.

use std::net::SocketAddr;

use super::settings::Settings;
use crate::facts::{Facts, Known, Listener};
use crate::values::Port;

/// Whether others than this host reach it at the ports that nginx is to be before.
pub(super) fn is_open(facts: &Facts, settings: &Settings) -> bool {
    let ports = [settings.gateway, settings.grpc].map(Port::number);
    of_others(facts).any(|found| {
        ports.contains(&found.at.port()) && !found.at.ip().to_canonical().is_loopback()
    })
}

/// Whether this host reaches it at a port.
pub(super) fn is_met(facts: &Facts, port: Port) -> bool {
    of_others(facts).any(|found| {
        let ip = found.at.ip().to_canonical();
        found.at.port() == port.number() && (ip.is_loopback() || ip.is_unspecified())
    })
}

/// Listeners that go away when the manager is restarted: those on ports that its file names today
/// and will not name then.
pub(super) fn given_up(facts: &Facts, settings: &Settings) -> Vec<SocketAddr> {
    let Known::Is(file) = &facts.manager_setup.file else {
        return Vec::new();
    };
    let then = [settings.gateway, settings.grpc];
    let now = ["gateway_port", "grpc_port"].map(|key| file.port(key));
    let gone: Vec<u16> = now
        .into_iter()
        .flatten()
        .filter(|port| !then.contains(port))
        .map(Port::number)
        .collect();
    of_others(facts)
        .filter(|found| gone.contains(&found.at.port()))
        .map(|found| found.at)
        .collect()
}

fn of_others(facts: &Facts) -> impl Iterator<Item = &Listener> {
    let listeners = facts.listeners.is().into_iter().flatten();
    listeners.filter(|found| !found.nginx)
}
