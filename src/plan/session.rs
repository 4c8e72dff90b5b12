//! TLS sessions remember that their client was verified, and outlive a reload. Whenever clients
//! are judged more strictly, every session of before must be forgotten. The default server of a
//! socket decides for all servers on it (measured on 1.22.1 and 1.26.3).

use std::collections::BTreeSet;

use super::editor::{Editor, why};
use super::site::Site;
use crate::error::Problem;
use crate::nginx::{Directive, flat};

pub(super) fn forget<'a>(editor: &mut Editor<'a>, site: &Site<'a>) -> Result<(), Problem> {
    let taken = zones(site);
    for server in site.defaults() {
        let block = server.directive;
        let cache = server.scope.nearest("ssl_session_cache");
        let shared = cache
            .iter()
            .flat_map(|line| &line.args)
            .find_map(|arg| arg.strip_prefix("shared:"))
            .and_then(|zone| zone.split_once(':'));
        if let Some((name, size)) = shared {
            let value = format!("shared:{}:{size}", next(name, &taken));
            editor.set(block, "ssl_session_cache", &value, &why("session-cache", ""), "ssl_ciphers")?;
        }
        // Without a shared cache nginx makes new ticket keys at each reload; keys from a file
        // stay, and the tickets with them.
        let keys = server.scope.nearest("ssl_session_ticket_key");
        let tickets_off =
            server.scope.nearest("ssl_session_tickets").iter().any(|l| l.arg(0) == Some("off"));
        if !keys.is_empty() && !tickets_off {
            let reason = why("session-tickets-off", "");
            editor.set(block, "ssl_session_tickets", "off", &reason, "ssl_session_cache")?;
        }
    }
    Ok(())
}

/// A name that no zone of the configuration has: `nim_tls_1`, or one further than today's.
fn next(current: &str, taken: &BTreeSet<String>) -> String {
    let today: u32 = current.strip_prefix("nim_tls_").and_then(|n| n.parse().ok()).unwrap_or(0);
    (today.saturating_add(1)..)
        .map(|number| format!("nim_tls_{number}"))
        .find(|name| !taken.contains(name))
        .unwrap_or_else(|| "nim_tls".to_owned())
}

fn zones(site: &Site<'_>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open: Vec<&Directive> = site.config.top().collect();
    while let Some(line) = open.pop() {
        open.extend(flat(line.children()));
        if line.name == "ssl_session_cache" {
            let zone = line.args.iter().find_map(|arg| arg.strip_prefix("shared:"));
            names.extend(zone.and_then(|zone| zone.split(':').next()).map(str::to_owned));
        }
    }
    names
}
