//! Ports, names and addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::thread;

use super::system::System;
use crate::facts::{Known, Listener};
use crate::host::Host;
use crate::values::{Gather as _, HostName};

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

/// What each name resolves to.
pub(super) fn names(host: &dyn Host, names: &[HostName]) -> BTreeMap<HostName, Known<Vec<IpAddr>>> {
    let texts = names.iter().map(ToString::to_string).collect();
    let found = nginx_names(host, texts);
    let answer = |name: &HostName| Some((name.clone(), found.get(name.as_str())?.clone()));
    names.iter().filter_map(answer).gathered()
}

/// The same for names that nginx would look up. All at once, within limits: a dead resolver
/// takes long to say nothing, and a configuration may name many.
pub(super) fn nginx_names(
    host: &dyn Host,
    names: BTreeSet<String>,
) -> BTreeMap<String, Known<Vec<IpAddr>>> {
    const AT_ONCE: usize = 64;
    let names: Vec<String> = names.into_iter().collect();
    let mut found = BTreeMap::new();
    for some in names.chunks(AT_ONCE) {
        thread::scope(|scope| {
            let asked: Vec<_> = some
                .iter()
                .map(|name| (name, scope.spawn(|| resolve(host, name))))
                .collect();
            for (name, answer) in asked {
                let gone = |_| Known::Unclear("the look-up was cut short".to_owned());
                found.insert(name.clone(), answer.join().unwrap_or_else(gone));
            }
        });
    }
    found
}

fn resolve(host: &dyn Host, name: &str) -> Known<Vec<IpAddr>> {
    match host.resolve(name) {
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

/// This host's own addresses; of loopback, those in play too.
pub(super) fn own(
    host: &dyn Host,
    names: &BTreeMap<HostName, Known<Vec<IpAddr>>>,
    further: &[IpAddr],
) -> BTreeSet<IpAddr> {
    let own: BTreeSet<IpAddr> = host.addresses().unwrap_or_default().into_iter().gathered();
    let resolved = names.values().filter_map(Known::is).flatten();
    let in_play = resolved.chain(further).copied();
    let loopback = in_play.filter(IpAddr::is_loopback);
    loopback.chain(own.iter().copied()).gathered()
}
