//! A look at a host: what is it, what runs on it, what is there already. It changes nothing,
//! reads each file once, starts each program once, and never takes "could not be told" for "is
//! not there".

mod started;
mod agent;
mod agent_overrides;
mod build;
mod clients;
mod config;
mod files;
mod manager;
mod master;
mod network;
mod nginx;
mod os;
mod packages;
mod product;
mod reader;
mod runs;
mod security;
mod services;
mod state;
mod system;
mod trust;
mod wanted;
mod watch;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::facts::{Facts, Generation, Known};
use crate::host::Host;
use crate::plan;
use crate::values::{AbsPath, Gather as _, Port};
use reader::Reader;
use runs::Runs;
use system::System;

pub use agent::overrides_of_running_agent;
pub use wanted::{Ask, Question, Wanted};
pub use watch::program;

/// Looks at `host`, and lets nginx read its configuration where it is.
pub fn look(host: &dyn Host, wanted: &Wanted) -> Facts {
    look_asking(host, wanted, &|question| {
        host.run(question.command)
            .map_err(|error| error.to_string())
    })
}

/// Looks at `host`, and has nginx asked by `ask`.
pub fn look_asking(host: &dyn Host, wanted: &Wanted, ask: Ask<'_>) -> Facts {
    let reader = Reader::new(host);
    let system = System::look(host);
    let processes = system.processes.as_deref().unwrap_or_default();
    let port = wanted.https_port.number();

    let os = os::look(&reader);
    let systemd = services::systemd(host);
    let services = services::look(host, &systemd);
    let packages = packages::look(&reader);
    let trust_store = trust::look(host, &os);
    let runs = Runs::look(&reader, processes, &wanted.state);

    let mut found = nginx::look(host, &system, port);
    let config = config::look(&reader, &found.main);
    let endless = config::endless(&reader, &found.main, &config);
    let dump = match &mut found.nginx {
        Known::Is(nginx) if endless.is_some() => {
            let path = endless.unwrap_or_default();
            nginx.loads = Known::Is(Err(format!(
                "{path} is a FIFO, socket or device, and nginx would wait for it for ever"
            )));
            None
        }
        Known::Is(nginx) => nginx::judge(host, nginx, config.is(), ask),
        Known::Absent | Known::Unclear(_) => None,
    };
    let config = config::checked(&reader, config, dump.as_deref());
    let master = found.nginx.is().and_then(|nginx| nginx.master.as_ref());
    let listeners = network::listeners(&system, master.map(|master| master.pid));
    let names = network::names(host, &wanted.names);
    let links = files::links(&reader, &config);
    let nim = product::nim(host, &packages);
    let agents_port = wanted.agents_port.unwrap_or_else(|| match nim.is() {
        Some(nim) if nim.generation == Generation::Nim1 => Port::NIM1_AGENTS,
        _ => wanted.https_port,
    });
    let named = config
        .is()
        .map(|config| plan::named(config, agents_port))
        .unwrap_or_default();

    let connected = clients::look(host, &system, &found.nginx, &config, agents_port.number());

    Facts {
        looked_at: host.now(),
        live: host.is_live(),
        root: host.is_root(),
        nim,
        manager_setup: manager::look(host, &reader, &system, services.manager_account.as_deref()),
        agent: product::agent(host, &packages),
        agent_setup: agent::look(&reader, &system, services.agent_unit.as_ref()),
        services: services.states,
        // Whoever has started it knows.
        program: Known::Unclear("nobody has said where this program lies".to_owned()),
        watch: watch::look(&reader, &systemd),
        agents: clients::agents(host, &config, &connected),
        connected,
        ends_tls: None,
        own_addresses: network::own(host, &names, &wanted.addresses),
        nginx_names: network::nginx_names(host, named.hosts),
        socket_paths: files::sockets(host, named.sockets),
        selinux: security::selinux(host),
        firewall: security::firewall(&reader, &system),
        fips: security::fips(host),
        clock_synchronised: security::clock(host, &systemd),
        space: space(host, &wanted.state),
        files: files::look(&reader, wanted, &config, &links, &trust_store, &runs),
        state: state::look(&reader, &wanted.state, &runs),
        nginx: found.nginx,
        os,
        systemd,
        config,
        links,
        listeners,
        names,
        trust_obstacle: trust_store
            .is()
            .and_then(|store| trust::obstacle(host, store)),
        trust_store,
        // Whoever lets nginx be asked knows.
        no_private_copy: None,
    }
}

/// Looks at further files of the host that these facts are of. Whether that changes anything:
/// until then they count as not there, and free to be placed.
pub fn look_further(host: &dyn Host, facts: &mut Facts, paths: &[AbsPath]) -> bool {
    let reader = Reader::new(host);
    let runs = Runs::look(&reader, &[], &facts.state.folder);
    let mut changes = false;
    for path in paths {
        let found = files::look_at(&reader, &runs, path);
        changes |= found != *facts.file(path);
        facts.files.insert(path.clone(), found);
    }
    changes
}

/// Free bytes in the folders below which this program writes.
fn space(host: &dyn Host, state: &AbsPath) -> BTreeMap<AbsPath, Known<u64>> {
    let etc_and_local = ["/etc", "/usr/local"]
        .into_iter()
        .filter_map(|path| path.parse().ok());
    let folders = etc_and_local.chain([state.clone()]);
    folders
        .map(|folder: AbsPath| {
            let left = host.space(folder.as_path());
            (
                folder,
                left.map_or_else(|error| Known::Unclear(error.to_string()), Known::Is),
            )
        })
        .gathered()
}
