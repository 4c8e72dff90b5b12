//! `nim-tls certs hand-out`: the commands that bring an instance what was issued for it.

use serde::Serialize;
use zeroize::Zeroizing;

use crate::certificate::{Certificate, RevocationList, read_pem_chain};
use crate::error::{Exit, Problem};
use crate::facts::Generation;
use crate::pki::inspect_key;
use crate::values::{AbsPath, HostName, Port, moment, wrapped};
use crate::yaml::value_of;

use super::super::super::output::Output;
use super::super::super::place::Ground;
use super::super::super::typed::quoted;

const LIMIT: u64 = 1 << 20;

#[derive(Serialize)]
struct Document {
    schema: u32,
    name: String,
    folder: String,
    expires: String,
    /// To be typed here.
    here: Vec<String>,
    /// To be typed on the instance.
    there: Vec<String>,
    /// For `answers` on the instance.
    answers: String,
}

pub(super) fn hand_out(ground: &Ground, name: &HostName, output: &Output) -> Result<u8, Problem> {
    let folder = ground.state().join(&format!("issued/{name}"));
    let folder = folder.map_err(|error| Problem::usage(error.to_string()))?;
    let read = |file: &str| read(ground, &folder, file);
    let missing = |what: &str| {
        Problem::host(format!("there is nothing to hand out for {name}: {what}"))
            .remedy(format!("nim-tls certs issue {name}"))
    };
    let asked = ground.state().join(&format!("requests/agents/{name}.csr"));
    let asked = asked.map_err(|error| Problem::usage(error.to_string()))?;
    if matches!(ground.host().stat(asked.as_path()), Ok(Some(_))) && read("agent.crt").is_err() {
        let what = format!(
            "there is nothing to hand out for {name} yet: its certificate is awaited; have {asked} \
             signed, and apply once it is there"
        );
        return Err(Problem::host(what).remedy("nim-tls apply --answers FILE"));
    }
    let chain = read("agent.crt").map_err(|why| missing(&why))?;
    let chain = read_pem_chain(&chain).map_err(|error| missing(&error.to_string()))?;
    let settings = read("nginx-agent.conf").map_err(|why| missing(&why))?;
    let settings = String::from_utf8_lossy(&settings).into_owned();
    let Told {
        generation,
        manager,
        name: agents_name,
        port,
    } = told(&settings).ok_or_else(|| missing("its settings name no manager"))?;
    let has_root = read("ca.pem").is_ok();
    let key = Zeroizing::new(read("agent.key").map_err(|why| missing(&why))?);
    let key = inspect_key(&key).map_err(|error| missing(&format!("its key: {error}")))?;
    let leaf = chain
        .first()
        .ok_or_else(|| missing("its certificate is empty"))?;
    if key.public.as_ref() != Some(&leaf.public_key) {
        return Err(missing("agent.key is not the key of agent.crt"));
    }
    if is_revoked(ground, leaf) {
        return Err(missing("its certificate is revoked"));
    }
    if leaf.validity.not_after < ground.host().now() {
        return Err(missing("its certificate has expired"));
    }

    let there = format!("/root/{name}");
    let outside = quoted(ground.outside(&folder).as_ref());
    // Into a folder that is left from before, it would be copied as one more.
    let here = vec![
        format!("ssh root@{name} rm -rf {there}"),
        format!("scp -pr {outside} root@{name}:{there}"),
    ];
    let own_name = match agents_name {
        Some(own) if own != manager => format!("agent_name: \"{own}\"\n"),
        _ => String::new(),
    };
    // Without a root, the system's trust store vouches for the manager.
    let agent = if has_root {
        format!("{{bundle: {there}}}")
    } else {
        format!("{{cert: {there}/agent.crt, key: {there}/agent.key}}")
    };
    let answers = format!(
        "version: 1\nrole: instance\ngeneration: {generation}\nproxy: nginx-oss\nmethod: client-mtls\n\
         manager_name: \"{manager}\"\n{own_name}ports: {{grpc: {port}}}\ncertificates: {{agent: {agent}}}\n"
    );
    let on_instance = vec![
        "nim-tls apply --answers instance.yaml".to_owned(),
        format!("rm -r {there}"),
    ];
    let expires = leaf.validity.not_after;
    let document = Document {
        schema: 1,
        name: name.to_string(),
        folder: ground.outside(&folder),
        expires: moment(expires),
        here,
        there: on_instance,
        answers,
    };
    if output.is_json() {
        output.document(&document)?;
    } else {
        output.result(&text(&document, output.width))?;
    }
    Ok(Exit::Done as u8)
}

fn is_revoked(ground: &Ground, leaf: &Certificate) -> bool {
    let path = ground.state().join("ca/intermediate.crl").ok();
    let bytes = path.and_then(|path| ground.host().read(path.as_path(), LIMIT).ok());
    let list = bytes.and_then(|bytes| RevocationList::from_pem(&bytes).ok());
    list.is_some_and(|list| list.revoked.contains_key(&leaf.serial))
}

/// What settings written here say of the manager, and for whose agents they are.
struct Told {
    generation: Generation,
    manager: HostName,
    /// What its certificate has to be for, where that is said.
    name: Option<HostName>,
    port: Port,
}

fn told(settings: &str) -> Option<Told> {
    let value = |section, key| value_of(settings, section, key);
    if let Some(at) = value("", "server") {
        let (host, port) = at.rsplit_once(':')?;
        return Some(Told {
            generation: Generation::Nim1,
            manager: host.parse().ok()?,
            name: None,
            port: port.parse().ok()?,
        });
    }
    let host = value("server", "host")?.parse().ok()?;
    let port = value("server", "grpcPort").and_then(|port| port.parse().ok());
    Some(Told {
        generation: Generation::Nim2,
        manager: host,
        name: value("server", "command").and_then(|name| name.parse().ok()),
        port: port.unwrap_or(Port::HTTPS),
    })
}

fn read(ground: &Ground, folder: &AbsPath, file: &str) -> Result<Vec<u8>, String> {
    let path = folder.join(file).map_err(|error| error.to_string())?;
    let bytes = ground.host().read(path.as_path(), LIMIT);
    bytes.map_err(|error| error.to_string())
}

fn text(document: &Document, width: usize) -> String {
    let Document {
        name,
        folder,
        expires,
        here,
        there,
        answers,
        ..
    } = document;
    let mut text = wrapped("", &format!("{folder}: for {name}, until {expires}"), width);
    text.push_str("\nHere:\n");
    for command in here {
        text.push_str(&format!("  {command}\n"));
    }
    text.push_str(&format!("\nOn {name}, as root:\n"));
    for command in there {
        text.push_str(&format!("  {command}\n"));
    }
    text.push_str("\nwith these answers in instance.yaml (nginx-plus, where it runs that):\n");
    for line in answers.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    text.push('\n');
    let rest = "The wizard, nim-tls without a command, asks for the same. By hand: nginx-agent.conf in \
                the folder says what goes where. The last command takes away the copy of the key that \
                lay there on the way.";
    text.push_str(&wrapped("", rest, width));
    text
}
