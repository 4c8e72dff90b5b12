//! Managers' hosts: the cells, and the options that change a cell most.

use super::super::imported::imported;
use super::super::requested::{BOTH, asking_on};
use super::super::stand::Stand;
use super::Golden;
use super::shown::{Part, difference, parts, whole};
use crate::answers::{Answers, read};
use crate::facts::{Facts, Generation, Known, Service};
use crate::method::{self, Cell, Method, Proxy};

const OSS: &str = "nginx/1.22.1";
pub(in super::super) const NEWER_OSS: &str = "nginx/1.27.4";
/// Below R30 and above, where HTTP/2 has a directive of its own.
pub(in super::super) const PLUS: &str = "nginx/1.23.4 (nginx-plus-r29)";
pub(in super::super) const NEWER_PLUS: &str = "nginx/1.27.2 (nginx-plus-r33-p2)";

pub(super) fn cells() -> Vec<Golden> {
    let cells = method::cells().into_iter();
    cells.map(|cell| (name_of(&cell), text_of(&cell))).collect()
}

fn name_of(cell: &Cell) -> String {
    let proxy = match cell.proxy {
        Proxy::None => "no-proxy".to_owned(),
        other => other.to_string(),
    };
    format!("{}-{}-{proxy}", cell.generation, cell.method)
}

fn text_of(cell: &Cell) -> String {
    let stand = stand(cell.generation, cell.method, cell.proxy);
    let head = format!(
        "{} with {}, of NGINX Instance Manager {}\n\nanswers:\n{}",
        cell.method.title(),
        cell.proxy.title(),
        if cell.generation == Generation::Nim1 {
            1
        } else {
            2
        },
        answers_of(&stand)
    );
    if let Some(why) = cell.not_applicable {
        let draft = read(stand.answers.as_bytes()).unwrap();
        let refusals = Answers::check(&draft).unwrap_err();
        let said: String = refusals
            .iter()
            .map(|refusal| format!("{}: {}\n", refusal.field, refusal.why))
            .collect();
        assert!(said.contains(why), "{said}");
        return format!("{head}\n==== refused\n{said}");
    }
    let [older, newer] = match cell.proxy {
        Proxy::None => return head + &whole(&shown(&stand)),
        Proxy::NginxOss => [OSS, NEWER_OSS],
        Proxy::NginxPlus => [PLUS, NEWER_PLUS],
    };
    let under = |version: &str| shown(&stand.clone().with_version(version));
    let (old, new) = (under(older), under(newer));
    let other = difference(&old, &new);
    assert!(!other.is_empty(), "{newer} is told as {older} is");
    let whole = whole(&old);
    format!("{head}\n######## under {older}\n{whole}\n######## otherwise under {newer}\n{other}")
}

fn answers_of(stand: &Stand) -> String {
    let lines = stand.answers.lines().map(|line| format!("    {line}\n"));
    lines.collect()
}

/// As it is shipped, under the first nginx of its table.
fn stand(generation: Generation, method: Method, proxy: Proxy) -> Stand {
    let stand = match generation {
        Generation::Nim1 => Stand::nim1(),
        Generation::Nim2 => Stand::stock(),
    };
    let stand = match proxy {
        Proxy::NginxPlus => stand.with_version(PLUS),
        Proxy::None | Proxy::NginxOss => stand,
    };
    choosing(&stand, method, proxy)
}

fn choosing(stand: &Stand, method: Method, proxy: Proxy) -> Stand {
    let stand = stand.clone().answer("client-mtls", &method.to_string());
    stand.answer("nginx-oss", &proxy.to_string())
}

/// Those of this stand, for another cell.
pub(in super::super) fn answers_for(stand: &Stand, cell: &Cell) -> Answers {
    choosing(stand, cell.method, cell.proxy).answers()
}

/// Memory has no systemd, which a manager of generation 1 is restarted by.
pub(in super::super) fn served(mut facts: Facts) -> Facts {
    facts.systemd = Known::Is(());
    let active = Known::Is(Service {
        state: "active".to_owned(),
        left_out: None,
    });
    facts.services.insert("nginx-manager".to_owned(), active);
    facts
}

fn shown(stand: &Stand) -> Vec<Part> {
    parts(&stand.plan_on(served(stand.facts())))
}

/// More answers before the names.
fn with(stand: &Stand, more: &str) -> Stand {
    stand
        .clone()
        .answer("alt_names", &format!("{more}\nalt_names"))
}

/// An option: after the cell whose answers it adds to.
struct Choice {
    name: &'static str,
    before: Stand,
    after: Stand,
    /// It is shown as a whole, because nearly all is otherwise.
    whole: bool,
}

