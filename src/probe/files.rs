//! The files that a plan may place or refer to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use memchr::memmem;

use super::config::referred;
use super::reader::Reader;
use super::runs::Runs;
use super::wanted::Wanted;
use crate::bundle;
use crate::certificate::{SigningRequest, read_pem_chain};
use crate::facts::{
    AGENT_FILES, FileFact, FoundContent, FoundFile, Known, MANAGER_FILE, TrustStore, WATCH_FOLDER,
    WATCH_UNITS,
};
use crate::host::{Host, Kind, Stat};
use crate::nginx::Config;
use crate::pki::inspect_key;
use crate::values::{AbsPath, Digest, Gather as _};

/// Where the contract puts files of NIM 2.x, the names taken by others included.
const CERTS: &str = "/etc/nms/certs";
const IN_CERTS: [&str; 16] = [
    "agents.crl",
    "nim-tls-agents.crl",
    "server.crt",
    "server.key",
    "ca.pem",
    "nim-tls-ca.pem",
    "manager-server.pem",
    "manager-server.key",
    "nim-tls-server.crt",
    "nim-tls-server.key",
    "agent.crt",
    "agent.key",
    "agent-ca.pem",
    "nim-tls-agent.crt",
    "nim-tls-agent.key",
    "nim-tls-agent-ca.pem",
];
/// The same of NIM 1.x.
const NIM1_CERTS: &str = "/etc/ssl/nginx-manager";
const IN_NIM1_CERTS: [&str; 12] = [
    "agents.crl",
    "nim-tls-agents.crl",
    "nginx-client.crt",
    "nginx-client.key",
    "nim-tls-nginx-client.crt",
    "nim-tls-nginx-client.key",
    "nginx-manager.crt",
    "nginx-manager.key",
    "ca.pem",
    "nim-tls-nginx-manager.crt",
    "nim-tls-nginx-manager.key",
    "nim-tls-ca.pem",
];
/// Files of the nginx before it.
const NIM1_NGINX: [&str; 10] = [
    "/etc/nginx/conf.d/nginx-manager-upstreams.conf",
    "/etc/nginx/conf.d/nginx-manager-noauth.conf",
    "/etc/nginx/conf.d/nginx-manager-grpc.conf",
    "/etc/nginx/stream.conf.d/nginx-grpc-stream.conf",
    "/etc/nginx/conf.d/errors.grpc_conf",
    "/etc/nginx/errors.grpc_conf",
    "/etc/nginx/conf.d/stub-status.conf",
    "/etc/nginx/conf.d/status-api.conf",
    "/etc/nginx/http_headers.conf",
    "/etc/nginx/https_headers.conf",
];
/// Where our own nginx files are.
const CONF_D: &str = "/etc/nginx/conf.d";
const OUR_PREFIX: &str = "nim-tls-";
const IN_AUTHORITY: [&str; 6] = [
    "root.crl",
    "intermediate.crl",
    "root.crt",
    "root.key",
    "intermediate.crt",
    "intermediate.key",
];
/// Directives whose argument is a certificate, a key, or the licence of NGINX Plus.
const REFERRING: [&str; 5] = [
    "license_token",
    "ssl_certificate",
    "ssl_certificate_key",
    "ssl_client_certificate",
    "ssl_trusted_certificate",
];

/// Where loaded files really are that are reached through a symbolic link, be it the file or
/// one of its folders.
pub(super) fn links(reader: &Reader<'_>, config: &Known<Config>) -> BTreeMap<AbsPath, String> {
    let files = config.is().into_iter().flat_map(|config| &config.files);
    let link = |path: &str| {
        let path: AbsPath = path.parse().ok()?;
        let real = reader.host().real_path(path.as_path()).ok()??;
        (real != path.as_path()).then(|| (path, real.display().to_string()))
    };
    files.filter_map(|file| link(&file.path)).gathered()
}

