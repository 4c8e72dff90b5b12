//! What a server does about agents' certificates before anything is changed.

use super::bypass::{self, VENDOR_CHECK};
use super::differences::AGENTS_SERVER;
use super::guarded::Guarded;
use super::listeners;
use super::manager::is_on;
use super::other_ways;
use super::peers::Reached;
use super::site::Site;
use super::streams::{self, StreamServer};
use super::template::{CHECK, LISTED};
use crate::error::Problem;
use crate::facts::{Build, Facts, Generation, Known};
use crate::method::generation_of;
use crate::nginx::{Config, Directive, Http, Location, LocationKind, Place, flat};
use crate::values::{AbsPath, Port};

/// What a server does about agents' certificates today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientsToday {
    NotAsked,
    /// Asked for, and whoever has none gets through.
    Asked,
    /// Judged by our check, which logs it and lets everybody through: that was asked for.
    Observed,
    /// A check stands in both gRPC locations, but it can be got round.
    Bypassable,
    Enforced,
}

/// Judges what is there, and names the line that decides.
pub fn clients_today<'a>(site: &Site<'a>, build: Option<&Build>) -> (ClientsToday, &'a Directive) {
    let verify = site
        .server
        .scope
        .nearest("ssl_verify_client")
        .into_iter()
        .next();
    let decides = verify.unwrap_or(site.server.directive);
    match verify.and_then(|line| line.arg(0)) {
        // nginx itself answers 400 before any location is looked for.
        Some("on") => return (ways_round(site, build), decides),
        Some("optional" | "optional_no_ca") => {}
        _ => return (ClientsToday::NotAsked, decides),
    }
    let check = |gate: &&Location<'a>| {
        let line = gate.scope.nearest("auth_request").into_iter().next();
        line.filter(|line| line.arg(0) != Some("off"))
    };
    let checks: Vec<&Directive> = site.gates.iter().filter_map(check).collect();
    let (Some(first), true) = (checks.first(), checks.len() == site.gates.len()) else {
        return (ClientsToday::Asked, decides);
    };
    if checks.iter().all(|check| only_observes(site, check)) {
        return (ClientsToday::Observed, first);
    }
    let holds = !bypass::leads_round(site, build)
        && site.gates.iter().all(|gate| needs_all(gate))
        && checks.iter().all(|check| check_holds(site, check));
    if holds {
        (ClientsToday::Enforced, decides)
    } else {
        (ClientsToday::Bypassable, first)
    }
}

/// Where the server asks everybody: whether another server leads round it.
fn ways_round(site: &Site<'_>, build: Option<&Build>) -> ClientsToday {
    let closed =
        other_ways::refuse(&Guarded::of(site)).is_ok() && bypass::neighbours(site, build).is_ok();
    if closed {
        ClientsToday::Enforced
    } else {
        ClientsToday::Bypassable
    }
}

fn needs_all(gate: &Location<'_>) -> bool {
    gate.scope.value("satisfy").is_none_or(|how| how == "all")
}

/// Whether the location that a check asks says no to whoever has no certificate, and nothing
/// makes a yes of it.
fn check_holds(site: &Site<'_>, check: &Directive) -> bool {
    let path = check.arg(0).unwrap_or_default();
    if !matches!(path, CHECK | VENDOR_CHECK) {
        return false;
    }
    let selected = site.http.find_location_for(site.server, path);
    let Some(location) = selected.location else {
        return false;
    };
    let certain = location.kind == LocationKind::Exact || selected.maybe.is_empty();
    certain && refuses_first(location) && !answer_is_changed(location)
}

/// Whether it is our check in the form that refuses nobody.
fn only_observes(site: &Site<'_>, check: &Directive) -> bool {
    let mut locations = site.server.locations().iter();
    let ours = locations
        .find(|location| location.kind == LocationKind::Exact && location.pattern == CHECK);
    let Some(location) = ours.filter(|_| check.arg(0) == Some(CHECK)) else {
        return false;
    };
    let mut lines = flat(location.directive.children());
    let first =
        lines.find(|line| line.name == "return" || (line.name == "if" && !asks_the_list(line)));
    first.is_some_and(|line| line.name == "return" && matches!(line.arg(0), Some("204" | "202")))
}

fn asks_the_list(line: &Directive) -> bool {
    line.arg(0).and_then(|word| word.strip_prefix('(')) == Some(LISTED)
}

