//! Answers at random: mostly valid, with hostile texts wherever a field takes any.

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::texts::{alt_names, folder, name, names, text};
use crate::facts::Generation;
use crate::method::{Cell, Method, Proxy};

/// An answers file, and where its hostile texts stand.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Which of the recorded hosts.
    pub(super) host: usize,
    /// Names lead to this host.
    pub(super) resolves: bool,
    fields: Map<String, Value>,
    hostile: Hostile,
}

#[derive(Debug, Clone)]
struct Hostile {
    /// Organization, locality, state: none, or any text.
    subject: [Option<String>; 3],
    /// Where files lie that answers name.
    folder: String,
}

const SUBJECT: [&str; 3] = ["organization", "locality", "state"];
/// In answers this stands for the folder.
const FOLDER: &str = "FOLDER";

impl Asked {
    /// As the operator would write it: JSON is YAML.
    pub(super) fn text(&self) -> String {
        self.written(&self.hostile)
    }

    /// The same with harmless texts in place of hostile ones.
    pub(super) fn tame(&self) -> String {
        let subject = self.hostile.subject.clone();
        self.written(&Hostile {
            subject: subject.map(|text| text.map(|_| "Org".to_owned())),
            folder: TAME_FOLDER.to_owned(),
        })
    }

    /// Both folders, the hostile one first.
    pub(super) fn folders(&self) -> [&str; 2] {
        [&self.hostile.folder, TAME_FOLDER]
    }

    fn written(&self, hostile: &Hostile) -> String {
        let mut fields = self.fields.clone();
        let subject = SUBJECT.iter().zip(&hostile.subject);
        let subject: Map<String, Value> = subject
            .filter_map(|(name, text)| Some(((*name).to_owned(), json!(text.as_ref()?))))
            .collect();
        if let Some(certificates) = fields
            .get_mut("certificates")
            .and_then(Value::as_object_mut)
            && !subject.is_empty()
        {
            certificates.insert("subject".to_owned(), Value::Object(subject));
        }
        let folder = serde_json::to_string(&hostile.folder).unwrap();
        let text = serde_json::to_string(&fields).unwrap();
        text.replace(FOLDER, folder.trim_matches('"'))
    }
}

pub(super) const TAME_FOLDER: &str = "/mnt/tame";

/// Left out more often than not.
fn now_and_then<T: Clone + std::fmt::Debug + 'static>(
    values: Vec<T>,
) -> impl Strategy<Value = Option<T>> {
    weighted(0.25, select(values))
}

fn insert<T: serde::Serialize>(into: &mut Map<String, Value>, name: &str, value: Option<T>) {
    if let Some(value) = value {
        into.insert(name.to_owned(), json!(value));
    }
}

fn certificates(cell: Cell) -> impl Strategy<Value = Map<String, Value>> {
    let keys = vec![
        "ecdsa-p256",
        "ecdsa-p384",
        "rsa-2048",
        "rsa-3072",
        "rsa-4096",
    ];
    let days = weighted(0.2, (2_u32..4000, 1_u32..397));
    let server = select(vec![
        "", "", "", "", "auto", "generate", "generate", "keep", "import",
    ]);
    let may_import = cell.method == Method::ClientMtls && cell.proxy != Proxy::None;
    let clients = select(if may_import {
        vec![
            "",
            "generate",
            "import",
            "import",
            "import",
            "import-keyless",
        ]
    } else {
        vec![""]
    });
    let keep = select(vec!["plaintext", "plaintext", "discard", "encrypted"]);
    (now_and_then(keys), days, server, clients, keep).prop_map(
        |(key, days, server, clients, keep)| {
            let mut all = Map::new();
            insert(&mut all, "key", key);
            insert(&mut all, "days", days.map(|(root, server)| {
            json!({"root": root, "server": server.min(root), "agent": root.min(500)})
        }));
            let mut ca_key = json!({"keep": keep});
            if keep == "encrypted" {
                ca_key["passphrase_file"] = json!(format!("{FOLDER}/pass"));
            }
            insert(&mut all, "ca_key", Some(ca_key));
            let server = match server {
                "" => None,
                "import" => Some(json!({
                    "source": server,
                    "cert": format!("{FOLDER}/server.pem"),
                    "key": format!("{FOLDER}/server.key"),
                })),
                source => Some(json!({"source": source})),
            };
            insert(&mut all, "server", server);
            let ca_cert = format!("{FOLDER}/ca.pem");
            let clients = match clients {
                "" => None,
                "import" => Some(json!({
                    "source": "import-ca", "ca_cert": ca_cert, "ca_key": format!("{FOLDER}/ca.key"),
                })),
                "import-keyless" => Some(json!({"source": "import-ca", "ca_cert": ca_cert})),
                source => Some(json!({"source": source})),
            };
            insert(&mut all, "clients", clients);
            all
        },
    )
}

