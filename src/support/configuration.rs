//! The configuration of nginx, the agent and the manager, without secrets.

use std::path::Path;

use super::archive::Packer;
use super::masking::settings;
use super::{Ingredients, LeftOut, Refused};
use crate::facts::{AGENT_FILES, Known, MANAGER_FILE};
use crate::nginx::MAX_FILE;

/// The settings of NGINX Instance Manager 2.
const MANAGER: &str = "/etc/nms/nms.conf";
const NGINX: &str = "/etc/nginx";
/// What the agent keeps for itself, and goes by.
const DYNAMIC: [&str; 2] = [
    "/var/lib/nginx-agent/agent-dynamic.conf",
    "/etc/nginx-agent/agent-dynamic.conf",
];

pub(super) fn add(
    of: &Ingredients<'_>,
    packer: &mut Packer,
    left_out: &mut Vec<LeftOut>,
) -> Result<(), Refused> {
    nginx(of, packer, left_out)?;
    let agent = AGENT_FILES.iter().chain(&DYNAMIC);
    for path in agent {
        file(of, "agent", path, packer, left_out)?;
    }
    for path in [MANAGER, MANAGER_FILE] {
        file(of, "manager", path, packer, left_out)?;
    }
    Ok(())
}

/// Every file that nginx would load now; where that cannot be told, those that can be read.
fn nginx(
    of: &Ingredients<'_>,
    packer: &mut Packer,
    left_out: &mut Vec<LeftOut>,
) -> Result<(), Refused> {
    let why = match &of.facts.config {
        Known::Is(config) => {
            for source in &config.files {
                let name = format!("nginx/{}", source.path);
                packer.add(&name, &settings(&source.text))?;
            }
            return Ok(());
        }
        Known::Absent => return Ok(()),
        Known::Unclear(why) => why,
    };
    left_out.push(LeftOut::new("the whole configuration of nginx", why));
    let main = of.facts.nginx.is().map(|nginx| nginx.main.clone());
    let main = main.unwrap_or_else(|| format!("{NGINX}/nginx.conf"));
    file(of, "nginx", &main, packer, left_out)?;
    let folder = main.rsplit_once('/').map_or(NGINX, |(folder, _)| folder);
    for below in ["conf.d", "sites-enabled", "stream-conf.d"] {
        let below = format!("{folder}/{below}");
        let names = of.host.list(Path::new(&below)).unwrap_or_default();
        for name in names {
            file(of, "nginx", &format!("{below}/{name}"), packer, left_out)?;
        }
    }
    Ok(())
}

/// A file, if there is one.
fn file(
    of: &Ingredients<'_>,
    whose: &str,
    path: &str,
    packer: &mut Packer,
    left_out: &mut Vec<LeftOut>,
) -> Result<(), Refused> {
    let file = Path::new(path);
    match of.host.read(file, MAX_FILE as u64) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            packer.add(&format!("{whose}/{path}"), &settings(&text))
        }
        Err(_) if matches!(of.host.stat(file), Ok(None)) => Ok(()),
        Err(error) => {
            left_out.push(LeftOut::new(path, &error.to_string()));
            Ok(())
        }
    }
}
