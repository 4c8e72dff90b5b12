//! A configuration as it was when it was loaded: files changed later do not matter before the
//! next reload.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::backends::{passes, unknown};
use super::known::check;
use super::tls::{Tls, Zone};
use crate::certificate::read_pem_chain;
use crate::nginx::{Address, Bound, Config, Directive, Files, Http, Server};
use crate::pki::SecretKey;
use crate::verify::Identity;

/// Session caches by the name of their zone: a reload keeps those that are still named.
pub(in super::super) type Zones = Vec<(String, Arc<Zone>)>;

pub(in super::super) struct Loaded {
    pub(in super::super) config: Config,
    /// TLS settings by the place of the server: file and line.
    tls: Vec<((u32, u32), Tls)>,
    pub(in super::super) zones: Zones,
}

impl Loaded {
    /// Loads what `main` begins with. `old`: the caches of before. The error is one sentence
    /// without the path of the main file, in nginx's form.
    pub(in super::super) fn new(
        main: &str,
        files: &dyn Files,
        old: &Zones,
    ) -> Result<Self, String> {
        let config = Config::load(main, files).map_err(|error| {
            let place = error.line.map(|line| format!(" in {}:{line}", error.path));
            format!("{}{}", error.problem, place.unwrap_or_default())
        })?;
        check(&config)?;
        let mut loaded = Self {
            config,
            tls: Vec::new(),
            zones: Zones::new(),
        };
        loaded.read_tls(files, old)?;
        Ok(loaded)
    }

    fn read_tls(&mut self, files: &dyn Files, old: &Zones) -> Result<(), String> {
        let http = self
            .config
            .http()
            .ok_or("no \"http\" section in configuration")?;
        for pass in passes(&http) {
            if let Some(why) = unknown(&http, pass) {
                return Err(format!("{why} in {}", self.config.shown(&pass.at)));
            }
        }
        for bound in http.sockets() {
            for server in &bound.servers {
                let at = place(server);
                if bound.ssl && self.tls(server).is_none() {
                    let tls = read_server(&self.config, files, server)?;
                    self.tls.push((at, tls));
                }
                if let Some(zone) = zone(server)
                    && kept(&self.zones, zone).is_none()
                {
                    let cache = kept(old, zone).unwrap_or_default();
                    self.zones.push((zone.to_owned(), cache));
                }
            }
        }
        Ok(())
    }

    pub(super) fn tls(&self, server: &Server<'_>) -> Option<&Tls> {
        let at = place(server);
        self.tls
            .iter()
            .find(|(known, _)| *known == at)
            .map(|(_, tls)| tls)
    }

    /// The cache of TLS sessions that counts on a socket: that of its default server.
    pub(super) fn cache(&self, bound: &Bound<'_, '_>) -> Option<Arc<Zone>> {
        kept(&self.zones, zone(bound.default)?)
    }

    /// Where it listens.
    pub(in super::super) fn listens(&self) -> Vec<SocketAddr> {
        let Some(http) = self.config.http() else {
            return Vec::new();
        };
        let address = |bound: &Bound<'_, '_>| {
            let ip: IpAddr = match &bound.socket.address {
                Address::Any4 => [0, 0, 0, 0].into(),
                Address::Any6 => [0_u16; 8].into(),
                Address::Ip(ip) => *ip,
                Address::Unix(_) | Address::Name(_) => return None,
            };
            Some(SocketAddr::new(ip, bound.socket.port))
        };
        http.sockets().iter().filter_map(address).collect()
    }
}

/// The socket that takes a connection to this address: its own, or the one for all addresses.
pub(super) fn bound_to<'h, 'a>(http: &'h Http<'a>, to: SocketAddr) -> Option<Bound<'h, 'a>> {
    let any = if to.is_ipv4() {
        Address::Any4
    } else {
        Address::Any6
    };
    let mut sockets = http.sockets();
    sockets.retain(|bound| bound.socket.port == to.port());
    let exact = sockets
        .iter()
        .position(|bound| bound.socket.address == Address::Ip(to.ip()));
    let found = exact.or_else(|| sockets.iter().position(|bound| bound.socket.address == any));
    found.map(|index| sockets.swap_remove(index))
}