fn options(cell: Cell) -> impl Strategy<Value = Map<String, Value>> {
    let both = || now_and_then(vec![true, false]);
    let of_all = (both(), both(), both(), weighted(0.2, 0_u32..=63_072_000));
    let of_agents = (both(), now_and_then(vec!["require", "observe"]));
    let of_nim1 = (
        both(),
        now_and_then(vec!["http", "stream", "stream"]),
        both(),
        both(),
        now_and_then(vec!["open", "tls", "tls-grpcs"]),
    );
    (of_all, of_agents, of_nim1).prop_map(move |(all, agents, nim1)| {
        let mut options = Map::new();
        let proxied = cell.proxy != Proxy::None;
        let mtls = cell.method == Method::ClientMtls && proxied;
        insert(&mut options, "security_headers", all.0);
        insert(&mut options, "redirect_http", all.1.filter(|_| proxied));
        insert(&mut options, "trust_store", all.2.filter(|_| proxied));
        insert(
            &mut options,
            "hsts_max_age",
            all.3.filter(|_| all.0 != Some(false)),
        );
        insert(&mut options, "crl", agents.0.filter(|_| mtls));
        insert(&mut options, "enforce", agents.1.filter(|_| mtls));
        if cell.generation == Generation::Nim1 && proxied {
            let checks = cell.method == Method::GrpcHealthChecks;
            let stream = nim1.1.filter(|_| !checks);
            let below = stream == Some("stream");
            insert(&mut options, "status_page", nim1.0);
            insert(&mut options, "grpc_context", stream);
            insert(&mut options, "grpc_passthrough", nim1.2.filter(|_| below));
            insert(
                &mut options,
                "backend_tls",
                nim1.3.filter(|_| !below && nim1.4 != Some("open")),
            );
            insert(&mut options, "grpc_publish", nim1.4.filter(|_| checks));
        }
        options
    })
}

fn ports(cell: Cell) -> impl Strategy<Value = Map<String, Value>> {
    let other = || weighted(0.15, 1024_u16..=65535);
    (other(), other(), other(), other(), other()).prop_map(
        move |(https, grpc, status, own_grpc, gateway)| {
            let mut ports = Map::new();
            let proxied = cell.proxy != Proxy::None;
            insert(&mut ports, "https", https.filter(|_| proxied));
            if cell.generation == Generation::Nim1 {
                insert(&mut ports, "grpc", grpc.filter(|_| proxied));
                insert(&mut ports, "status", status.filter(|_| proxied));
                insert(&mut ports, "manager_grpc", own_grpc);
                insert(&mut ports, "manager_gateway", gateway);
            }
            ports
        },
    )
}

/// A server for agents: its name, a port of its own, whether it rejects other names.
type Own = Option<(String, Option<u16>, bool)>;

fn own_server(cell: Cell) -> impl Strategy<Value = Own> {
    let may = cell.generation == Generation::Nim1 || cell.method == Method::ClientMtls;
    let name = "agents\\.[a-z]{2,6}\\.[a-z]{2,3}";
    weighted(
        if may { 0.3 } else { 0.01 },
        (name, weighted(0.5, 1024_u16..=65535), any::<bool>()),
    )
}

fn hostile() -> impl Strategy<Value = Hostile> {
    let one = || weighted(0.6, text());
    (one(), one(), one(), folder()).prop_map(|(organization, locality, state, folder)| Hostile {
        subject: [organization, locality, state],
        folder,
    })
}

