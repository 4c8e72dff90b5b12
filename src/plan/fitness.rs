//! Whether this host can carry the plan at all, asked before anything is planned in detail.

use std::net::{IpAddr, SocketAddr};

use crate::answers::Answers;
use crate::error::Problem;
use crate::facts::{Facts, FileFact, Known, Listener, Nginx};
use crate::method::{self, Method};
use crate::nginx::{Address, Config, Http};

use super::file::FileChange;
use super::in_front;
use super::step::Plan;
use crate::values::{AbsPath, HostName, with_command};

/// Less than this is left on a filesystem that is written to: 16 MiB hold any plan.
const SPACE: u64 = 16 * 1024 * 1024;

/// The parts of the facts that every plan needs.
pub(super) struct Ground<'a> {
    pub(super) config: &'a Config,
    /// `None` only for a tree under `--root`.
    pub(super) nginx: Option<&'a Nginx>,
}

impl Ground<'_> {
    /// The running nginx, which would be reloaded; none where there is a tree only.
    pub(super) fn master(&self, facts: &Facts) -> Result<Option<u32>, Problem> {
        let nginx = self.nginx.filter(|_| facts.live);
        nginx.map(master).transpose()
    }
}

pub(super) fn check<'a>(facts: &'a Facts, answers: &Answers) -> Result<Ground<'a>, Problem> {
    host(facts, answers)?;
    let ground = ground(facts)?;
    if let Some(nginx) = ground.nginx {
        modules(nginx, answers)?;
    }
    found(facts, answers)?;
    Ok(ground)
}

/// nginx as it runs, and the configuration that it would load.
pub(super) fn ground(facts: &Facts) -> Result<Ground<'_>, Problem> {
    let nginx = if facts.live {
        Some(running(facts)?)
    } else {
        facts.nginx.is()
    };
    let config = match &facts.config {
        Known::Is(config) => config,
        Known::Absent => {
            return Err(Problem::host("nginx has no configuration here")
                .remedy("ls -l /etc/nginx/nginx.conf"));
        }
        Known::Unclear(why) => {
            let (why, command) = with_command(why);
            let what = format!("the configuration of nginx cannot be read: {why}");
            // In its own words, nginx says the same, or more.
            let look = if facts.live {
                "nginx -t"
            } else {
                "ls -lR /etc/nginx"
            };
            return Err(Problem::host(what).remedy(command.unwrap_or(look)));
        }
    };
    Ok(Ground { config, nginx })
}

/// The method fits, and this program may look at what it is about.
pub(super) fn host(facts: &Facts, answers: &Answers) -> Result<(), Problem> {
    if facts.live && !facts.root {
        return Err(Problem::host(
            "only root can read the keys and the configuration that this plan is about",
        )
        .remedy("sudo nim-tls check"));
    }
    let cell = method::cell(answers.generation(), answers.method, answers.proxy);
    if let Some(Err(why)) = method::fits(&cell, facts)
        && (facts.live || facts.nginx.is().is_some())
    {
        return Err(Problem::host(format!(
            "{} with {} does not fit: {why}",
            answers.method.title(),
            answers.proxy.title()
        ))
        .remedy("nim-tls methods"));
    }
    Ok(())
}

/// The manager's name leads somewhere, and there is room for the files.
pub(super) fn found(facts: &Facts, answers: &Answers) -> Result<(), Problem> {
    if facts.live {
        resolves(facts, "manager_name", &answers.manager_name)?;
        in_front::refuse(facts, answers)?;
        space(facts)?;
    }
    Ok(())
}

fn running(facts: &Facts) -> Result<&Nginx, Problem> {
    let nginx = match &facts.nginx {
        Known::Is(nginx) => nginx,
        Known::Absent => {
            return Err(Problem::host("nginx is not installed here")
                .remedy("install nginx or nginx-plus, then NGINX Instance Manager"));
        }
        Known::Unclear(why) => {
            return Err(Problem::host(format!("nginx could not be examined: {why}")));
        }
    };
    match &nginx.loads {
        // What is loaded in its place is judged by the test of the new files.
        Known::Is(Err(said)) if is_about_certificates(said) => {}
        Known::Is(Err(said)) => {
            return Err(Problem::host(format!(
                "nginx does not accept its configuration as it stands today: {said}"
            ))
            .remedy("nginx -t"));
        }
        Known::Unclear(why) => {
            return Err(Problem::host(format!("nginx -t could not be run: {why}")));
        }
        Known::Is(Ok(())) | Known::Absent => {}
    }
    Ok(nginx)
}

