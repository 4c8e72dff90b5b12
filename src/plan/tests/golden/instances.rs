//! Instances: what their agents are told, and where their NGINX Plus reports its usage.

use std::collections::BTreeMap;

use super::super::stand::{STATE, Stand};
use super::Golden;
use super::shown::{difference, parts, whole};
use crate::answers::{InstanceAnswers, read};
use crate::error::Problem;
use crate::facts::{Facts, Known, Service};
use crate::plan::{Plan, instance};
use crate::probe::{self, Wanted};

pub(in super::super) const BUNDLE: &str = "/root/web-1.example.com";
const SETTINGS: &str = "/etc/nginx-agent/nginx-agent.conf";
/// As the package of version 2 makes it.
const OF_2: &str = "\
server:
  host: 127.0.0.1 # for now
  grpcPort: 54789
tls:
  enable: false
  skip_verify: true
log:
  level: info
";
const OF_1: &str = "\
# where the manager is
server: \"127.0.0.1:10443\"
log:
  level: info
tags: [\"web\"]
";
/// As the vendor's script appends it to nginx.conf.
const REPORTS: &str =
    "mgmt {\n  usage_report endpoint=127.0.0.1 interval=30m;\n  ssl_verify off;\n}\n";

const R31: &str = "nginx/1.25.3 (nginx-plus-r31-p1)";
const R33: &str = "nginx/1.27.2 (nginx-plus-r33-p2)";

/// By what they are like: the generation of the agent, the release of NGINX Plus.
pub(in super::super) fn machines() -> Vec<(String, Stand)> {
    let two = machine(&Stand::stock(), "2.46.7", OF_2);
    let one = machine(&Stand::nim1(), "1.0.4", OF_1);
    let plus = |version: &str, block: &str| {
        let stand = two.clone().with_version(version);
        let main = "/etc/nginx/nginx.conf";
        let text = stand.files[main].clone() + block;
        stand.with_file(main, &text)
    };
    let all = [
        ("nim1", one),
        ("nim2", two.clone()),
        ("plus r31", plus(R31, "")),
        ("plus r33", plus(R33, "")),
        ("plus r33 with a block", plus(R33, REPORTS)),
    ];
    all.map(|(name, stand)| (name.to_owned(), stand)).to_vec()
}

pub(super) fn all() -> Vec<Golden> {
    let machines: BTreeMap<String, Stand> = machines().into_iter().collect();
    let of_2 = |method| answers(2, method, "nginx-oss", "");
    let of_1 = answers(1, "client-mtls", "nginx-oss", "");
    let whole = [
        ("nim2-client-mtls", "nim2", of_2("client-mtls")),
        ("nim2-ssl-termination", "nim2", of_2("ssl-termination")),
        ("nim1-client-mtls", "nim1", of_1),
    ];
    let whole = whole.map(|(name, machine, answers)| agents(name, &machines[machine], &answers));
    let verified = "usage_reporting: {endpoint: nim.example.com}\n";
    let unverified = "usage_reporting: {verify: false}\n";
    let more = [
        ("r31", "plus r31", verified),
        ("r33", "plus r33", verified),
        ("r33-merged", "plus r33 with a block", verified),
        ("r33-unverified", "plus r33", unverified),
    ];
    let more = more.map(|(name, machine, more)| reports(name, &machines[machine], more));
    [whole.to_vec(), more.to_vec()].concat()
}

fn answers(generation: u8, method: &str, proxy: &str, more: &str) -> String {
    let port = if generation == 1 { 10443 } else { 443 };
    format!(
        "version: 1\nrole: instance\ngeneration: nim{generation}\nproxy: {proxy}\nmethod: {method}\n\
         manager_name: nim.example.com\nports: {{grpc: {port}}}\ncertificates: {{agent: {{bundle: \
         {BUNDLE}}}}}\n{more}"
    )
}

/// Another machine than the manager's, to which the agent's folder was brought.
fn machine(manager: &Stand, agent: &str, settings: &str) -> Stand {
    let mut stand = manager.applied();
    let issued = format!("{STATE}/issued/web-1.example.com/");
    let files = std::mem::take(&mut stand.files).into_iter();
    stand.files = files
        .filter_map(|(path, text)| match path.strip_prefix(&issued) {
            Some(name) => Some((format!("{BUNDLE}/{name}"), text)),
            None => [
                "/etc/nginx/nginx.conf",
                "/etc/nginx/mime.types",
                "/etc/os-release",
            ]
            .contains(&path.as_str())
            .then_some((path, text)),
        })
        .collect();
    let package = format!("Package: nginx-agent\nStatus: install ok installed\nVersion: {agent}\n");
    stand.services.clear();
    stand
        .with_file(SETTINGS, settings)
        .with_file("/var/lib/dpkg/status", &package)
        .with_file("/etc/nginx/license.jwt", "a licence\n")
}

fn planned(stand: &Stand, text: &str) -> Result<Plan, Problem> {
    let answers = InstanceAnswers::check(&read(text.as_bytes()).unwrap()).unwrap();
    let wanted = Wanted {
        names: answers.names(),
        files: answers.files(),
        ..Wanted::without_answers(STATE.parse().unwrap())
    };
    let mut facts: Facts = probe::look(&stand.host(), &wanted);
    // Memory has no systemd, which the agent is restarted by.
    facts.systemd = Known::Is(());
    let active = Known::Is(Service {
        state: "active".to_owned(),
        left_out: None,
    });
    facts.services.insert("nginx-agent".to_owned(), active);
    instance::plan(&facts, &answers)
}

fn agents(name: &str, stand: &Stand, text: &str) -> Golden {
    let shown = whole(&parts(&planned(stand, text)));
    (
        format!("instance-{name}"),
        head(stand, "answers", text) + &shown,
    )
}

/// What usage reports bring to the plan for the agent.
fn reports(name: &str, stand: &Stand, more: &str) -> Golden {
    let text = answers(2, "client-mtls", "nginx-plus", "");
    let before = parts(&planned(stand, &text));
    let after = parts(&planned(stand, &(text + more)));
    let shown = difference(&before, &after);
    let head = head(stand, "answers beside those for the agent", more);
    (format!("instance-usage-reporting-{name}"), head + &shown)
}

fn head(stand: &Stand, title: &str, answers: &str) -> String {
    let answers: String = answers
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    format!("{}\n\n{title}:\n{answers}", stand.version)
}