pub(super) fn options() -> Vec<Golden> {
    let choices = of_nim1().into_iter().chain(of_nim2());
    choices.map(|choice| golden(&choice)).collect()
}

fn golden(choice: &Choice) -> Golden {
    let (before, after) = (shown(&choice.before), shown(&choice.after));
    let text = if choice.whole {
        whole(&after)
    } else {
        difference(&before, &after)
    };
    let answers = similar::TextDiff::from_lines(&choice.before.answers, &choice.after.answers);
    let mut said = String::new();
    for change in answers.iter_all_changes() {
        if change.tag() != similar::ChangeTag::Equal {
            said.push_str(&format!("    {}{}", change.tag(), change.value()));
        }
    }
    let kind = if choice.whole {
        "whole"
    } else {
        "what it makes otherwise"
    };
    let name = choice.name.to_owned();
    let version = &choice.after.version;
    (
        name,
        format!("{version}, {kind}\n\nanswers beside those of the cell:\n{said}{text}"),
    )
}

fn of_nim1() -> Vec<Choice> {
    let oss = stand(Generation::Nim1, Method::ClientMtls, Proxy::NginxOss);
    let plus = stand(Generation::Nim1, Method::GrpcHealthChecks, Proxy::NginxPlus);
    let mut below = oss.clone();
    below.modules.extend(["stream", "stream_ssl_module"]);
    let small = |name, before: &Stand, more| Choice {
        name,
        before: before.clone(),
        after: with(before, more),
        whole: false,
    };
    let large = |name, before: &Stand, more| Choice {
        whole: true,
        ..small(name, before, more)
    };
    let rejecting = oss.clone();
    let passed = "options: {grpc_context: stream, grpc_passthrough: true}";
    vec![
        large(
            "nim1-client-mtls-nginx-oss-stream",
            &below,
            "options: {grpc_context: stream}",
        ),
        large(
            "nim1-client-mtls-nginx-oss-stream-passthrough",
            &below,
            passed,
        ),
        small(
            "nim1-client-mtls-nginx-oss-observe",
            &oss,
            "options: {enforce: observe}",
        ),
        small(
            "nim1-client-mtls-nginx-oss-backend-tls",
            &oss,
            "options: {backend_tls: true}",
        ),
        small(
            "nim1-client-mtls-nginx-oss-redirect-http",
            &oss,
            "options: {redirect_http: true}",
        ),
        small(
            "nim1-client-mtls-nginx-oss-crl",
            &oss,
            "options: {crl: true}",
        ),
        Choice {
            name: "nim1-client-mtls-nginx-oss-import-ca",
            after: imported(oss.clone()),
            before: oss,
            whole: false,
        },
        small(
            "nim1-client-mtls-nginx-oss-reject",
            &rejecting,
            "options: {unknown_names: reject}",
        ),
        small(
            "nim1-grpc-health-checks-nginx-plus-open",
            &plus,
            "options: {grpc_publish: open}",
        ),
        small(
            "nim1-grpc-health-checks-nginx-plus-tls-grpcs",
            &plus,
            "options: {grpc_publish: tls-grpcs}",
        ),
    ]
}

fn of_nim2() -> Vec<Choice> {
    let oss = stand(Generation::Nim2, Method::ClientMtls, Proxy::NginxOss);
    let small = |name, more| Choice {
        name,
        before: oss.clone(),
        after: with(&oss, more),
        whole: false,
    };
    let large = |name, more| Choice {
        whole: true,
        ..small(name, more)
    };
    let own = "agent_name: agents.example.com\noptions: {agent_auth: dedicated-server}";
    let own_port = "agent_name: agents.example.com\nports: {grpc: 8443}\n\
                    options: {agent_auth: dedicated-server, unknown_names: reject}";
    vec![
        large("nim2-client-mtls-nginx-oss-dedicated-server", own),
        large(
            "nim2-client-mtls-nginx-oss-dedicated-server-own-port",
            own_port,
        ),
        small(
            "nim2-client-mtls-nginx-oss-observe",
            "options: {enforce: observe}",
        ),
        small(
            "nim2-client-mtls-nginx-oss-redirect-http",
            "options: {redirect_http: true}",
        ),
        small("nim2-client-mtls-nginx-oss-crl", "options: {crl: true}"),
        Choice {
            name: "nim2-client-mtls-nginx-oss-import-ca",
            before: oss.clone(),
            after: imported(oss.clone()),
            whole: false,
        },
        Choice {
            name: "nim2-client-mtls-nginx-oss-requests",
            after: asking_on(&oss, BOTH),
            before: oss,
            whole: true,
        },
    ]
}
