//! How to start another process of the nginx that runs, and what such a process touches.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::fitness::Ground;
use super::step::NginxCommand;
use crate::facts::{Build, Nginx};
use crate::nginx::{Address, Bound, Config, Http, Server};
use crate::values::Gather as _;

/// `http`: None where there is no such block.
pub(super) fn of(
    ground: &Ground<'_>,
    nginx: &Nginx,
    master: u32,
    http: Option<&Http<'_>>,
) -> NginxCommand {
    let sockets = http.map_or_else(Vec::new, Http::sockets);
    let listens = sockets
        .iter()
        .filter(|bound| !bound.socket.quic && is_opened(bound, &sockets));
    NginxCommand {
        binary: nginx.binary.clone(),
        args: nginx.args.clone(),
        main: Some(nginx.main.clone()),
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

/// Whether nginx opens this socket. Beside one on every address of the port it opens none for a
/// single address, unless a line asks for it (`ngx_http_init_listening`): the connections of
/// both arrive on the former, and are told apart by the address they came to.
fn is_opened(bound: &Bound<'_, '_>, all: &[Bound<'_, '_>]) -> bool {
    let every = match &bound.socket.address {
        Address::Ip(IpAddr::V4(_)) => Address::Any4,
        Address::Ip(IpAddr::V6(_)) => Address::Any6,
        _ => return true,
    };
    let asks = |server: &&Server<'_>| {
        let mut listens = server.listens.iter();
        listens.any(|listen| {
            listen.opens_its_own() && listen.sockets().any(|socket| socket == bound.socket)
        })
    };
    let covered = all.iter().any(|other| {
        let socket = &other.socket;
        (&socket.address, socket.port, socket.quic) == (&every, bound.socket.port, false)
    });
    !covered || bound.servers.iter().any(asks)
}

/// Folders in which `nginx -t` makes logs, temporary folders and the pid file by itself.
pub fn touches(config: &Config, build: &Build) -> Vec<String> {
    let folders: BTreeSet<String> = made(config, build).filter_map(folder_of).gathered();
    folders.into_iter().collect()
}

/// Directives of nginx's own modules that name a file or folder which nginx makes.
const MADE: [&str; 9] = [
    "access_log",
    "error_log",
    "pid",
    "lock_file",
    "client_body_temp_path",
    "proxy_temp_path",
    "fastcgi_temp_path",
    "uwsgi_temp_path",
    "scgi_temp_path",
];

/// The files and folders themselves, as far as their paths are whole.
pub fn made<'a>(config: &'a Config, build: &'a Build) -> impl Iterator<Item = &'a str> {
    let lines = config.all(&MADE).filter_map(|line| line.arg(0));
    let kinds = ["temp", "log", "pid", "lock"];
    let built = build.options.iter().filter_map(move |option| {
        let (name, path) = option.split_once('=')?;
        let is_one = name.ends_with("-path") && kinds.iter().any(|kind| name.contains(kind));
        is_one.then_some(path)
    });
    lines.chain(built)
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
    let path = written.or_else(|| unwritten_error_log(nginx))?;
    path.starts_with('/').then(|| path.to_owned())
}

/// Where it logs while no line says so: as it was started, or built.
pub(super) fn unwritten_error_log(nginx: &Nginx) -> Option<&str> {
    let mut args = nginx.args.iter().skip_while(|arg| *arg != "-e").skip(1);
    let mut options = nginx.build.options.iter();
    args.next()
        .map(String::as_str)
        .or_else(|| options.find_map(|option| option.strip_prefix("--error-log-path=")))
}