/// The form of the vendor's check and of ours: the certificate is judged before any yes.
fn refuses_first(location: &Location<'_>) -> bool {
    let mut refuses_rest = false;
    for line in flat(location.directive.children()) {
        match line.name.as_str() {
            // Who is not verified was refused before.
            "if" if refuses_rest && asks_the_list(line) => {}
            "if" => {
                let words: Vec<&str> = line.words().collect();
                let inner = flat(line.children()).find(|inner| inner.name == "return");
                let Some(code) = inner.and_then(|inner| inner.arg(0)) else {
                    return false;
                };
                match words.as_slice() {
                    ["($ssl_client_verify", "=", "SUCCESS)"] => {}
                    [
                        "($ssl_client_verify",
                        "!=" | "!~" | "!~*",
                        "SUCCESS)" | "SUCCESS",
                        ..,
                    ] if is_refusal(code) => {
                        refuses_rest = true;
                    }
                    _ => return false,
                }
            }
            "return" => return refuses_rest || line.arg(0).is_some_and(is_refusal),
            "rewrite" | "set" | "break" | "proxy_pass" | "try_files" => return false,
            _ => {}
        }
    }
    false
}

fn is_refusal(code: &str) -> bool {
    matches!(code, "401" | "403")
}

/// An error page turns a refusal into a pass where it brings a status of its own (`=`), or
/// where further error pages are followed from there.
fn answer_is_changed(check: &Location<'_>) -> bool {
    changing_page(check).is_some()
}

fn changing_page<'a>(check: &Location<'a>) -> Option<&'a Directive> {
    let pages = check.scope.nearest("error_page");
    let codes = |page: &Directive| page.args.iter().any(is_refusal);
    let changes = |page: &Directive| page.args.iter().any(|arg| arg.starts_with('='));
    let refusals = || pages.iter().copied().filter(|page| codes(page));
    let followed = check.scope.value("recursive_error_pages") == Some("on");
    let further = || pages.iter().copied().find(|page| changes(page));
    refusals().find(|page| changes(page)).or_else(|| {
        refusals()
            .next()
            .filter(|_| followed)
            .and_then(|_| further())
    })
}

/// The page by which a check of this site says yes to whoever it has refused.
pub(super) fn changed_answer<'a>(site: &Site<'a>) -> Option<&'a Directive> {
    let asks = site.gates.iter();
    let checks = asks.flat_map(|gate| gate.scope.nearest("auth_request"));
    checks.into_iter().find_map(|check| {
        let path = check.arg(0)?;
        let location = site.http.find_location_for(site.server, path).location?;
        changing_page(location)
    })
}

/// The same of the manager's server on this port, where there is one.
pub fn agents_today(
    facts: &Facts,
    config: &Config,
    port: Port,
) -> Result<(ClientsToday, Place), Problem> {
    let http =
        listeners::http(facts, config).ok_or_else(|| Problem::host("there is no http block"))?;
    agents_met(facts, config, &http, port)
}

/// The same of an `http` block that was looked at already.
pub(super) fn agents_met<'a>(
    facts: &'a Facts,
    config: &'a Config,
    http: &'a Http<'a>,
    port: Port,
) -> Result<(ClientsToday, Place), Problem> {
    let site = match Site::find(facts, config, http, port) {
        Ok(site) => site,
        Err(none) => return in_stream(facts, config, http, port).ok_or(none),
    };
    let build = facts.nginx.is().map(|nginx| &nginx.build);
    let (clients, line) = clients_today(&site, build);
    Ok((clients, line.at))
}

/// The same of a server below HTTP, which ends TLS itself. Where it does not, whoever is behind it
/// judges agents.
fn in_stream<'a>(
    facts: &Facts,
    config: &'a Config,
    http: &Http<'a>,
    port: Port,
) -> Option<(ClientsToday, Place)> {
    let listens = |server: &StreamServer<'_>| {
        let mut listens = server.listens.iter();
        listens.any(|listen| is_on(listen, port))
    };
    let server = streams::servers(config).find(listens)?;
    if !server.ends_tls() {
        return None;
    }
    let verify = server.nearest("ssl_verify_client").into_iter().next();
    let decides = verify.unwrap_or(server.directive).at;
    let today = match verify.and_then(|line| line.arg(0)) {
        Some("on") => {
            let services = Reached::of(facts, &server.peers(http));
            let guarded = Guarded::of_stream(facts, config, http, &services, &server, port);
            if other_ways::refuse(&guarded).is_ok() {
                ClientsToday::Enforced
            } else {
                ClientsToday::Bypassable
            }
        }
        Some("optional" | "optional_no_ca") => ClientsToday::Asked,
        _ => ClientsToday::NotAsked,
    };
    Some((today, decides))
}

