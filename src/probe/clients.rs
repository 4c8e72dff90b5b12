//! Who is connected to nginx now, and whether they showed a certificate: nobody is to be cut
//! off unawares.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::config::referred;
use super::system::System;
use crate::facts::{Agent, Call, Client, Known, Nginx, agents as agents_of};
use crate::host::{Host, Socket};
use crate::nginx::Config;
use crate::plan::{LOG_FORMAT, logged_verdicts};
use crate::values::Gather as _;

/// The end of the log that is read: some thousand verdicts.
const TAIL: u64 = 1 << 20;

/// Who is connected on this port.
pub(super) fn look(
    host: &dyn Host,
    system: &System,
    nginx: &Known<Nginx>,
    config: &Known<Config>,
    port: u16,
) -> Known<Vec<Client>> {
    let sockets = match &system.sockets {
        Ok(sockets) => sockets,
        Err(why) => return Known::Unclear(why.clone()),
    };
    let master = match nginx {
        Known::Is(nginx) => nginx.master.as_ref(),
        Known::Absent => None,
        Known::Unclear(why) => return Known::Unclear(why.clone()),
    };
    let Some(master) = master.map(|master| master.pid) else {
        return Known::Absent;
    };
    let of_nginx = |socket: &Socket| {
        let worker = |pid: &u32| {
            system
                .process(*pid)
                .is_some_and(|held| held.parent == master)
        };
        socket.holders.is_empty() || socket.holders.iter().any(worker)
    };
    let here = sockets
        .iter()
        .filter(|socket| socket.local.port() == port && of_nginx(socket));
    let remotes: BTreeSet<SocketAddr> = here.filter_map(|socket| socket.remote).gathered();
    if remotes.is_empty() {
        return Known::Is(Vec::new());
    }
    let shown = Shown::of(host, config);
    let client = |from: SocketAddr| {
        // An IPv4 peer of an IPv6 socket is told by the IPv4 address it has.
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        Client {
            from,
            certificate: shown.by(from),
        }
    };
    Known::Is(remotes.into_iter().map(client).collect())
}

/// The agents that our check has judged, and of those connected now what it said of them.
pub(super) fn agents(
    host: &dyn Host,
    config: &Known<Config>,
    connected: &Known<Vec<Client>>,
) -> Known<Vec<Agent>> {
    let path = match config {
        Known::Is(config) => log(config),
        Known::Absent => None,
        Known::Unclear(why) => return Known::Unclear(why.clone()),
    };
    let Some(path) = path else {
        return Known::Absent;
    };
    let mut bytes = before(host, Path::new(&path)).unwrap_or_default();
    match host.read_from(Path::new(&path), 0, TAIL) {
        Ok(current) => bytes.extend(current),
        Err(error) => return Known::Unclear(error.to_string()),
    }
    let by_agents = logged_verdicts(&bytes).filter(|verdict| !verdict.by_proof);
    let calls = by_agents.map(|verdict| Call {
        address: verdict.from.ip(),
        verify: if verdict.subject.is_some() && !verdict.is_an_agent() {
            format!("{}, not listed", verdict.verify)
        } else {
            verdict.verify
        },
        subject: verdict.subject,
        at: verdict.at,
    });
    Known::Is(agents_of(calls, connected))
}

/// The log of before, as logrotate names it (`LOG.1`, `LOG-20261127`): of agents that stay
/// connected, the last word may be there.
fn before(host: &dyn Host, log: &Path) -> Option<Vec<u8>> {
    let (folder, name) = (log.parent()?, log.file_name()?.to_str()?);
    let names = host.list(folder).ok()?;
    let rotated = names.iter().filter(|other| {
        let rest = other.strip_prefix(name).unwrap_or_default();
        let number = rest.strip_prefix(['.', '-']).unwrap_or_default();
        !number.is_empty()
            && number
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-')
    });
    let changed = |name: &&String| {
        host.stat(&folder.join(name))
            .ok()
            .flatten()
            .map(|it| it.modified)
    };
    let latest = rotated.max_by_key(changed)?;
    host.read_from(&folder.join(latest), 0, TAIL).ok()
}

/// What is known of the certificates that clients showed.
enum Shown {
    NobodyIsAsked,
    /// The latest verdict for each connection: the subject, or `None` where it was refused.
    Logged(BTreeMap<(IpAddr, u16), Option<String>>),
    Unclear(String),
}

impl Shown {
    fn of(host: &dyn Host, config: &Known<Config>) -> Self {
        let Known::Is(config) = config else {
            return Self::Unclear("the configuration of nginx could not be read".to_owned());
        };
        if referred(config, &["ssl_verify_client"])
            .iter()
            .all(|word| *word == "off")
        {
            return Self::NobodyIsAsked;
        }
        match log(config) {
            Some(path) => match host.read_from(Path::new(&path), 0, TAIL) {
                Ok(bytes) => Self::Logged(verdicts(&bytes)),
                Err(error) => Self::Unclear(error.to_string()),
            },
            None => Self::Unclear("nginx does not log who shows a certificate".to_owned()),
        }
    }

    fn by(&self, from: SocketAddr) -> Known<String> {
        match self {
            Self::NobodyIsAsked => Known::Absent,
            Self::Unclear(why) => Known::Unclear(why.clone()),
            Self::Logged(verdicts) => match verdicts.get(&(from.ip(), from.port())) {
                Some(Some(subject)) => Known::Is(subject.clone()),
                Some(None) => Known::Absent,
                None => Known::Unclear("it has called no service of an agent".to_owned()),
            },
        }
    }
}

/// Where our check logs its verdicts.
fn log(config: &Config) -> Option<String> {
    let ours = config
        .all(&["access_log"])
        .find(|line| line.arg(1) == Some(LOG_FORMAT))?;
    ours.arg(0).map(|path| config.resolved(path))
}

fn verdicts(log: &[u8]) -> BTreeMap<(IpAddr, u16), Option<String>> {
    let read = logged_verdicts(log);
    let read = read.map(|verdict| ((verdict.from.ip(), verdict.from.port()), verdict.subject));
    read.gathered()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_latest_verdict_counts_and_a_torn_line_is_passed_over() {
        let line = |port: u16, verify: &str| {
            format!(
                "{{\"address\":\"::ffff:10.0.0.9\",\"port\":\"{port}\",\"verify\":\"{verify}\",\
                 \"subject\":\"CN=web-1\",\"answer\":\"204\"}}\n"
            )
        };
        let log = [
            "9\",\"verify\":\"SUCCESS\"}\n".to_owned(),
            line(50000, "NONE"),
            line(50001, "NONE"),
            line(50000, "SUCCESS"),
        ];
        let shown = Shown::Logged(verdicts(log.concat().as_bytes()));
        let by = |port| shown.by(SocketAddr::new("10.0.0.9".parse().unwrap(), port));
        assert_eq!(by(50000), Known::Is("CN=web-1".to_owned()));
        assert_eq!(by(50001), Known::Absent);
        assert!(matches!(by(50002), Known::Unclear(_)));
    }
}