/// Whether nginx refuses no line, but a certificate, a key or a list that a line names: a plan may
/// bring another one.
fn is_about_certificates(said: &str) -> bool {
    const WORDS: [&str; 5] = [
        "cannot load certificate",
        "SSL_CTX_use_PrivateKey(",
        "SSL_CTX_load_verify_locations(",
        "PEM_read_bio_",
        "X509_LOOKUP_",
    ];
    WORDS.iter().any(|words| said.contains(words))
}

/// nginx must be running to be reloaded and proven; said after the ports, because a taken port
/// is the usual cause.
pub(super) fn master(nginx: &Nginx) -> Result<u32, Problem> {
    match &nginx.master {
        Some(master) => Ok(master.pid),
        None => Err(
            Problem::host("nginx is not running, so nothing could be proven")
                .remedy("systemctl start nginx"),
        ),
    }
}

fn modules(nginx: &Nginx, answers: &Answers) -> Result<(), Problem> {
    let mut needed = vec!["--with-http_ssl_module", "--with-http_v2_module"];
    if answers.method == Method::ClientMtls {
        needed.push("--with-http_auth_request_module");
    }
    for option in needed {
        if !nginx.build.has(option) {
            return Err(
                Problem::host(format!("{} was built without {option}", nginx.build))
                    .remedy("install a build of nginx that has it (nginx -V lists the options)"),
            );
        }
    }
    Ok(())
}

/// The manager's name leads somewhere.
pub(super) fn resolves(facts: &Facts, field: &str, name: &HostName) -> Result<(), Problem> {
    let why = match facts.names.get(name) {
        None | Some(Known::Is(_)) => return Ok(()),
        Some(Known::Absent) => "there is no such name".to_owned(),
        Some(Known::Unclear(why)) => why.clone(),
    };
    Err(Problem::host(format!(
        "{field} {name} does not resolve on this host: {why}"
    ))
    .remedy(format!(
        "add it to DNS or to /etc/hosts, then: getent hosts {name}"
    )))
}

pub(super) fn space(facts: &Facts) -> Result<(), Problem> {
    for (folder, free) in &facts.space {
        if let Known::Is(free) = free
            && *free < SPACE
        {
            let free = free / 1024;
            return Err(Problem::host(format!(
                "{folder} has too little free space: {free} KiB; 16 MiB are needed"
            ))
            .remedy(format!("df -h {folder}")));
        }
    }
    Ok(())
}

/// Every address that nginx would bind is nginx's own or free: with one taken, a reload keeps
/// the old configuration and says nothing.
/// `given_up`: listeners that will be gone by then.
pub(super) fn ports(
    facts: &Facts,
    config: &Config,
    http: &Http<'_>,
    given_up: &[SocketAddr],
) -> Result<(), Problem> {
    // Where it could not be told who listens, the plan says so.
    for bound in http.sockets().iter().filter(|bound| !bound.socket.quic) {
        let Some(address) = ip_of(&bound.socket.address) else {
            continue;
        };
        let wanted = SocketAddr::new(address, bound.socket.port);
        let Some(who) = taken_by(facts, wanted, given_up) else {
            continue;
        };
        let line = bound
            .default
            .listens
            .iter()
            .find(|listen| listen.sockets().any(|socket| socket == bound.socket))
            .map_or_else(String::new, |listen| config.shown(&listen.directive.at));
        return Err(Problem::host(format!(
            "port {} belongs to {who}, not to the nginx that runs here, and {line} asks for it: nginx would reload \
             without a word and keep its old configuration",
            wanted.port()
        ))
        .remedy(format!(
            "ss -ltnp 'sport = :{}'",
            wanted.port()
        )));
    }
    Ok(())
}

