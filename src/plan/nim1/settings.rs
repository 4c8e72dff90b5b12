//! The manager's own file, edited: where it listens, with or without TLS, and nothing else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::editor::why;
use super::super::file::{Content, FileChange, Reason, Status};
use super::super::naming::literal;
use super::super::server_files::ServerFiles;
use crate::answers::{Answers, Nim1Answers};
use crate::error::Problem;
use crate::facts::{Facts, FileFact, Known, MANAGER_FILE, ManagerFile};
use crate::values::{Mode, Port, escaped};
use crate::yaml::{Scalar, Setting, edit};

const FILE_MODE: Mode = Mode(0o644);

/// How things were called up to version 0.9, and what they would have to be called now.
const OLD_NAMES: [(&str, &str); 4] = [
    ("bind-address", "bind_address"),
    ("grpc-port", "grpc_port"),
    ("gateway-port", "gateway_port"),
    ("server-name", "server_name"),
];

/// The file as it is to be, and where the manager listens then.
pub(super) struct Settings {
    /// None where there is none, and none is needed.
    pub(super) file: Option<FileChange>,
    pub(super) grpc: Port,
    pub(super) gateway: Port,
    /// An address of this host at which it is met there.
    pub(super) at: IpAddr,
}

impl Settings {
    /// The manager reads its file when it starts.
    pub(super) fn change(&self) -> bool {
        let file = self.file.as_ref();
        file.is_some_and(FileChange::changes)
    }

    /// Where it takes browsers, then agents.
    pub(super) fn listens(&self) -> [SocketAddr; 2] {
        let on = |port: Port| SocketAddr::new(self.at, port.number());
        [on(self.gateway), on(self.grpc)]
    }
}

/// What the manager itself shows, and to whom.
pub(super) enum Certificate {
    /// Nothing: nginx before it has the certificate.
    None,
    /// To nginx, on this host.
    BehindNginx(ServerFiles),
    /// To everybody.
    Alone(ServerFiles),
}

pub(super) fn plan(
    facts: &Facts,
    answers: &Answers,
    nim1: &Nim1Answers,
    certificate: &Certificate,
) -> Result<Settings, Problem> {
    let new = ManagerFile::new(literal(MANAGER_FILE), String::new());
    let found = match &facts.manager_setup.file {
        Known::Is(file) => Some(file),
        Known::Absent => None,
        Known::Unclear(why) => {
            let what = format!("the settings of the manager cannot be read: {why}");
            return Err(Problem::host(what).remedy(format!("ls -l {MANAGER_FILE}")));
        }
    };
    let file = found.unwrap_or(&new);
    old_names(file)?;
    is_an_address(file)?;
    let grpc = port(file, nim1.manager_grpc, "grpc_port", Port::NIM1_GRPC)?;
    let gateway = port(
        file,
        nim1.manager_gateway,
        "gateway_port",
        Port::NIM1_GATEWAY,
    )?;
    let at = met_at(file, certificate);
    let (settings, reasons) = wanted(file, answers, nim1, certificate);
    let needed = found.is_some()
        || !matches!(certificate, Certificate::None)
        || settings.iter().any(is_port);
    if !needed {
        // As it is shipped it listens on loopback, without TLS.
        return Ok(Settings {
            file: None,
            grpc,
            gateway,
            at,
        });
    }
    let edited = edit(&file.text, &settings).map_err(|error| {
        let path = &file.path;
        let lines: Vec<String> = settings.iter().map(Setting::to_string).collect();
        Problem::host(format!(
            "{path} cannot be edited: {}; by hand it would have: {}",
            escaped(&error.to_string()),
            lines.join(", ")
        ))
        .remedy(format!("sudoedit {path}"))
    })?;
    let on_disk = match facts.file(&file.path) {
        FileFact::File(on_disk) => Some(on_disk),
        _ => None,
    };
    let status = match on_disk {
        None => Status::Create,
        Some(_) if edited.text == file.text => Status::Unchanged,
        Some(_) => Status::Change,
    };
    let lines = edited.lines.into_iter();
    let change = FileChange {
        path: file.path.clone(),
        status,
        mode: on_disk.map_or(FILE_MODE, |on_disk| on_disk.mode),
        owner: on_disk.map_or((0, 0), |on_disk| on_disk.owner),
        content: Content::Text(edited.text),
        before: on_disk.map(|on_disk| on_disk.digest.clone()),
        text_before: on_disk.map(|_| file.text.clone()),
        reasons: lines
            .map(|(line, setting)| (line..line + 1, reasons[setting].clone()))
            .collect(),
    };
    Ok(Settings {
        file: Some(change),
        grpc,
        gateway,
        at,
    })
}