/// Where sockets really are: of what is not there (a service that is stopped takes its socket
/// with it) as much as there is.
pub(super) fn sockets(host: &dyn Host, paths: BTreeSet<String>) -> BTreeMap<String, String> {
    let real = |path: &str| {
        let ancestors = Path::new(path).ancestors();
        let mut found = ancestors.filter_map(|upper| {
            let real = host.real_path(upper).ok()??;
            let rest = Path::new(path).strip_prefix(upper).ok()?;
            Some(plain(&real, rest))
        });
        found.next().unwrap_or_else(|| path.to_owned())
    };
    let pairs = paths.into_iter().map(|path| (real(&path), path));
    pairs.map(|(real, path)| (path, real)).gathered()
}

/// `..` goes up by name where there is nothing that could be a link.
fn plain(real: &Path, rest: &Path) -> String {
    let mut path = real.to_owned();
    for part in rest.components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path.display().to_string()
}

pub(super) fn look(
    reader: &Reader<'_>,
    wanted: &Wanted,
    config: &Known<Config>,
    links: &BTreeMap<AbsPath, String>,
    trust: &Known<TrustStore>,
    runs: &Runs,
) -> BTreeMap<AbsPath, FileFact> {
    let mut paths = paths(reader, wanted, config, trust);
    paths.extend(links.values().filter_map(|target| target.parse().ok()));
    paths
        .into_iter()
        .map(|path| (path.clone(), look_at(reader, runs, &path)))
        .gathered()
}

fn paths(
    reader: &Reader<'_>,
    wanted: &Wanted,
    config: &Known<Config>,
    trust: &Known<TrustStore>,
) -> BTreeSet<AbsPath> {
    let mut texts: Vec<String> = IN_CERTS
        .iter()
        .map(|name| format!("{CERTS}/{name}"))
        .collect();
    texts.extend(IN_NIM1_CERTS.map(|name| format!("{NIM1_CERTS}/{name}")));
    texts.push(MANAGER_FILE.to_owned());
    texts.extend(NIM1_NGINX.map(str::to_owned));
    if let Some(store) = trust.is() {
        texts.push(format!("{}/{}", store.anchors, store.file));
    }
    let conf_d = reader.names(CONF_D.as_ref()).unwrap_or_default();
    let ours = conf_d.iter().filter(|name| name.starts_with(OUR_PREFIX));
    texts.extend(ours.map(|name| format!("{CONF_D}/{name}")));
    if let Some(config) = config.is() {
        let of_ours = |path: &str| path.ends_with("/nginx-grpc-stream.conf");
        let files = config.files.iter();
        let likely = files.filter(|file| may_be_edited(&file.text) || of_ours(&file.path));
        texts.extend(likely.map(|file| file.path.clone()));
        texts.extend(
            referred(config, &REFERRING)
                .into_iter()
                .map(|path| config.resolved(path)),
        );
    }
    texts.extend(AGENT_FILES.map(str::to_owned));
    texts.extend(WATCH_UNITS.map(|unit| format!("{WATCH_FOLDER}/{unit}")));
    let state = &wanted.state;
    texts.extend(IN_AUTHORITY.iter().map(|name| format!("{state}/ca/{name}")));
    for name in reader
        .names(&state.as_path().join("issued"))
        .unwrap_or_default()
    {
        let folder = state.as_path().join("issued").join(&name);
        let files = reader.names(&folder).unwrap_or_default();
        texts.extend(
            files
                .iter()
                .map(|file| format!("{state}/issued/{name}/{file}")),
        );
    }
    // What is no path to us (a variable, `data:...`) is none that a plan could use.
    let parsed = texts.iter().filter_map(|text| text.parse().ok());
    parsed.chain(wanted.files.iter().cloned()).gathered()
}

/// Whether a plan is likely to edit this file: it speaks of TLS or of gRPC. A host may serve
/// hundreds of sites that have nothing to do with the manager; should one of them have to be
/// edited after all, it is looked at then.
fn may_be_edited(text: &str) -> bool {
    let said = |word: &&str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    ["ssl", "grpc"].iter().any(said)
}

