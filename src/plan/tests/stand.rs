//! A manager's machine in memory, and plans for it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::authority::{self, NOW, Pair, VENDOR};
use super::machine::receipt_of;
use crate::answers::{self, Answers};
use crate::error::{Exit, Problem};
use crate::facts::Facts;
use crate::nginx::Config;
use crate::plan::{Action, Content, FileChange, Piece, Plan, Status, not_looked_at, plan};
use crate::probe::{self, Wanted};
use crate::receipt::{Outcome, Receipt, Reload};

pub(super) const NMS_HTTP: &str = "/etc/nginx/conf.d/nms-http.conf";
pub(super) const STATE: &str = "/var/lib/nim-tls";

macro_rules! stock {
    ($name:literal) => {
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/real/stock/",
            $name
        ))
    };
}

#[derive(Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what may be wrong with a host is independent"
)]
pub(super) struct Stand {
    pub(super) files: BTreeMap<String, String>,
    /// Symbolic links and where they lead.
    pub(super) links: BTreeMap<String, String>,
    /// As `nginx -V` says it.
    pub(super) version: String,
    pub(super) answers: String,
    pub(super) modules: Vec<&'static str>,
    pub(super) obstacles: Vec<(String, String)>,
    /// Listeners that are not nginx's.
    pub(super) strangers: Vec<SocketAddr>,
    /// Those of the manager itself.
    pub(super) services: Vec<SocketAddr>,
    pub(super) clients: Vec<SocketAddr>,
    /// What the running master says, where its file was replaced since.
    pub(super) running: Option<&'static str>,
    pub(super) runs: bool,
    /// So many seconds have gone by.
    pub(super) passed: i64,
    pub(super) live: bool,
    pub(super) root: bool,
    pub(super) resolves: bool,
    /// Further names, and what they resolve to.
    pub(super) names: Vec<(String, Vec<IpAddr>)>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) space: u64,
    /// What `nginx -T` complains of.
    pub(super) complaint: Option<&'static str>,
    applied: u32,
}

impl Stand {
    /// In the shape of NIM 2.22, under nginx 1.22.1, with answers for client mTLS.
    pub(super) fn stock() -> Self {
        let (vendor, pair) = &*VENDOR;
        let nms_http = stock!("nms-http.conf")
            .replace("@LISTEN@", "    listen 443 ssl http2;")
            .replace("@TRAP@", "")
            .replace("@NAMES@", "_")
            .replace("@PROTOCOLS@", "TLSv1.2 TLSv1.3")
            .replace(
                "@CLIENTS@",
                "    # ssl_client_certificate /etc/nms/certs/ca.pem;\n    ssl_verify_client      off;",
            )
            .replace("@GRPC@", stock!("grpc-locations.conf").trim_end_matches('\n'));
        let files = [
            ("/etc/nginx/nginx.conf", stock!("nginx.conf").to_owned()),
            (
                "/etc/nginx/mime.types",
                "types { text/html html; }\n".to_owned(),
            ),
            (NMS_HTTP, nms_http),
            (
                "/etc/nms/nginx/errors-grpc.loc_conf",
                stock!("errors-grpc.loc_conf").to_owned(),
            ),
            (
                "/etc/nms/nginx/errors-grpc.server_conf",
                stock!("errors-grpc.server_conf").to_owned(),
            ),
            (
                "/etc/nms/nginx/errors.http_conf",
                stock!("errors.http_conf").to_owned(),
            ),
            ("/etc/nms/nms.conf", "# services\n".to_owned()),
            ("/etc/nms/certs/ca.pem", vendor.certificate().pem()),
            ("/etc/nms/certs/manager-server.pem", pair.chain.clone()),
            ("/etc/nms/certs/manager-server.key", pair.key.clone()),
            ("/etc/os-release", "ID=debian\nVERSION_ID=12\n".to_owned()),
        ];
        Self {
            files: files.map(|(path, text)| (path.to_owned(), text)).into(),
            links: BTreeMap::new(),
            version: "nginx/1.22.1".to_owned(),
            answers: "version: 1\nrole: manager\ngeneration: nim2\nproxy: nginx-oss\n\
                      method: client-mtls\nmanager_name: nim.example.com\nalt_names: []\n\
                      agents: [web-1.example.com]\ncertificates: {ca_key: {keep: plaintext}}\n"
                .to_owned(),
            modules: vec![
                "http_ssl_module",
                "http_v2_module",
                "http_auth_request_module",
            ],
            obstacles: Vec::new(),
            strangers: Vec::new(),
            services: Vec::new(),
            clients: Vec::new(),
            running: None,
            runs: true,
            passed: 0,
            live: true,
            root: true,
            resolves: true,
            names: Vec::new(),
            addresses: vec![Ipv4Addr::LOCALHOST.into()],
            space: 1 << 30,
            complaint: None,
            applied: 0,
        }
    }