/// Nobody is met on "every address" itself.
fn met_at(file: &ManagerFile, certificate: &Certificate) -> IpAddr {
    match (certificate, file.address()) {
        (Certificate::Alone(_), Some(IpAddr::V6(ip))) if ip.is_unspecified() => {
            Ipv6Addr::LOCALHOST.into()
        }
        (Certificate::Alone(_), Some(ip)) if !ip.is_unspecified() && !ip.is_loopback() => ip,
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}

fn is_port(setting: &Setting) -> bool {
    setting.key.ends_with("_port")
}

/// Where the manager listens once this is in force.
fn port(
    file: &ManagerFile,
    asked: Option<Port>,
    key: &str,
    shipped: Port,
) -> Result<Port, Problem> {
    if let Some(port) = asked {
        return Ok(port);
    }
    match (file.port(key), file.value(key)) {
        (Some(port), _) => Ok(port),
        (None, None) => Ok(shipped),
        (None, Some(value)) => Err(Problem::host(format!(
            "{}: {key} is \"{}\", which is no port",
            file.path,
            escaped(&value)
        ))
        .remedy(format!("sudoedit {}", file.path))),
    }
}

fn wanted(
    file: &ManagerFile,
    answers: &Answers,
    nim1: &Nim1Answers,
    certificate: &Certificate,
) -> (Vec<Setting>, Vec<Reason>) {
    let mut wanted = Vec::new();
    let mut reasons = Vec::new();
    let mut set = |key, value, reason| {
        let section = "";
        wanted.push(Setting {
            section,
            key,
            value,
        });
        reasons.push(reason);
    };
    let text = |text: &str| Some(Scalar::Text(text.to_owned()));
    let on_loopback = file.is_on_loopback();
    let reached = file.address().is_some_and(|ip| !ip.is_loopback());
    match (certificate, on_loopback) {
        (Certificate::Alone(_), _) if !reached => {
            set("bind_address", text("0.0.0.0"), why("manager-all", ""));
        }
        (Certificate::None | Certificate::BehindNginx(_), false) => {
            let loopback = why("manager-loopback", "");
            set("bind_address", text("127.0.0.1"), loopback);
        }
        // An address that others reach, which somebody has chosen, or loopback.
        _ => {}
    }
    match certificate {
        Certificate::None => {
            set("cert", None, why("manager-no-tls", ""));
            set("key", None, why("manager-no-tls", ""));
        }
        Certificate::Alone(pair) | Certificate::BehindNginx(pair) => {
            let name = answers.manager_name.as_str();
            let id = match certificate {
                Certificate::BehindNginx(_) => "manager-inner",
                _ => "manager-cert",
            };
            set("server_name", text(name), why("manager-name", ""));
            set("cert", text(pair.chain.as_str()), why(id, ""));
            set("key", text(pair.key.as_str()), why("manager-key", ""));
        }
    }
    for (key, port) in [
        ("grpc_port", nim1.manager_grpc),
        ("gateway_port", nim1.manager_gateway),
    ] {
        if let Some(port) = port {
            let number = Scalar::Number(port.number().into());
            set(key, Some(number), why("manager-port", &port));
        }
    }
    (wanted, reasons)
}

/// Where a name leads is for whoever starts the manager to find out.
fn is_an_address(file: &ManagerFile) -> Result<(), Problem> {
    let Some(said) = file.value("bind_address") else {
        return Ok(());
    };
    if said == "localhost" || file.address().is_some() {
        return Ok(());
    }
    Err(Problem::host(format!(
        "{}: bind_address is \"{}\", and where that leads could not be told: say an address",
        file.path,
        escaped(&said)
    ))
    .remedy(format!("sudoedit {}", file.path)))
}

/// A file of the days before version 1 says all of it by other names, and would go on doing so.
fn old_names(file: &ManagerFile) -> Result<(), Problem> {
    let found = OLD_NAMES.iter().find(|(old, _)| file.has(old));
    match found {
        None => Ok(()),
        Some((old, new)) => Err(Problem::host(format!(
            "{} has {old}, as managers before version 1 had; it would be read beside {new}",
            file.path
        ))
        .remedy(format!("sudoedit {}", file.path))),
    }
}
