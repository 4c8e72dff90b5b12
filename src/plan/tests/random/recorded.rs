//! Hosts in all shapes that these tests have.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use super::super::golden::{self, NEWER_OSS, NEWER_PLUS, PLUS};
use super::super::hosts::{self, HOSTS, Met};
use super::super::neighbours::OTHER_SITE;
use super::super::nim1;
use super::super::profile;
use super::super::stand::{STATE, Stand};
use crate::facts::{Generation, MANAGER_FILE};
use crate::host::Memory;
use crate::method::{Cell, Proxy};

pub(super) struct Recorded {
    pub(super) name: String,
    shape: Shape,
}

enum Shape {
    Stand(Box<Stand>),
    Met(&'static Met),
}

impl Recorded {
    fn stand(name: &str, stand: Stand) -> Self {
        Self {
            name: name.to_owned(),
            shape: Shape::Stand(Box::new(stand)),
        }
    }

    pub(super) fn host(&self) -> Memory {
        match &self.shape {
            Shape::Stand(stand) => stand.host(),
            Shape::Met(met) => met.host(),
        }
    }
}

/// Those on which a cell may be planned; a proxy that another one is asked for on is among them.
pub(super) fn managers(cell: &Cell) -> Vec<Recorded> {
    let mut all = match (cell.generation, cell.proxy) {
        (Generation::Nim1, Proxy::NginxPlus) => nim1_shapes(PLUS, NEWER_PLUS),
        (Generation::Nim1, _) => nim1_shapes("nginx/1.22.1", NEWER_OSS),
        (Generation::Nim2, Proxy::NginxPlus) => nim2_shapes(PLUS, NEWER_PLUS),
        (Generation::Nim2, _) => nim2_shapes("nginx/1.22.1", NEWER_OSS),
    };
    match (cell.generation, cell.proxy) {
        (Generation::Nim2, Proxy::NginxOss) => all.extend(HOSTS.iter().map(|met| Recorded {
            name: met.name.to_owned(),
            shape: Shape::Met(met),
        })),
        (Generation::Nim1, Proxy::None) => {}
        (generation, proxy) => {
            let other = if proxy == Proxy::NginxPlus {
                NEWER_OSS
            } else {
                PLUS
            };
            let stand = if generation == Generation::Nim1 {
                Stand::nim1()
            } else {
                Stand::stock()
            };
            all.push(Recorded::stand("another nginx", stand.with_version(other)));
        }
    }
    all
}

static APPLIED_2: LazyLock<Stand> = LazyLock::new(|| Stand::stock().applied());
static APPLIED_1: LazyLock<Stand> = LazyLock::new(|| Stand::nim1().applied());

fn nim2_shapes(older: &str, newer: &str) -> Vec<Recorded> {
    let at = |name, stand: Stand, version: &str| Recorded::stand(name, stand.with_version(version));
    vec![
        at("stock", Stand::stock(), older),
        at("stock, newer", Stand::stock(), newer),
        at("applied", APPLIED_2.clone(), older),
        at("applied, newer", APPLIED_2.clone(), newer),
        at("moved", hosts::moved(), older),
        at("braces", hosts::braces(), newer),
        at(
            "a shared profile",
            profile::shared(profile::GOOD, "_"),
            older,
        ),
        at(
            "weak neighbours",
            profile::neighbours("zz", profile::WEAK),
            older,
        ),
        at(
            "another site",
            Stand::stock().with_file("/etc/nginx/conf.d/aa.conf", OTHER_SITE),
            newer,
        ),
        at("a tree", Stand::stock().not_live(), newer),
        at(
            "over IPv6 too",
            Stand::stock().with_address("2001:db8::5"),
            older,
        ),
    ]
}

fn nim1_shapes(older: &str, newer: &str) -> Vec<Recorded> {
    let at = |name, mut stand: Stand, version: &str| {
        stand.modules.extend(["stream", "stream_ssl_module"]);
        Recorded::stand(name, stand.with_version(version))
    };
    let main = "/etc/nginx/nginx.conf";
    let open = Stand::nim1().edit_file(
        MANAGER_FILE,
        "bind_address: 127.0.0.1\n",
        "bind_address: 0.0.0.0\ncert: /etc/ssl/a.crt\nkey: /etc/ssl/a.key # ours\n",
    );
    let feeds = Stand::nim1().files[main].replace('\n', "\r\n");
    vec![
        at("stock", Stand::nim1(), older),
        at("stock, newer", Stand::nim1(), newer),
        at("applied", APPLIED_1.clone(), older),
        at("applied, newer", APPLIED_1.clone(), newer),
        at("open", open.clone(), older),
        at("a tree", open.not_live(), newer),
        at(
            "a manager without settings",
            Stand::nim1().with_file(MANAGER_FILE, ""),
            newer,
        ),
        at(
            "beside another site",
            nim1::beside(Stand::nim1(), "listen 443 ssl;"),
            older,
        ),
        at(
            "beside several addresses",
            nim1::beside(
                Stand::nim1(),
                "listen [::]:443 ssl; listen 10.0.0.5:443 ssl;",
            ),
            newer,
        ),
        at(
            "all names",
            Stand::nim1().edit_file(main, "conf.d/*.conf", "conf.d/*"),
            newer,
        ),
        at(
            "carriage returns",
            Stand::nim1().with_file(main, &feeds),
            older,
        ),
        at(
            "over IPv6 too",
            Stand::nim1().with_address("2001:db8::5"),
            older,
        ),
    ]
}

/// Machines with an agent, and the folder that was brought there.
pub(super) fn instances() -> Vec<Recorded> {
    let all = golden::machines().into_iter();
    all.map(|(name, stand)| Recorded::stand(&name, stand))
        .collect()
}

/// Names lead here, and the files that answers name are there.
pub(super) fn with(host: Memory, names: &[String], files: &[(String, String)]) -> Memory {
    let host = names.iter().fold(host, |host, name| {
        host.with_name(name, &[Ipv4Addr::LOCALHOST.into()])
    });
    files.iter().fold(host, |host, (path, text)| {
        host.with_file(path, text.as_bytes())
    })
}

pub(super) fn state() -> crate::values::AbsPath {
    STATE.parse().unwrap()
}
