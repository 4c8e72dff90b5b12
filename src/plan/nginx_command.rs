//! How to start another process of the nginx that runs, and what such a process touches.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::fitness::Ground;
use super::site::Site;
use super::step::NginxCommand;
use crate::facts::{Build, Nginx};
use crate::nginx::{Address, Config, Directive, flat};

pub(super) fn of(ground: &Ground<'_>, nginx: &Nginx, master: u32, site: &Site<'_>) -> NginxCommand {
    let listens = site
        .http
        .sockets()
        .into_iter()
        .filter(|bound| !bound.socket.quic);
    NginxCommand {
        binary: nginx.binary.clone(),
        args: nginx.args.clone(),
        master,
        touches: touches(ground.config, &nginx.build),
        error_log: error_log(ground.config, nginx),
        listens: listens
            .filter_map(|bound| match bound.socket.address {
                Address::Any4 => Some((std::net::Ipv4Addr::UNSPECIFIED.into(), bound.socket.port)),
                Address::Any6 => Some((std::net::Ipv6Addr::UNSPECIFIED.into(), bound.socket.port)),
                Address::Ip(ip) => Some((ip, bound.socket.port)),
                Address::Unix(_) | Address::Name(_) => None,
            })
            .map(|(ip, port)| SocketAddr::new(ip, port))
            .collect(),
    }
}

/// Folders in which `nginx -t` makes logs, temporary folders and the pid file by itself.
pub fn touches(config: &Config, build: &Build) -> Vec<String> {
    let mut folders = BTreeSet::new();
    let mut open: Vec<&Directive> = config.top().collect();
    while let Some(line) = open.pop() {
        open.extend(flat(line.children()));
        let name = line.name.as_str();
        let is_file = matches!(name, "access_log" | "error_log" | "pid" | "lock_file");
        if is_file || name.ends_with("_temp_path") {
            folders.extend(line.arg(0).and_then(folder_of));
        }
    }
    for option in &build.options {
        if let Some((name, path)) = option.split_once('=')
            && name.ends_with("-path")
            && (name.contains("temp")
                || name.contains("log")
                || name.contains("pid")
                || name.contains("lock"))
        {
            folders.extend(folder_of(path));
        }
    }
    folders.into_iter().collect()
}

/// The folder of an absolute path; not one so high up that much else lies in it.
fn folder_of(path: &str) -> Option<String> {
    let (folder, _) = path.rsplit_once('/')?;
    let deep = folder.matches('/').count() >= 2 && folder.starts_with('/');
    (deep && !folder.starts_with("/dev")).then(|| folder.to_owned())
}

/// Where the master itself logs: the line outside every block, else what it was started or
/// built with.
fn error_log(config: &Config, nginx: &Nginx) -> Option<String> {
    let written = config
        .top()
        .find(|line| line.name == "error_log")
        .and_then(|line| line.arg(0));
    let started = nginx
        .args
        .iter()
        .position(|arg| arg == "-e")
        .and_then(|at| nginx.args.get(at + 1));
    let built = nginx
        .build
        .options
        .iter()
        .find_map(|option| option.strip_prefix("--error-log-path="));
    let path = written.or(started.map(String::as_str)).or(built)?;
    path.starts_with('/').then(|| path.to_owned())
}
