//! What is installed: NGINX Instance Manager, nginx, agents, and whether nginx can do it.

use super::check::{Check, Status, about};
use crate::facts::{Build, Facts, Generation, Known, Nginx};
use crate::method::generation_of;

const MODULES: [(&str, &str); 3] = [
    ("--with-http_ssl_module", "TLS"),
    (
        "--with-http_v2_module",
        "HTTP/2, without which there is no gRPC",
    ),
    (
        "--with-http_auth_request_module",
        "the check of agents' certificates",
    ),
];

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![system(facts), manager(facts), nginx(facts)];
    if let Known::Is(nginx) = &facts.nginx {
        checks.push(loads(nginx));
        checks.push(running(nginx));
        checks.push(modules(&nginx.build));
        checks.extend(
            nginx
                .on_disk
                .as_ref()
                .map(|disk| replaced(&nginx.build, disk)),
        );
    }
    checks.extend(agent(facts));
    checks
}

/// An instance needs little: that its nginx does something is not for this program to say.
pub(super) fn of_instance(facts: &Facts) -> Vec<Check> {
    let mut nginx = nginx(facts);
    if nginx.status == Status::Failed {
        nginx.status = Status::Warning;
    }
    vec![system(facts), nginx]
}

fn system(facts: &Facts) -> Check {
    let subject = about("os", "operating system");
    subject.of(
        &facts.os,
        |os| subject.ok(&os.name),
        || subject.warning("it does not say what it is", "ls -l /etc/os-release"),
    )
}

fn manager(facts: &Facts) -> Check {
    let subject = about("nim", "NGINX Instance Manager");
    subject.of(
        &facts.nim,
        |nim| match nim.generation {
            Generation::Nim2 => {
                let version = nim.version.as_deref().unwrap_or("2, version unknown");
                subject.ok(format!("{version} ({})", nim.evidence))
            }
            Generation::Nim1 => {
                let version = nim.version.as_deref().unwrap_or("1, version unknown");
                subject.ok(format!("{version} ({})", nim.evidence))
            }
        },
        || {
            subject.failed(
                "it is not installed here",
                "run this on the manager, or install nms-instance-manager first",
            )
        },
    )
}

fn nginx(facts: &Facts) -> Check {
    let subject = about("nginx", "nginx");
    subject.of(
        &facts.nginx,
        |nginx| subject.ok(format!("{} ({})", nginx.build, nginx.binary)),
        || match generation_of(facts) {
            Generation::Nim1 => subject.warning(
                "it is not installed here: only the manager's own TLS can be set up",
                "install nginx or nginx-plus",
            ),
            Generation::Nim2 => {
                subject.failed("it is not installed here", "install nginx or nginx-plus")
            }
        },
    )
}

fn loads(nginx: &Nginx) -> Check {
    let subject = about("nginx-loads", "nginx loads as it is today");
    match &nginx.loads {
        Known::Is(Ok(())) => subject.ok(&nginx.main),
        Known::Is(Err(said)) => subject.failed(said, "nginx -t"),
        Known::Absent => subject.unknown("it was not asked"),
        Known::Unclear(why) => subject.unknown(why),
    }
}

fn running(nginx: &Nginx) -> Check {
    let subject = about("nginx-running", "nginx is running");
    match &nginx.master {
        Some(master) => subject.ok(format!("process {}", master.pid)),
        None => subject.failed(
            "it is not, and what does not run cannot be proven",
            "systemctl start nginx",
        ),
    }
}

fn modules(build: &Build) -> Check {
    let subject = about("nginx-modules", "modules of nginx");
    let missing: Vec<_> = MODULES
        .iter()
        .filter(|(option, _)| !build.has(option))
        .collect();
    if missing.is_empty() {
        return subject.ok("TLS, HTTP/2 and auth_request are built in");
    }
    let words: Vec<String> = missing
        .iter()
        .map(|(option, what)| format!("{option} ({what})"))
        .collect();
    subject.failed(
        format!("{build} was built without {}", words.join(", ")),
        "install a build that has it: nginx -V lists them",
    )
}

fn replaced(running: &Build, disk: &Build) -> Check {
    about("nginx-restart", "the running nginx is the one on disk").warning(
        format!("{running} runs, and {disk} is on disk: a restart would start another version"),
        "systemctl restart nginx, when that suits",
    )
}

/// Agents of version 3 speak to another service: this manager does not know them.
fn agent(facts: &Facts) -> Option<Check> {
    let subject = about("agent", "NGINX Agent on this host");
    match &facts.agent {
        Known::Is(version) if version.starts_with("3.") => Some(subject.warning(
            format!("version {version}; NGINX Instance Manager works with version 2"),
            "install nginx-agent 2.x where this manager is to see the instance",
        )),
        Known::Is(version) => Some(subject.ok(format!("version {version}"))),
        Known::Unclear(why) => Some(subject.unknown(why)),
        Known::Absent => None,
    }
}