    /// Under an nginx that has `http2 on;`.
    pub(super) fn newer(mut self) -> Self {
        self.version = "nginx/1.26.3".to_owned();
        self
    }

    pub(super) fn with_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// The same with something else in nms-http.conf, wherever it stands there.
    pub(super) fn edit(self, from: &str, to: &str) -> Self {
        self.edit_file(NMS_HTTP, from, to)
    }

    pub(super) fn edit_file(mut self, path: &str, from: &str, to: &str) -> Self {
        let text = self.files.get_mut(path).expect(path);
        assert!(text.contains(from), "{from:?} is not in {path}");
        *text = text.replace(from, to);
        self
    }

    pub(super) fn with_file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    pub(super) fn with_pair(self, pair: &Pair) -> Self {
        self.with_file("/etc/nms/certs/manager-server.pem", &pair.chain)
            .with_file("/etc/nms/certs/manager-server.key", &pair.key)
    }

    pub(super) fn with_link(mut self, path: &str, target: &str) -> Self {
        self.links.insert(path.to_owned(), target.to_owned());
        self
    }

    /// With another answer in place of one.
    pub(super) fn answer(mut self, from: &str, to: &str) -> Self {
        assert!(
            self.answers.contains(from),
            "{from:?} is not among the answers"
        );
        self.answers = self.answers.replace(from, to);
        self
    }

    pub(super) fn ssl_termination(self) -> Self {
        self.answer("method: client-mtls", "method: ssl-termination")
    }

    pub(super) fn with_obstacle(mut self, path: &str, why: &str) -> Self {
        self.obstacles.push((path.to_owned(), why.to_owned()));
        self
    }

    pub(super) fn with_stranger(mut self, at: &str) -> Self {
        self.strangers.push(at.parse().unwrap());
        self
    }

    pub(super) fn with_client(mut self, from: &str) -> Self {
        self.clients.push(from.parse().unwrap());
        self
    }

    /// Under a master of this version whose file was replaced by an upgrade.
    pub(super) fn later(mut self, days: i64) -> Self {
        self.passed += days * 86_400;
        self
    }

    pub(super) fn running_deleted(mut self, version: &'static str) -> Self {
        self.running = Some(version);
        self
    }

    pub(super) fn without_module(mut self, module: &str) -> Self {
        self.modules.retain(|other| *other != module);
        self
    }

    pub(super) fn stopped(mut self) -> Self {
        self.runs = false;
        self
    }

    pub(super) fn not_live(mut self) -> Self {
        self.live = false;
        self
    }

    pub(super) fn not_root(mut self) -> Self {
        self.root = false;
        self
    }

    pub(super) fn unresolved(mut self) -> Self {
        self.resolves = false;
        self
    }

    pub(super) fn with_name(mut self, name: &str, address: &str) -> Self {
        let addresses = vec![address.parse().unwrap()];
        self.names.push((name.to_owned(), addresses));
        self
    }

    pub(super) fn with_address(mut self, address: &str) -> Self {
        self.addresses.push(address.parse().unwrap());
        self
    }

    pub(super) fn full(mut self) -> Self {
        self.space = 1 << 20;
        self
    }

    pub(super) fn complaining(mut self, words: &'static str) -> Self {
        self.complaint = Some(words);
        self
    }

    pub(super) fn answers(&self) -> Answers {
        Answers::check(&answers::read(self.answers.as_bytes()).unwrap()).unwrap()
    }

    pub(super) fn config(&self) -> Config {
        Config::load("/etc/nginx/nginx.conf", self).unwrap()
    }

    pub(super) fn facts(&self) -> Facts {
        let wanted = Wanted {
            names: vec!["nim.example.com".parse().unwrap()],
            addresses: Vec::new(),
            https_port: 443.try_into().unwrap(),
            agents_port: None,
            files: self.answers().files(&STATE.parse().unwrap()),
            state: STATE.parse().unwrap(),
        };
        probe::look(&self.host(), &wanted)
    }