pub(super) fn look_at(reader: &Reader<'_>, runs: &Runs, path: &AbsPath) -> FileFact {
    let host = reader.host();
    if let Some((archive, name)) = bundle::inside(path)
        && let Some(stat) = target_stat(reader, &archive)
    {
        return in_archive(reader, &archive, name, &stat);
    }
    let stat = match host.stat(path.as_path()) {
        Ok(Some(stat)) => stat,
        Ok(None) => {
            return FileFact::Nothing {
                obstacle: host.obstacle(path.as_path()),
            };
        }
        Err(error) if error.is_absence() => {
            return FileFact::Nothing {
                obstacle: host.obstacle(path.as_path()),
            };
        }
        Err(error) => return FileFact::Unclear(error.to_string()),
    };
    match &stat.kind {
        Kind::File => {
            let obstacle = host.obstacle(path.as_path());
            found(reader, path, &stat, obstacle, |digest| {
                runs.wrote(path.as_str(), digest)
            })
        }
        Kind::Link(target) => {
            let words = format!("a symbolic link to {}", target.display());
            match target_stat(reader, path) {
                // It can be used as it stands, and not be replaced.
                Some(stat) => {
                    let obstacle = host.obstacle(path.as_path());
                    let obstacle = obstacle.unwrap_or_else(|| format!("{path} is {words}"));
                    found(reader, path, &stat, Some(obstacle), |_| false)
                }
                None => FileFact::NotAFile(words),
            }
        }
        Kind::Folder => FileFact::NotAFile("a folder".to_owned()),
        Kind::Special => FileFact::NotAFile("a device, socket or FIFO".to_owned()),
    }
}

fn in_archive(reader: &Reader<'_>, archive: &AbsPath, name: &str, stat: &Stat) -> FileFact {
    let bytes = match reader.read(archive.as_path()) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return FileFact::Nothing { obstacle: None },
        Err(why) => return FileFact::Unclear(why),
    };
    let owner = stat.attributes.owner;
    match bundle::member(&bytes, name) {
        Ok(Some(bytes)) => FileFact::File(FoundFile {
            digest: Digest::of(&bytes),
            mode: stat.attributes.mode,
            owner: (owner.user, owner.group),
            obstacle: Some(format!("it lies in {archive}")),
            ours: false,
            content: content(&bytes),
            holds_key: inspect_key(&bytes).is_ok(),
        }),
        Ok(None) => FileFact::Nothing { obstacle: None },
        Err(why) => FileFact::Unclear(format!("{archive}: {why}")),
    }
}

/// What the link leads to, where that is a file.
fn target_stat(reader: &Reader<'_>, path: &AbsPath) -> Option<Stat> {
    let real = reader.host().real_path(path.as_path()).ok()??;
    let stat = reader.host().stat(&real).ok()??;
    (stat.kind == Kind::File).then_some(stat)
}

fn found(
    reader: &Reader<'_>,
    path: &AbsPath,
    stat: &Stat,
    obstacle: Option<String>,
    ours: impl FnOnce(&Digest) -> bool,
) -> FileFact {
    let bytes = match reader.read(path.as_path()) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return FileFact::Unclear(format!("{path} was removed while we looked")),
        Err(why) => return FileFact::Unclear(why),
    };
    let digest = Digest::of(&bytes);
    let owner = stat.attributes.owner;
    FileFact::File(FoundFile {
        mode: stat.attributes.mode,
        owner: (owner.user, owner.group),
        obstacle,
        ours: ours(&digest),
        content: content(&bytes),
        holds_key: inspect_key(&bytes).is_ok(),
        digest,
    })
}

/// A file with both certificates and a key counts as certificates: that is what it is used as.
fn content(bytes: &[u8]) -> FoundContent {
    if let Ok(chain) = read_pem_chain(bytes) {
        return FoundContent::Certificates(chain);
    }
    match inspect_key(bytes) {
        Ok(key) => FoundContent::Key {
            public: key.public,
            encrypted: key.encrypted,
        },
        Err(_) => match SigningRequest::from_pem(bytes) {
            Some(request) => FoundContent::Request(request),
            None => FoundContent::Other,
        },
    }
}