/// The server that has this name; `None` where the default server has to answer. An exact name
/// goes before a wildcard in front, and that before one behind (`ngx_http_find_virtual_server`).
pub(super) fn named<'h, 'a>(bound: &Bound<'h, 'a>, name: &str) -> Option<&'h Server<'a>> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let exact = |known: &str| known == name || known.strip_prefix('.') == Some(&name);
    let front = |known: &str| {
        let suffix = known.strip_prefix('*').unwrap_or(known);
        suffix.starts_with('.') && name.ends_with(suffix)
    };
    let behind = |known: &str| {
        known
            .strip_suffix('*')
            .is_some_and(|head| name.starts_with(head))
    };
    [&exact as &dyn Fn(&str) -> bool, &front, &behind]
        .into_iter()
        .find_map(|fits| {
            let mut servers = bound.servers.iter().copied();
            servers.find(|server| {
                server
                    .names
                    .iter()
                    .any(|known| fits(&known.to_ascii_lowercase()))
            })
        })
}

fn kept(zones: &Zones, name: &str) -> Option<Arc<Zone>> {
    let found = zones.iter().find(|(known, _)| known == name);
    found.map(|(_, zone)| Arc::clone(zone))
}

fn place(server: &Server<'_>) -> (u32, u32) {
    (server.directive.at.file.0, server.directive.at.line)
}

fn zone<'a>(server: &Server<'a>) -> Option<&'a str> {
    let caches = server.scope.nearest("ssl_session_cache");
    let mut words = caches.into_iter().flat_map(Directive::words);
    words.find_map(|word| word.strip_prefix("shared:")?.split(':').next())
}

fn read_server(config: &Config, files: &dyn Files, server: &Server<'_>) -> Result<Tls, String> {
    let shown = config.shown(&server.directive.at);
    let value = |name| server.scope.value(name);
    let read = |path: &str| {
        let path = config.resolved(path);
        files
            .read(&path)
            .map(Zeroizing::new)
            .map_err(|why| (path, why))
    };
    let bad = |path: &str, why: &dyn std::fmt::Display| {
        format!("cannot load certificate \"{path}\": {why}")
    };
    let chain = |path: &str| {
        let bytes = read(path).map_err(|(path, why)| bad(&path, &why))?;
        read_pem_chain(&bytes).map_err(|error| bad(path, &error))
    };
    let ders = |path: &str| -> Result<Vec<CertificateDer<'static>>, String> {
        let chain = chain(path)?;
        Ok(chain
            .iter()
            .map(|one| CertificateDer::from(one.der().to_vec()))
            .collect())
    };
    let pair = match (value("ssl_certificate"), value("ssl_certificate_key")) {
        (Some(certificate), Some(key)) => {
            let bytes = read(key)
                .map_err(|(path, why)| format!("cannot load certificate key \"{path}\": {why}"))?;
            let bad = |why: &dyn std::fmt::Display| {
                format!("cannot load certificate key \"{key}\": {why}")
            };
            let secret = SecretKey::from_pem(&bytes, None).map_err(|error| bad(&error))?;
            let identity = Identity::new(ders(certificate)?, secret.pkcs8_der());
            Some(identity.map_err(|error| bad(&error))?)
        }
        _ if value("ssl_reject_handshake") == Some("on") => None,
        _ => {
            let what = "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive";
            return Err(format!("{what} in {shown}"));
        }
    };
    let asks = value("ssl_verify_client").is_some_and(|word| word != "off");
    let roots = match (
        asks,
        value("ssl_client_certificate"),
        value("ssl_trusted_certificate"),
    ) {
        (false, ..) => Vec::new(),
        (true, Some(path), _) | (true, None, Some(path)) => ders(path)?,
        (true, None, None) => {
            return Err(format!(
                "no ssl_client_certificate for ssl_verify_client in {shown}"
            ));
        }
    };
    Tls::new(pair, &roots, &server.scope).map_err(|why| format!("{why} in {shown}"))
}