/// Who keeps nginx from an address: none where it is nginx's own, free, or could not be told.
pub fn taken(facts: &Facts, wanted: SocketAddr) -> Option<String> {
    taken_by(facts, wanted, &[])
}

pub(super) fn taken_by(
    facts: &Facts,
    wanted: SocketAddr,
    given_up: &[SocketAddr],
) -> Option<String> {
    let listeners = facts.listeners.is()?;
    if listeners
        .iter()
        .any(|found| found.nginx && found.at == wanted)
    {
        return None;
    }
    let mut others = listeners
        .iter()
        .filter(|found| !found.nginx && !given_up.contains(&found.at));
    let other = others.find(|found| clash(found, wanted))?;
    Some(match other.holders.first() {
        Some((program, pid)) if program == "nginx" => format!("another nginx (process {pid})"),
        Some((program, pid)) => format!("{program} (process {pid})"),
        None => "another program".to_owned(),
    })
}

fn ip_of(address: &Address) -> Option<IpAddr> {
    match address {
        Address::Any4 => Some(std::net::Ipv4Addr::UNSPECIFIED.into()),
        Address::Any6 => Some(std::net::Ipv6Addr::UNSPECIFIED.into()),
        Address::Ip(ip) => Some(*ip),
        Address::Unix(_) | Address::Name(_) => None,
    }
}

/// Whether this listener keeps nginx from an address that nginx does not hold yet. A listener
/// on `[::]` may serve IPv4 too, which the kernel's table does not tell.
fn clash(found: &Listener, wanted: SocketAddr) -> bool {
    let (there, asked) = (found.at.ip(), wanted.ip());
    let same_family = there.is_ipv4() == asked.is_ipv4();
    found.at.port() == wanted.port()
        && if same_family {
            there == asked || there.is_unspecified() || asked.is_unspecified()
        } else {
            there.is_ipv6() && there.is_unspecified()
        }
}

/// The first nginx that can hang up before a certificate is shown (its change log).
const CAN_REJECT: (u16, u16, u16) = (1, 19, 4);

/// `wanted`: whoever asks for a name that nginx does not know is to be hung up on.
pub(super) fn can_reject(facts: &Facts, wanted: bool) -> Result<(), Problem> {
    let builds = facts.nginx.is().filter(|_| wanted);
    match builds.filter(|nginx| nginx.build.version < CAN_REJECT) {
        None => Ok(()),
        Some(nginx) => Err(Problem::host(format!(
            "{} cannot reject names that it does not know: nginx has ssl_reject_handshake from \
             1.19.4 on",
            nginx.build
        ))
        .remedy("leave options.unknown_names out")),
    }
}

/// Files that this plan places and nobody has looked at. What stands in their way would show
/// only while placing them, so the host is looked at again, and the plan made again.
pub fn not_looked_at(plan: &Plan, facts: &Facts) -> Vec<AbsPath> {
    let placed = plan.files.iter().filter(|file| file.changes());
    let paths = placed.map(|change| &change.path);
    paths
        .filter(|path| !facts.files.contains_key(*path))
        .cloned()
        .collect()
}

/// Nothing stands in the way of a file that is to be placed.
pub(super) fn targets(facts: &Facts, files: &[FileChange]) -> Result<(), Problem> {
    for change in files.iter().filter(|file| file.changes()) {
        let obstacle = match facts.file(&change.path) {
            FileFact::Nothing { obstacle } => obstacle.clone(),
            FileFact::File(file) => file.obstacle.clone(),
            FileFact::NotAFile(what) => Some(format!("it is {what}")),
            FileFact::Unclear(why) => Some(why.clone()),
        };
        if let Some(why) = obstacle {
            let (what, command) = with_command(&why);
            let problem = Problem::host(format!("{} cannot be written: {what}", change.path));
            let remedy = command.map_or_else(|| format!("ls -ld {}", change.path), str::to_owned);
            return Err(problem.remedy(remedy));
        }
    }
    Ok(())
}
