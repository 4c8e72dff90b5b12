//! Ports, names and addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::thread;

use super::system::System;
use crate::facts::{Known, Listener};
use crate::host::Host;
use crate::values::HostName;

/// Who listens where. `master` is the process of nginx.
pub(super) fn listeners(system: &System, master: Option<u32>) -> Known<Vec<Listener>> {
    let sockets = match &system.sockets {
        Ok(sockets) => sockets,
        Err(why) => return Known::Unclear(why.clone()),
    };
    // With `reuseport` one address is listened on many times.
    let mut held: BTreeMap<SocketAddr, BTreeSet<u32>> = BTreeMap::new();
    for socket in sockets.iter().filter(|socket| socket.remote.is_none()) {
        held.entry(socket.local)
            .or_default()
            .extend(&socket.holders);
    }
    let listeners = held.into_iter().map(|(at, holders)| Listener {
        at,
        nginx: master.is_some_and(|master| holders.contains(&master)),
        holders: named(system, &holders),
    });
    Known::Is(listeners.collect())
}

/// Workers inherit the sockets of their parent: naming that one is enough.
fn named(system: &System, holders: &BTreeSet<u32>) -> Vec<(String, u32)> {
    let inherited = |pid: &u32| {
        system
            .process(*pid)
            .is_some_and(|process| holders.contains(&process.parent))
    };
    let heads = holders.iter().filter(|pid| !inherited(pid));
    heads.map(|pid| (program(system, *pid), *pid)).collect()
}

fn program(system: &System, pid: u32) -> String {
    let Some(process) = system.process(pid) else {
        return "a process that is gone".to_owned();
    };
    if let Some(name) = process.exe.file_name() {
        return name.to_string_lossy().into_owned();
    }
    let first = process.title.split([' ', ':']).next().unwrap_or_default();
    first.rsplit('/').next().unwrap_or_default().to_owned()
}

/// What each name resolves to. All at once: a dead resolver takes long to say nothing.
pub(super) fn names(host: &dyn Host, names: &[HostName]) -> BTreeMap<HostName, Known<Vec<IpAddr>>> {
    let wanted: BTreeSet<&HostName> = names.iter().collect();
    thread::scope(|scope| {
        let asked: Vec<_> = wanted
            .into_iter()
            .map(|name| (name, scope.spawn(|| resolve(host, name))))
            .collect();
        let answers = asked.into_iter().map(|(name, answer)| {
            let gone = |_| Known::Unclear("the look-up was cut short".to_owned());
            (name.clone(), answer.join().unwrap_or_else(gone))
        });
        answers.collect()
    })
}

fn resolve(host: &dyn Host, name: &HostName) -> Known<Vec<IpAddr>> {
    match host.resolve(name.as_str()) {
        Ok(addresses) if addresses.is_empty() => Known::Absent,
        Ok(addresses) => Known::Is(addresses),
        Err(error) => {
            let why = error.to_string();
            if says_there_is_none(&why) {
                Known::Absent
            } else {
                Known::Unclear(why)
            }
        }
    }
}

/// `getaddrinfo` tells "no such name" from "no answer" by number; what reaches us is the text
/// of it (`gai_strerror` of glibc and of musl).
fn says_there_is_none(why: &str) -> bool {
    [
        "Name or service not known",
        "No address associated with",
        "Name does not resolve",
    ]
    .iter()
    .any(|words| why.contains(words))
}

/// Which of the addresses in play are this host's own.
pub(super) fn own(
    host: &dyn Host,
    names: &BTreeMap<HostName, Known<Vec<IpAddr>>>,
    further: &[IpAddr],
) -> BTreeSet<IpAddr> {
    let own: BTreeSet<IpAddr> = host.addresses().unwrap_or_default().into_iter().collect();
    let resolved = names.values().filter_map(Known::is).flatten();
    let mine = |address: &&IpAddr| address.is_loopback() || own.contains(address);
    resolved.chain(further).filter(mine).copied().collect()
}