/// Where agents connect to nginx where no answers say otherwise.
pub fn usual_agents_port(facts: &Facts) -> Port {
    match generation_of(facts) {
        Generation::Nim1 => own_port(facts).unwrap_or(Port::NIM1_AGENTS),
        Generation::Nim2 => own_port(facts).unwrap_or(Port::HTTPS),
    }
}

/// The port of a server for agents alone that this program has written.
fn own_port(facts: &Facts) -> Option<Port> {
    let config = facts.config.is()?;
    let http = config.http()?;
    let is_in = |server: &Directive, name: &str| config.file(server.at.file).path.ends_with(name);
    let in_http = http
        .servers
        .iter()
        .filter(|server| {
            let files = ["/nginx-manager-grpc.conf", AGENTS_SERVER];
            files.iter().any(|file| is_in(server.directive, file))
        })
        .find(|server| !server.locations().is_empty())
        .and_then(|server| Some(server.listens.first()?.port));
    let in_stream = || {
        let mut servers = streams::servers(config);
        let ours = servers.find(|server| is_in(server.directive, "/nginx-grpc-stream.conf"));
        Some(ours?.listens.first()?.port)
    };
    i64::from(in_http.or_else(in_stream)?).try_into().ok()
}

/// What happens to agents today, in words, for `check`.
pub fn today(facts: &Facts) -> Result<String, Problem> {
    let port = usual_agents_port(facts);
    let found = match &facts.config {
        Known::Is(config) => agents_today(facts, config, port).map(|found| (config, found)),
        Known::Absent | Known::Unclear(_) => Err(Problem::host(
            "the configuration of nginx could not be read",
        )),
    };
    if let (Err(_), Generation::Nim1) = (&found, generation_of(facts)) {
        return Ok(of_manager_itself(facts));
    }
    let (config, (clients, place)) = found?;
    let place = config.shown(&place);
    Ok(match clients {
        ClientsToday::NotAsked => format!("not asked for a certificate ({place})"),
        ClientsToday::Asked => {
            format!("asked for a certificate, and let through without one ({place})")
        }
        ClientsToday::Observed => {
            format!("judged, logged, and let through: NOT ENFORCED ({place})")
        }
        ClientsToday::Bypassable => {
            format!("checked in a way that can be got round ({place})")
        }
        ClientsToday::Enforced => format!("refused without a certificate ({place})"),
    })
}

/// Of NGINX Instance Manager 1 without an nginx before it.
fn of_manager_itself(facts: &Facts) -> String {
    let shipped = "let through, and nothing is encrypted";
    let file = match &facts.manager_setup.file {
        Known::Is(file) => file,
        Known::Absent => return format!("{shipped}: the manager has no settings"),
        Known::Unclear(why) => return format!("met in a way that could not be told: {why}"),
    };
    let port = file.port("grpc_port").unwrap_or(Port::NIM1_GRPC);
    let path = &file.path;
    let reach = if file.is_on_loopback() {
        "on this host alone"
    } else {
        "from everywhere"
    };
    match file.value("cert") {
        Some(_) => format!(
            "met by the manager itself, with TLS, on port {port}, {reach}; whether it wants a \
             certificate of them its settings do not say ({path})"
        ),
        None => format!("{shipped}: the manager itself listens on port {port}, {reach} ({path})"),
    }
}

/// The file in which the server of the manager stands, where there is one: every plan edits it.
pub fn file_of_server(facts: &Facts) -> Option<AbsPath> {
    let port = usual_agents_port(facts);
    let config = facts.config.is()?;
    let http = config.http()?;
    let site = Site::find(facts, config, &http, port).ok()?;
    let path: AbsPath = config
        .file(site.server.directive.at.file)
        .path
        .parse()
        .ok()?;
    match facts.links.get(&path) {
        Some(target) => target.parse().ok(),
        None => Some(path),
    }
}
