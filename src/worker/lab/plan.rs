//! Plans for the host in memory.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ANCHOR, BUNDLE, CONF, ERROR_LOG, KEY, MASTER, OLD_KEY, OLD_TEXT, OWN_CONF, state};
use crate::facts::{WATCH_FOLDER, WATCHERS};
use crate::plan::{
    Action, Content, Deed, Enable, FileChange, FolderChange, NginxCommand, Piece, Plan, Proof,
    ProofTrust, SCHEMA, Status, Step, TrustChange, Watch,
};
use crate::values::{Digest, Mode};

pub(in super::super) fn nginx() -> NginxCommand {
    NginxCommand {
        binary: "/usr/sbin/nginx".to_owned(),
        args: vec!["-c".to_owned(), "/etc/nginx/nginx.conf".to_owned()],
        main: None,
        master: MASTER,
        touches: Vec::new(),
        error_log: Some(ERROR_LOG.to_owned()),
        listens: vec!["0.0.0.0:443".parse().unwrap()],
    }
}

fn file(path: &str, mode: u32, content: Content, before: Option<&[u8]>) -> FileChange {
    FileChange {
        path: path.parse().unwrap(),
        status: if before.is_some() {
            Status::Change
        } else {
            Status::Create
        },
        mode: Mode(mode),
        owner: (0, 0),
        content,
        before: before.map(Digest::of),
        text_before: None,
        reasons: Vec::new(),
    }
}

/// A small plan of every kind of step.
pub(in super::super) fn plan() -> Plan {
    let text = |text: &str| Content::Text(text.to_owned());
    let trust = TrustChange {
        anchor: ANCHOR.parse().unwrap(),
        command: "update-ca-certificates".to_owned(),
        rewrites: vec!["/etc/ssl/certs".to_owned()],
        bundle: BUNDLE.to_owned(),
    };
    let folder = |path: &str, mode| FolderChange {
        path: path.parse().unwrap(),
        mode: Mode(mode),
    };
    Plan {
        schema: SCHEMA,
        steps: vec![
            step(
                "issue",
                Action::Issue(serde_json::from_value(issuing()).unwrap()),
            ),
            step("test", Action::Test(nginx())),
            step("place", Action::Place),
            step("trust", Action::Trust(trust)),
            step("enable", Action::Enable(enable())),
            step("watch", Action::Watch(watch())),
            step("reload", Action::Reload(nginx())),
            step("old-workers", Action::EndOldWorkers { after_seconds: 1 }),
            step("prove", Action::Prove(proof())),
        ],
        files: vec![
            file(KEY, 0o600, Content::Issued(Piece::ServerKey), None),
            file(
                OLD_KEY,
                0o600,
                Content::Issued(Piece::ServerKey),
                Some(b"an old key"),
            ),
            file(
                "/etc/nms/certs/server.crt",
                0o644,
                Content::Issued(Piece::ServerChain),
                None,
            ),
            file(ANCHOR, 0o644, Content::Issued(Piece::RootCertificate), None),
            file(
                CONF,
                0o644,
                text("server { listen 443 ssl http2; }\n"),
                Some(OLD_TEXT.as_bytes()),
            ),
            file(OWN_CONF, 0o644, text("# ours\n"), None),
            file(
                "/var/lib/nim-tls/ca/root.key",
                0o600,
                Content::Issued(Piece::RootKey),
                None,
            ),
        ],
        folders: vec![
            folder("/etc/nms/certs", 0o755),
            folder("/var/lib/nim-tls/ca", 0o700),
        ],
        notes: Vec::new(),
        defaults: BTreeMap::new(),
    }
}

fn watch() -> Watch {
    Watch {
        deed: Deed::Begin,
        units: WATCHERS.map(str::to_owned).to_vec(),
        rewrites: vec![WATCH_FOLDER.to_owned()],
    }
}

fn enable() -> Enable {
    Enable {
        units: vec!["nginx".to_owned()],
        rewrites: vec!["/etc/systemd/system".to_owned(), "/etc/rc2.d".to_owned()],
    }
}

/// A later plan: only the configuration that the first one left is changed.
pub(in super::super) fn second_plan() -> Plan {
    let before = Some(b"server { listen 443 ssl http2; }\n".as_slice());
    let content = Content::Text("# third\n".to_owned());
    Plan {
        steps: vec![
            step("place", Action::Place),
            step("reload", Action::Reload(nginx())),
        ],
        files: vec![file(CONF, 0o644, content, before)],
        folders: Vec::new(),
        ..plan()
    }
}

/// A plan for files as they are, of which only a proof tells whether agents without a certificate
/// are refused.
pub(in super::super) fn proof_alone(refused: bool) -> Plan {
    let agents = json!({
        "services": [], "enforced": true, "check_log": null, "server_chain": KEY,
        "server_key": KEY, "stale_names": [],
    });
    let proof = Proof {
        agents: refused.then(|| serde_json::from_value(agents).unwrap()),
        ..proof()
    };
    Plan {
        steps: vec![
            step("place", Action::Place),
            step("prove", Action::Prove(proof)),
        ],
        files: Vec::new(),
        folders: Vec::new(),
        ..plan()
    }
}

fn step(id: &str, action: Action) -> Step {
    let text = || id.to_owned();
    Step {
        id: text(),
        title: text(),
        why: text(),
        undo: text(),
        action,
    }
}

fn issuing() -> Value {
    let recipe = |purpose: &str, names: &[&str]| {
        json!({
            "purpose": purpose, "subject": {"common_name": format!("test {purpose}")},
            "names": names, "key": "ecdsa-p256", "days": 300,
        })
    };
    json!({
        "authority": {"new": {
            "root": recipe("root", &[]), "intermediate": recipe("intermediate", &[]),
            "key": "plaintext",
        }},
        "server": recipe("server", &["nim.example.com"]),
        "agents": {},
        "folder": "/var/lib/nim-tls/ca",
    })
}

fn proof() -> Proof {
    Proof {
        barred: BTreeMap::new(),
        listeners: vec!["127.0.0.1:443".parse().unwrap()],
        name: "nim.example.com".parse().unwrap(),
        other_names: Vec::new(),
        elsewhere: Vec::new(),
        nameless_elsewhere: false,
        trust: ProofTrust::OurRoot,
        headers: Vec::new(),
        redirect: None,
        agents: None,
        agents_port: None,
        closed: Vec::new(),
        state: state(),
        master: Some(MASTER),
    }
}
