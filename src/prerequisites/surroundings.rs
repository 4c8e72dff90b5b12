//! The system around: rights, clock, space, services, and what guards it.

use super::check::{Check, Status, about};
use crate::certificate::Certificate;
use crate::facts::{Facts, FoundContent, Known, Service};
use crate::values::AbsPath;

const SPACE: u64 = 16 << 20;
const DAY: i64 = 24 * 3600;
const SOON: i64 = 30 * DAY;

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![
        clock(facts),
        trust_store(facts),
        selinux(facts),
        firewall(facts),
        fips(facts),
        services(facts),
    ];
    checks.extend(facts.space.iter().map(|(folder, free)| space(folder, free)));
    checks.push(certificates(facts));
    checks
}

pub(super) fn unfinished(facts: &Facts) -> Check {
    let subject = about("unfinished", "earlier runs");
    match &facts.state.unfinished {
        None => subject.ok("none is unfinished"),
        Some((run, why)) => {
            let remedy = if why.contains("at work") {
                format!("nim-tls watch {run}")
            } else {
                "nim-tls rollback --yes".to_owned()
            };
            subject.failed(format!("run {run}: {why}"), remedy)
        }
    }
}

pub(super) fn root(facts: &Facts) -> Check {
    let subject = about("root", "rights");
    if facts.root || !facts.live {
        return subject.ok(if facts.live {
            "root"
        } else {
            "a folder (--root) needs none"
        });
    }
    subject.failed(
        "not root: keys and configuration cannot be read or written",
        "sudo nim-tls check",
    )
}

fn clock(facts: &Facts) -> Check {
    let subject = about("clock", "clock");
    let unset = || {
        subject.warning(
            "it is not synchronised; certificates are judged by it",
            "timedatectl set-ntp true",
        )
    };
    subject.of(
        &facts.clock_synchronised,
        |synchronised| {
            if *synchronised {
                subject.ok("synchronised")
            } else {
                unset()
            }
        },
        unset,
    )
}

fn trust_store(facts: &Facts) -> Check {
    let subject = about("trust-store", "trust store of the system");
    subject.of(
        &facts.trust_store,
        |store| {
            subject.ok(format!(
                "{}, taken over by {}",
                store.anchors, store.command
            ))
        },
        || {
            subject.warning(
                "none that is known: programs here would not trust the manager's certificate",
                "say options: {trust_store: false}",
            )
        },
    )
}

fn selinux(facts: &Facts) -> Check {
    let subject = about("selinux", "SELinux");
    subject.of(
        &facts.selinux,
        |mode| subject.ok(mode),
        || subject.ok("not in use"),
    )
}

fn firewall(facts: &Facts) -> Check {
    let subject = about("firewall", "firewall");
    subject.of(
        &facts.firewall,
        |front| {
            subject.ok(format!(
                "{front} is active; agents need port 443 from outside"
            ))
        },
        || subject.ok("none is active"),
    )
}

fn fips(facts: &Facts) -> Check {
    let subject = about("fips", "FIPS mode");
    subject.of(
        &facts.fips,
        |on| {
            subject.ok(if *on {
                "on; P-256, SHA-256 and AES are within it"
            } else {
                "off"
            })
        },
        || subject.ok("off"),
    )
}

fn services(facts: &Facts) -> Check {
    let subject = about("services", "services");
    if facts.systemd != Known::Is(()) {
        return subject.unknown(match &facts.systemd {
            Known::Unclear(why) => why.clone(),
            _ => "systemd does not run here, so nobody can be asked".to_owned(),
        });
    }
    let named = |wanted: fn(&Service) -> bool| -> Vec<(&str, &Service)> {
        let found = facts.services.iter();
        let found = found.filter_map(|(name, service)| Some((name.as_str(), service.is()?)));
        found.filter(|(_, service)| wanted(service)).collect()
    };
    let words = |services: &[(&str, &Service)]| {
        let words = services.iter();
        let words = words.map(|(name, service)| format!("{name} {}", service.state));
        words.collect::<Vec<_>>().join(", ")
    };
    let down = named(|service| !service.is_active());
    if let Some((first, _)) = down.first() {
        return subject.warning(words(&down), format!("systemctl status {first}"));
    }
    if let Some((lost, enable)) = facts.lost_at_boot(&[]) {
        return subject.warning(lost, enable);
    }
    subject.ok(words(&named(|_| true)))
}

fn space(folder: &AbsPath, free: &Known<u64>) -> Check {
    let subject = about("space", "free space");
    subject.of(
        free,
        |free| {
            let words = format!("{folder}: {} MiB", free >> 20);
            if *free < SPACE {
                let words = format!("{words}; 16 MiB are needed");
                subject.failed(words, format!("df -h {folder}"))
            } else {
                subject.ok(words)
            }
        },
        || subject.unknown(format!("{folder}: it was not looked at")),
    )
}

/// The certificate among those in use that expires first.
fn certificates(facts: &Facts) -> Check {
    let subject = about("certificates", "certificates in use");
    let leaves = facts
        .files
        .iter()
        .filter_map(|(path, fact)| match &fact.file()?.content {
            FoundContent::Certificates(chain) => Some((path, chain.first()?)),
            _ => None,
        });
    let Some((path, first)) = leaves.min_by_key(|(_, leaf)| leaf.validity.not_after) else {
        return subject.ok("none is there yet");
    };
    let (status, words) = left(first, facts.looked_at);
    let check = subject.found(status, format!("{path}: {words}"));
    match status {
        Status::Ok => check,
        _ => check.remedy("apply makes a new server certificate; the vendor's own are its matter"),
    }
}

fn left(certificate: &Certificate, now: i64) -> (Status, String) {
    let left = certificate.validity.not_after.saturating_sub(now);
    let days = left.abs() / DAY;
    match left {
        ..0 => (Status::Warning, format!("expired {days} days ago")),
        0..SOON => (Status::Warning, format!("expires in {days} days")),
        _ => (Status::Ok, format!("the first to expire, in {days} days")),
    }
}