pub(super) fn of_manager(cell: Cell, hosts: usize) -> impl Strategy<Value = Asked> {
    let place = (
        0..hosts,
        prop::bool::weighted(0.95),
        prop::bool::weighted(0.1),
    );
    let named = (name(), alt_names(), names(3), own_server(cell));
    let rest = (certificates(cell), options(cell), ports(cell), hostile());
    (place, named, rest).prop_map(move |((host, resolves, is_ca), named, rest)| {
        let (manager_name, alt_names, agents, own) = named;
        let (certificates, mut options, mut ports, hostile) = rest;
        let mut fields = Map::new();
        let head = json!({
            "version": 1, "role": if is_ca { "ca" } else { "manager" },
            "generation": cell.generation, "proxy": cell.proxy, "method": cell.method,
            "manager_name": manager_name, "alt_names": alt_names, "agents": agents,
        });
        fields.extend(head.as_object().unwrap().clone());
        if let Some((name, port, rejects)) = own {
            insert(&mut fields, "agent_name", Some(name));
            if cell.generation == Generation::Nim2 {
                insert(&mut options, "agent_auth", Some("dedicated-server"));
                insert(&mut ports, "grpc", port);
                let rejects = rejects && port.is_some();
                insert(&mut options, "unknown_names", rejects.then_some("reject"));
            }
        }
        if ports.contains_key("https") {
            options.remove("hsts_max_age");
        }
        insert(&mut fields, "certificates", Some(certificates));
        insert(&mut fields, "options", Some(options));
        insert(&mut fields, "ports", Some(ports));
        Asked {
            host,
            resolves,
            fields,
            hostile,
        }
    })
}

pub(super) fn of_instance(hosts: usize) -> impl Strategy<Value = Asked> {
    let place = (0..hosts, prop::bool::weighted(0.95), folder());
    let named = (
        name(),
        weighted(0.4, name()),
        weighted(0.4, 1024_u16..=65535),
    );
    let method = select(vec!["client-mtls", "client-mtls", "ssl-termination"]);
    let usage = weighted(0.6, (weighted(0.7, name()), weighted(0.5, any::<bool>())));
    let rest = (
        method,
        any::<bool>(),
        usage,
        now_and_then(vec![true, false]),
    );
    (place, named, rest).prop_map(|((host, resolves, folder), named, rest)| {
        let (manager_name, agent_name, grpc) = named;
        let (method, as_bundle, usage, trust_store) = rest;
        let files = if as_bundle {
            json!({"bundle": FOLDER})
        } else {
            let at = |name: &str| format!("{FOLDER}/{name}");
            json!({"cert": at("agent.crt"), "key": at("agent.key"), "ca": at("ca.pem")})
        };
        let mut fields = Map::new();
        let head = json!({
            "version": 1, "role": "instance", "method": method, "manager_name": manager_name,
            "certificates": {"agent": files},
        });
        fields.extend(head.as_object().unwrap().clone());
        insert(&mut fields, "agent_name", agent_name);
        insert(&mut fields, "ports", grpc.map(|port| json!({"grpc": port})));
        insert(
            &mut fields,
            "options",
            trust_store.map(|it| json!({"trust_store": it})),
        );
        insert(
            &mut fields,
            "usage_reporting",
            usage.map(|(endpoint, verify)| {
                let mut usage = Map::new();
                insert(&mut usage, "endpoint", endpoint);
                insert(&mut usage, "verify", verify);
                usage
            }),
        );
        let subject = [None, None, None];
        Asked {
            host,
            resolves,
            fields,
            hostile: Hostile { subject, folder },
        }
    })
}

impl Asked {
    /// What only the machine tells: the generation of its agent, and its nginx.
    pub(super) fn on(mut self, generation: Generation, proxy: Proxy) -> Self {
        insert(&mut self.fields, "generation", Some(generation));
        insert(&mut self.fields, "proxy", Some(proxy));
        if generation == Generation::Nim1 || proxy != Proxy::NginxPlus {
            self.fields.remove("usage_reporting");
        }
        self
    }
}
