//! The practice host, asked as the proof asks a real one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod as_nginx;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;

use super::{NAME, Practice};
use crate::certificate::{
    DistinguishedName, KeyKind, NameParts, Permitted, Purpose, Recipe, Validity,
};
use crate::host::{Attributes, Command, Host, HostError, Signal};
use crate::pki::{Authority, Issued, issue_leaf_between, issue_root};
use crate::values::SubjectName;
use crate::verify::{
    Alpn, Client, Dial, Fault, GrpcRequest, Handshake, HttpRequest, Identity, Session, Target,
    Trust, Versions, Wire,
};

const COMMANDER: &str = "/f5.nginx.agent.sdk.Commander/None";
const NMS_HTTP: &str = "/etc/nginx/conf.d/nms-http.conf";
const PATIENCE: Duration = Duration::from_secs(5);

fn practice() -> Practice {
    Practice::open(Arc::new(|_, _, _| {})).unwrap()
}

/// Dials the practice host as the proof does.
struct Dialling<'a>(&'a Practice);

struct Line(Box<dyn crate::host::Wire>);

impl Dial for Dialling<'_> {
    fn dial(&self, address: SocketAddr, timeout: Duration) -> std::io::Result<Box<dyn Wire>> {
        match self.0.connect(address, timeout) {
            Ok(wire) => Ok(Box::new(Line(wire))),
            Err(HostError::Network { source, .. }) => Err(source),
            Err(error) => panic!("{error}"),
        }
    }
}

impl std::io::Read for Line {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl std::io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Wire for Line {
    fn local_port(&self) -> Option<u16> {
        self.0.local().map(|address| address.port())
    }

    fn age(&self) -> Duration {
        self.0.age()
    }
}

fn session(host: &Practice, identity: Option<Identity>, sni: &str, alpn: Alpn) -> Session {
    let mut client = client(identity, alpn);
    client.connect(&Dialling(host), &target(sni)).unwrap()
}

fn client(identity: Option<Identity>, alpn: Alpn) -> Client {
    Client::new(Handshake {
        trust: Trust::RecordOnly,
        identity,
        alpn: vec![alpn],
        versions: Versions::Both,
    })
    .unwrap()
}

fn target(sni: &str) -> Target {
    Target {
        address: "127.0.0.1:443".parse().unwrap(),
        sni: (!sni.is_empty()).then(|| sni.parse().unwrap()),
        patience: PATIENCE,
    }
}

/// HTTP status and gRPC status of a call of an agent.
fn call(host: &Practice, identity: Option<Identity>, name: &str) -> (Option<u16>, Option<u32>) {
    let request = GrpcRequest {
        authority: name.to_owned(),
        path: COMMANDER.to_owned(),
    };
    let mut session = session(host, identity, NAME, Alpn::Http2);
    let answer = session.grpc(&request, PATIENCE).unwrap();
    (answer.http_status, answer.grpc_status)
}

fn get(host: &Practice, path: &str) -> (u16, Option<String>, String) {
    let request = HttpRequest {
        host: NAME.to_owned(),
        path: path.to_owned(),
    };
    let mut session = session(host, None, NAME, Alpn::Http11);
    let answer = session.get(&request, PATIENCE).unwrap();
    (answer.status, answer.location, answer.body_excerpt)
}

/// Changes the vendor's file, and reloads; gives why nginx would not.
fn edit(host: &Practice, pairs: &[(&str, &str)]) -> Result<(), String> {
    let mut text = text(host, NMS_HTTP);
    for (old, new) in pairs {
        assert!(text.contains(old), "{old} is not there");
        text = text.replace(old, new);
    }
    put(host, NMS_HTTP, &text);
    host.start_nginx()
}

fn text(host: &Practice, path: &str) -> String {
    String::from_utf8(host.read(Path::new(path), 1 << 20).unwrap()).unwrap()
}

fn put(host: &Practice, path: &str, text: &str) {
    let attributes = Attributes::root(0o644);
    host.place(Path::new(path), text.as_bytes(), &attributes)
        .unwrap();
}

struct Ca(Authority);

impl Ca {
    fn new(name: &str, now: i64) -> Self {
        let mut root = recipe(Purpose::Root, name);
        let names = BTreeSet::from([SubjectName::Dns(NAME.parse().unwrap())]);
        root.permitted = Some(Permitted::for_names(&names));
        Self(Authority::from_issued(issue_root(&root, now).unwrap(), None).unwrap())
    }

    fn leaf(&self, purpose: Purpose, from: i64, to: i64) -> Identity {
        let mut recipe = recipe(purpose, "a client");
        recipe.names = vec![SubjectName::Dns(NAME.parse().unwrap())];
        let validity = Validity {
            not_before: from,
            not_after: to,
        };
        let Issued {
            certificate, key, ..
        } = issue_leaf_between(&recipe, &self.0, validity).unwrap();
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        Identity::new(chain, key.pkcs8_der()).unwrap()
    }
}

fn recipe(purpose: Purpose, name: &str) -> Recipe {
    let parts = NameParts {
        common_name: name.to_owned(),
        ..NameParts::default()
    };
    Recipe {
        purpose,
        subject: DistinguishedName::try_from(parts).unwrap(),
        names: Vec::new(),
        key: KeyKind::EcdsaP256,
        days: 30,
        permitted: None,
    }
}

/// Has the vendor's own check ask for certificates of `ca`.
const CHECKED: [(&str, &str); 3] = [
    ("# ssl_client_certificate", "ssl_client_certificate"),
    (
        "ssl_verify_client     off;",
        "ssl_verify_client     optional;",
    ),
    ("# auth_request", "auth_request"),
];

fn checked() -> (Practice, Ca, i64) {
    let host = practice();
    let now = Host::now(&host);
    let ca = Ca::new("practice test", now);
    put(&host, "/etc/nms/certs/ca.pem", &ca.0.certificate().pem());
    // The vendor's check inherits an error page that would swallow its refusal.
    let own_page = (
        "        # Whatever the handshake",
        "        error_page 418 /x;\n        # Whatever the handshake",
    );
    edit(&host, &[CHECKED[0], CHECKED[1], CHECKED[2], own_page]).unwrap();
    (host, ca, now)
}
