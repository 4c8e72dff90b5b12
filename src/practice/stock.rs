//! What is on the practice host before anything is done: files as a NIM 2.22 package leaves
//! them, and certificates made on the spot.

use std::collections::BTreeSet;
use std::path::Path;

use super::Practice;
use crate::certificate::{DistinguishedName, KeyKind, NameParts, Permitted, Purpose, Recipe};
use crate::host::{Host, HostError};
use crate::pki::{Authority, Issued, issue_leaf, issue_root};
use crate::values::{Attributes, Gather as _, HostName, Mode, Owner, SubjectName};

pub(super) const MAIN: &str = "/etc/nginx/nginx.conf";
pub(super) const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
/// What the trust store begins with.
pub(super) const VENDOR_ROOT: &str = "/usr/share/ca-certificates/practice/vendor.crt";
/// The nginx that is simulated.
pub(super) const VERSION: &str = "1.26.3";
pub(super) const ADDRESS: [u8; 4] = [10, 0, 0, 5];
/// Agents that are connected, and have no certificate.
pub(super) const AGENTS: [&str; 2] = ["10.0.0.21", "10.0.0.22"];
/// Names that resolve.
pub(super) const NAMES: [(&str, &str); 5] = [
    (super::NAME, "10.0.0.5"),
    ("nim", "10.0.0.5"),
    ("localhost", "127.0.0.1"),
    ("web-1.practice.example", "10.0.0.21"),
    ("db-1.practice.example", "10.0.0.22"),
];
pub(super) const ACCOUNT_OF_NGINX: u32 = 33;
const ACCOUNT_OF_NMS: u32 = 998;
const CERTS: &str = "/etc/nms/certs";
/// The name on the certificate that the vendor's package makes (domain facts of NIM 2).
const VENDOR_NAME: &str = "manager-server";

const FOLDERS: [&str; 6] = [
    "/etc/nms/nginx/locations",
    "/run/systemd/system",
    "/usr/local/share/ca-certificates",
    "/var/lib/dpkg/updates",
    "/var/log/nginx",
    "/var/run/nms",
];

const FILES: [(&str, &str); 9] = [
    (MAIN, include_str!("../../assets/practice/nginx.conf")),
    (
        "/etc/nginx/conf.d/nms-http.conf",
        include_str!("../../assets/practice/nms-http.conf"),
    ),
    (
        "/etc/nms/nginx/errors-grpc.server_conf",
        include_str!("../../assets/practice/errors-grpc.server_conf"),
    ),
    (
        "/etc/nms/nginx/errors-grpc.loc_conf",
        include_str!("../../assets/practice/errors-grpc.loc_conf"),
    ),
    (
        "/etc/nms/nms.conf",
        include_str!("../../assets/practice/nms.conf"),
    ),
    (
        "/var/www/nms/ui/index.html",
        "<!doctype html><title>Instance Manager (practice)</title>\n",
    ),
    (
        "/etc/os-release",
        "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"practice host in the shape of Debian 12\"\n",
    ),
    (
        "/var/lib/dpkg/status",
        "Package: nms-instance-manager\nStatus: install ok installed\nVersion: 2.22.2-1000000000~bookworm\n",
    ),
    (
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\n\
         nms:x:998:998::/nonexistent:/usr/sbin/nologin\n",
    ),
];
const GROUPS: &str = "root:x:0:\nwww-data:x:33:\nnms:x:998:\n";

pub(super) fn lay(host: &Practice) -> Result<(), HostError> {
    FOLDERS
        .iter()
        .try_for_each(|folder| folders(host, folder))?;
    for (path, text) in FILES {
        put(host, path, text.as_bytes(), &Attributes::root(0o644))?;
    }
    put(
        host,
        "/etc/group",
        GROUPS.as_bytes(),
        &Attributes::root(0o644),
    )?;
    let program = b"#!/bin/sh\n# Commands of the practice host are simulated.\n";
    put(host, "/usr/sbin/nginx", program, &Attributes::root(0o755))?;
    certificates(host).map_err(|why| HostError::Refused {
        path: CERTS.into(),
        why,
    })?
}

/// A certificate that is good for one internal name only, and who issued it.
fn certificates(host: &Practice) -> Result<Result<(), HostError>, String> {
    let text = |error: crate::pki::IssueError| error.to_string();
    let name: HostName = VENDOR_NAME.parse().map_err(|_| "no name".to_owned())?;
    let names = [SubjectName::Dns(name)].into_iter().gathered();
    let mut root = recipe(Purpose::Root, "practice vendor", &BTreeSet::new())?;
    root.permitted = Some(Permitted::for_names(&names));
    let root = issue_root(&root, host.now()).map_err(text)?;
    let root = Authority::from_issued(root, None).map_err(text)?;
    let server = recipe(Purpose::Server, VENDOR_NAME, &names)?;
    let server = issue_leaf(&server, &root, host.now()).map_err(text)?;
    let Issued {
        certificate, key, ..
    } = server;
    let key = key.to_pem().map_err(|error| error.to_string())?;
    let ca = root.certificate().pem();
    let place = || {
        let of_nms = |mode| Attributes {
            mode: Mode(mode),
            owner: Owner {
                user: ACCOUNT_OF_NMS,
                group: ACCOUNT_OF_NMS,
            },
            extended: Vec::new(),
        };
        put(
            host,
            &format!("{CERTS}/manager-server.pem"),
            root.leaf_file(&certificate).as_bytes(),
            &of_nms(0o644),
        )?;
        put(
            host,
            &format!("{CERTS}/manager-server.key"),
            key.as_bytes(),
            &of_nms(0o600),
        )?;
        put(
            host,
            &format!("{CERTS}/ca.pem"),
            ca.as_bytes(),
            &of_nms(0o644),
        )?;
        host.set_attributes(Path::new(CERTS), &of_nms(0o755))?;
        put(host, VENDOR_ROOT, ca.as_bytes(), &Attributes::root(0o644))?;
        put(host, BUNDLE, ca.as_bytes(), &Attributes::root(0o644))
    };
    Ok(place())
}

fn recipe(purpose: Purpose, name: &str, names: &BTreeSet<SubjectName>) -> Result<Recipe, String> {
    let parts = NameParts {
        common_name: name.to_owned(),
        ..NameParts::default()
    };
    Ok(Recipe {
        purpose,
        subject: DistinguishedName::try_from(parts).map_err(|error| error.to_string())?,
        names: names.iter().cloned().collect(),
        key: KeyKind::EcdsaP256,
        days: 365,
        permitted: None,
    })
}

fn put(
    host: &Practice,
    path: &str,
    bytes: &[u8],
    attributes: &Attributes,
) -> Result<(), HostError> {
    if let Some((folder, _)) = path.rsplit_once('/') {
        folders(host, folder)?;
    }
    host.place(Path::new(path), bytes, attributes)
}

/// The folder and those above it.
fn folders(host: &Practice, path: &str) -> Result<(), HostError> {
    let mut above: Vec<&Path> = Path::new(path).ancestors().collect();
    above.pop();
    above.reverse();
    above
        .into_iter()
        .try_for_each(|folder| host.make_folder(folder, &Attributes::root(0o755)))
}