    /// Made again where the first plan asks for another look.
    pub(super) fn plan(&self) -> Result<Plan, Problem> {
        self.plan_on(self.facts())
    }

    /// The same for facts that were changed since.
    pub(super) fn plan_on(&self, mut facts: Facts) -> Result<Plan, Problem> {
        let answers = self.answers();
        let first = plan(&facts, &answers)?;
        let unseen = not_looked_at(&first, &facts);
        if probe::look_further(&self.host(), &mut facts, &unseen) {
            plan(&facts, &answers)
        } else {
            Ok(first)
        }
    }

    pub(super) fn planned(&self) -> Plan {
        self.plan().unwrap_or_else(|problem| panic!("{problem}"))
    }

    /// What it says when the host is refused. It names what to do.
    pub(super) fn refusal(&self) -> String {
        let problem = self.plan().expect_err("this was to be refused");
        assert_eq!(problem.exit, Exit::HostUnfit, "{problem}");
        assert!(
            problem.remedy.is_some(),
            "nothing to do is named: {problem}"
        );
        problem.what
    }

    /// The machine as it is once the plan is carried out, with the receipt of that.
    pub(super) fn applied(&self) -> Self {
        self.after(&self.planned())
    }

    /// The same for a given plan.
    pub(super) fn after(&self, plan: &Plan) -> Self {
        let mut after = self.clone();
        let mut pieces = plan
            .issuing()
            .map(|issuing| authority::make(issuing, |path| self.files[path].clone()))
            .unwrap_or_default();
        if let Some(Action::Fetch(fetch)) = plan.step("fetch").map(|step| &step.action) {
            let key = self.files[fetch.from.as_str()].clone();
            pieces.insert(Piece::CarriedKey, key);
        }
        if let Some(Action::FetchKeys(keys)) = plan.step("fetch-keys").map(|step| &step.action) {
            for (agent, fetch) in keys {
                let key = self.files[fetch.from.as_str()].clone();
                pieces.insert(Piece::AgentKey(agent.clone()), key);
            }
        }
        let mut changes = Vec::new();
        for file in plan.changed_files() {
            let text = match &file.content {
                Content::Text(text) => text.clone(),
                Content::Issued(piece) => pieces[piece].clone(),
            };
            changes.push(receipt_of(file, &text));
            if file.status == Status::Remove {
                after.files.remove(file.path.as_str());
            } else {
                after.files.insert(file.path.to_string(), text);
            }
        }
        after.applied += 1;
        let run = format!("2026-01-01-{:02}", after.applied);
        let receipt = Receipt {
            schema: 1,
            run: run.parse().unwrap(),
            command: "apply".to_owned(),
            started: NOW,
            ended: NOW,
            outcome: Outcome::Applied,
            changes,
            reload: Reload::Done,
            proof: Vec::new(),
            proves: None,
            reaches: None,
            problem: None,
            undid: None,
            not_kept: false,
            left: Vec::new(),
            kept: Vec::new(),
            nginx_test: None,
            skipped: Vec::new(),
        };
        let text = serde_json::to_string(&receipt).unwrap();
        after.with_file(&format!("{STATE}/runs/{run}/receipt.json"), &text)
    }

    /// Asserts that there is nothing left to do once the plan is carried out; gives back how
    /// the machine is then.
    pub(super) fn settled(&self) -> Self {
        let after = self.applied();
        let again = after.planned();
        let changed: Vec<_> = again.changed_files().map(|file| &file.path).collect();
        assert!(again.is_empty(), "applying twice changes {changed:?}");
        after
    }
}

/// The planned text of a file.
pub(super) fn text<'a>(plan: &'a Plan, path: &str) -> &'a str {
    match &file(plan, path).content {
        Content::Text(text) => text,
        Content::Issued(piece) => panic!("{path} is {piece:?}"),
    }
}

pub(super) fn file<'a>(plan: &'a Plan, path: &str) -> &'a FileChange {
    let found = plan.files.iter().find(|file| file.path.as_str() == path);
    found.unwrap_or_else(|| panic!("{path} is not planned"))
}

/// The paths that a plan would create or change.
pub(super) fn changed(plan: &Plan) -> Vec<&str> {
    let mut paths: Vec<&str> = plan
        .changed_files()
        .map(|file| file.path.as_str())
        .collect();
    paths.sort_unstable();
    paths
}
