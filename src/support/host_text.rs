//! What a host is, as text.

use std::fmt::Write as _;

use crate::facts::{CaKey, Facts, FileFact, FoundContent, Known, Listener};
use crate::values::moment;

pub(super) fn text(facts: &Facts) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name}: {value}");
    };
    line("looked at", moment(facts.looked_at));
    line("nim-tls", env!("CARGO_PKG_VERSION").to_owned());
    line("by root", facts.root.to_string());
    line("a running system", facts.live.to_string());
    line(
        "system",
        known(&facts.os, |os| {
            format!("{} ({} {})", os.name, os.id, os.version)
        }),
    );
    line(
        "NGINX Instance Manager",
        known(&facts.nim, |nim| {
            let version = nim.version.as_deref().unwrap_or("of an unknown version");
            format!("{version} ({}), told by {}", nim.generation, nim.evidence)
        }),
    );
    line("NGINX Agent", known(&facts.agent, Clone::clone));
    line(
        "nginx",
        known(&facts.nginx, |nginx| nginx.build.to_string()),
    );
    if let Known::Is(nginx) = &facts.nginx {
        line("  program", nginx.binary.clone());
        line("  main file", nginx.main.clone());
        line("  arguments", nginx.args.join(" "));
        line("  OpenSSL", nginx.build.openssl.clone().unwrap_or_default());
        line("  built with", nginx.build.options.join(" "));
        if let Some(build) = &nginx.on_disk {
            line("  on disk", build.to_string());
        }
        let master = nginx.master.as_ref();
        let master = master.map(|master| {
            let loaded = master
                .loaded_at
                .map_or("at an unknown time".to_owned(), moment);
            format!("process {}, workers since {loaded}", master.pid)
        });
        line("  runs", master.unwrap_or_else(|| "no".to_owned()));
        line(
            "  loads",
            known(&nginx.loads, |loads| match loads {
                Ok(()) => "yes".to_owned(),
                Err(said) => said.clone(),
            }),
        );
    }
    line("SELinux", known(&facts.selinux, Clone::clone));
    line("firewall", known(&facts.firewall, Clone::clone));
    line("FIPS", known(&facts.fips, ToString::to_string));
    line(
        "clock synchronised",
        known(&facts.clock_synchronised, ToString::to_string),
    );
    for (folder, space) in &facts.space {
        line(
            &format!("free bytes in {folder}"),
            known(space, ToString::to_string),
        );
    }
    text.push_str(&services(facts));
    text.push_str(&listeners(facts));
    text.push_str(&certificates(facts));
    text
}

fn known<T>(known: &Known<T>, words: impl Fn(&T) -> String) -> String {
    match known {
        Known::Is(value) => words(value),
        Known::Absent => "no".to_owned(),
        Known::Unclear(why) => format!("could not be told: {why}"),
    }
}

fn services(facts: &Facts) -> String {
    let mut text = format!(
        "\nsystemd: {}\n",
        known(&facts.systemd, |()| "yes".to_owned())
    );
    for (name, service) in &facts.services {
        let words = known(service, |service| match &service.left_out {
            Some(why) => format!("{} ({why})", service.state),
            None => service.state.clone(),
        });
        let _ = writeln!(text, "  {name}: {words}");
    }
    text
}

fn listeners(facts: &Facts) -> String {
    let words = |listener: &Listener| {
        let holders = listener.holders.iter();
        let holders = holders.map(|(name, pid)| format!("{name} ({pid})"));
        let holders: Vec<String> = holders.collect();
        format!("\n  {} {}", listener.at, holders.join(", "))
    };
    let lines = known(&facts.listeners, |all| all.iter().map(words).collect());
    format!(
        "\nlistening:{}{lines}\n",
        if lines.starts_with('\n') { "" } else { " " }
    )
}

/// What is public of certificates, and of keys that they are there.
fn certificates(facts: &Facts) -> String {
    let mut text = String::from("\ncertificates and keys:\n");
    for (path, fact) in &facts.files {
        let FileFact::File(file) = fact else {
            continue;
        };
        let (mode, owner) = (file.mode, file.owner);
        let head = format!("  {path} {mode} {}:{}", owner.0, owner.1);
        match &file.content {
            FoundContent::Certificates(chain) => {
                let _ = writeln!(text, "{head}");
                for one in chain {
                    let valid = &one.validity;
                    let (from, to) = (moment(valid.not_before), moment(valid.not_after));
                    let (subject, issuer) = (&one.subject, &one.issuer);
                    let _ = writeln!(text, "    {subject}, by {issuer}, {from} to {to}");
                }
            }
            FoundContent::Key {
                encrypted: true, ..
            } => {
                let _ = writeln!(text, "{head}: a private key, encrypted");
            }
            FoundContent::Key { .. } => {
                let _ = writeln!(text, "{head}: a private key");
            }
            FoundContent::Request(_) | FoundContent::Other => {}
        }
    }
    let _ = writeln!(
        text,
        "authority: {}",
        known(&facts.state.ca, |ca| {
            let key = |key| match key {
                CaKey::Plaintext => "not encrypted",
                CaKey::Encrypted => "encrypted",
                CaKey::Gone => "not here",
            };
            let (root, signs) = (key(ca.root_key), key(ca.key));
            format!(
                "{}, its key {root}, the key that signs {signs}",
                ca.root.subject
            )
        })
    );
    let _ = writeln!(text, "issued for: {} agents", facts.state.issued.len());
    text
}
