//! What else has a say on this host: `SELinux`, the firewall, FIPS mode, the clock.

use std::path::Path;

use super::reader::Reader;
use super::system::System;
use crate::facts::Known;
use crate::host::{Command, Host};
use crate::values::escaped;

fn not_live<T>(what: &str) -> Known<T> {
    Known::Unclear(format!("{what} can only be told on a running system"))
}

/// The file that `getenforce` reads.
pub(super) fn selinux(host: &dyn Host) -> Known<String> {
    if !host.is_live() {
        return not_live("whether SELinux is enforcing");
    }
    flag(host, "/sys/fs/selinux/enforce")
        .map(|on| if on { "Enforcing" } else { "Permissive" }.to_owned())
}

/// A kernel without the switch has no FIPS mode.
pub(super) fn fips(host: &dyn Host) -> Known<bool> {
    if !host.is_live() {
        return not_live("FIPS mode");
    }
    match flag(host, "/proc/sys/crypto/fips_enabled") {
        Known::Absent => Known::Is(false),
        known => known,
    }
}

/// A file of the kernel that holds 0 or 1.
fn flag(host: &dyn Host, path: &str) -> Known<bool> {
    match host.read(Path::new(path), 64) {
        Ok(bytes) => Known::Is(bytes.trim_ascii() != b"0"),
        Err(error) if error.is_absence() => Known::Absent,
        Err(error) => Known::Unclear(error.to_string()),
    }
}

/// The front ends with a daemon or a switch of their own. Rules that somebody loaded by hand
/// are not looked for.
pub(super) fn firewall(reader: &Reader<'_>, system: &System) -> Known<String> {
    if !reader.host().is_live() {
        return not_live("the firewall");
    }
    let processes = match &system.processes {
        Ok(processes) => processes,
        Err(why) => return Known::Unclear(why.clone()),
    };
    // It is a script: its own name is the second word of its command line.
    let firewalld = |title: &str| {
        title
            .split(' ')
            .take(4)
            .any(|word| word == "firewalld" || word.ends_with("/firewalld"))
    };
    if processes.iter().any(|process| firewalld(&process.title)) {
        return Known::Is("firewalld".to_owned());
    }
    let enabled = |text: &str| text.lines().any(|line| line.trim() == "ENABLED=yes");
    match reader.text(Path::new("/etc/ufw/ufw.conf")) {
        Ok(Some(text)) if enabled(&text) => Known::Is("ufw".to_owned()),
        Ok(_) => Known::Absent,
        Err(why) => Known::Unclear(why),
    }
}

/// Whether this host's clock follows another one. Certificates begin and end by it.
pub(super) fn clock(host: &dyn Host, systemd: &Known<()>) -> Known<bool> {
    match systemd {
        Known::Is(()) => {}
        Known::Absent => {
            return Known::Unclear(
                "without systemd nobody can be asked about the clock".to_owned(),
            );
        }
        Known::Unclear(why) => return Known::Unclear(why.clone()),
    }
    let Some(program) = host.find("timedatectl") else {
        return Known::Unclear("timedatectl is not installed".to_owned());
    };
    let command = Command::new(program, &["show", "--property=NTPSynchronized", "--value"]);
    match host.run(&command) {
        Ok(output) => match output.out().trim() {
            "yes" => Known::Is(true),
            "no" => Known::Is(false),
            _ => {
                let said = output.err();
                let first = escaped(said.lines().next().unwrap_or("nothing"));
                Known::Unclear(format!("timedatectl said: {first}"))
            }
        },
        Err(error) => Known::Unclear(error.to_string()),
    }
}
