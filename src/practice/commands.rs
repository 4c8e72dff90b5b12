//! Commands, simulated: those that a run asks for, and no others.

use std::io;
use std::path::{Path, PathBuf};

use super::Practice;
use super::files::Laid;
use super::server::{Loaded, Zones};
use super::stock::{BUNDLE, MAIN, VENDOR_ROOT, VERSION};
use crate::host::{Command, Host, HostError, Output};
use crate::nginx::Config;
use crate::values::Attributes;
use crate::worker::{NGINX_SAYS, Spec};

const KNOWN: [(&str, &str); 6] = [
    ("nginx", "/usr/sbin/nginx"),
    ("systemctl", "/usr/bin/systemctl"),
    ("systemd-run", "/usr/bin/systemd-run"),
    ("timedatectl", "/usr/bin/timedatectl"),
    ("unshare", "/usr/bin/unshare"),
    ("update-ca-certificates", "/usr/sbin/update-ca-certificates"),
];
const ANCHORS: &str = "/usr/local/share/ca-certificates";
const LARGEST: u64 = 8 << 20;

pub(super) fn find(program: &str) -> Option<PathBuf> {
    let found = KNOWN.iter().find(|(name, _)| *name == program);
    found.map(|(_, path)| PathBuf::from(path))
}

pub(super) fn run(host: &Practice, command: &Command, input: &[u8]) -> Result<Output, HostError> {
    let name = command
        .program
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let failed = |why: String| HostError::Command {
        command: command.to_string(),
        why,
    };
    match name {
        "nginx" => Ok(nginx(&Laid::as_is(host), &command.args)),
        "unshare" => staged(host, input).map_err(|error| failed(error.to_string())),
        "systemctl" => Ok(said(systemctl(&command.args))),
        // Its timer would never have anything to do: the worker lives in this process.
        "systemd-run" => Ok(said(String::new())),
        "timedatectl" => Ok(said("yes\n".to_owned())),
        "update-ca-certificates" => {
            update_ca_certificates(host)?;
            Ok(said(String::new()))
        }
        _ => Err(failed(
            "there is no such program on the practice host".to_owned(),
        )),
    }
}

fn said(text: String) -> Output {
    Output {
        code: Some(0),
        stdout: text.into_bytes(),
        ..Output::default()
    }
}

/// `-V`, `-t` and `-T`.
fn nginx(files: &Laid<'_>, args: &[String]) -> Output {
    let asked = |option: &str| args.iter().any(|arg| arg == option);
    if asked("-V") {
        let text = format!(
            "nginx version: nginx/{VERSION}\nbuilt with OpenSSL 3.0.17 1 Jul 2025\n\
             TLS SNI support enabled\nconfigure arguments: --prefix=/usr/share/nginx \
             --conf-path={MAIN} --error-log-path=/var/log/nginx/error.log \
             --http-log-path=/var/log/nginx/access.log --pid-path=/run/nginx.pid \
             --with-http_ssl_module --with-http_v2_module --with-http_auth_request_module\n"
        );
        return Output {
            stderr: text.into_bytes(),
            ..said(String::new())
        };
    }
    match Loaded::new(MAIN, files, &Zones::new()) {
        Ok(loaded) => {
            let words = format!(
                "nginx: the configuration file {MAIN} syntax is ok\n\
                 nginx: configuration file {MAIN} test is successful\n"
            );
            let dump = if asked("-T") {
                dump(&loaded.config)
            } else {
                String::new()
            };
            Output {
                stderr: words.into_bytes(),
                ..said(dump)
            }
        }
        Err(why) => Output {
            code: Some(1),
            stderr: format!("nginx: [emerg] {why}\nnginx: configuration file {MAIN} test failed\n")
                .into_bytes(),
            ..Output::default()
        },
    }
}

fn dump(config: &Config) -> String {
    let files = config.files.iter();
    files
        .map(|file| format!("# configuration file {}:\n{}\n", file.path, file.text))
        .collect()
}

/// A private copy of the file system is easily had here: nothing is laid anywhere.
fn staged(host: &Practice, input: &[u8]) -> io::Result<Output> {
    let spec = Spec::read(input)?;
    let mut files = Laid::as_is(host);
    for file in &spec.files {
        files
            .over
            .push((file.path.to_string(), file.bytes.to_vec()));
    }
    let mut output = nginx(&files, &spec.head.command.args);
    output.stdout.splice(0..0, NGINX_SAYS.bytes());
    Ok(output)
}

/// Units that run on the practice host; the others are not installed.
fn systemctl(args: &[String]) -> String {
    let units = args
        .iter()
        .filter(|arg| *arg != "show" && !arg.starts_with("--"));
    let state = |unit: &String| match unit.as_str() {
        "nginx-agent" | "nginx-manager" => "LoadState=not-found\nActiveState=inactive\n",
        _ => "LoadState=loaded\nActiveState=active\n",
    };
    units.map(state).collect::<Vec<_>>().join("\n")
}

/// The bundle anew: the vendor's root of the practice host, and every anchor.
fn update_ca_certificates(host: &Practice) -> Result<(), HostError> {
    let mut bundle = host.read(Path::new(VENDOR_ROOT), LARGEST)?;
    for name in host.list(Path::new(ANCHORS))? {
        // Debian's tool takes no other name.
        let Some(stem) = name.strip_suffix(".crt") else {
            continue;
        };
        let anchor = Path::new(ANCHORS).join(&name);
        bundle.extend(host.read(&anchor, LARGEST)?);
        let link = format!("/etc/ssl/certs/{stem}.pem");
        host.place_link(Path::new(&link), &anchor)?;
    }
    host.place(Path::new(BUNDLE), &bundle, &Attributes::root(0o644))
}
