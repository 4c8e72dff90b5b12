//! TLS sessions remember that their client was verified, and outlive a reload. Whenever clients
//! are judged more strictly, every session of before must be forgotten. The default server of a
//! socket decides for all servers on it (measured on 1.22.1 and 1.26.3).

use std::collections::{BTreeMap, BTreeSet};

use super::editor::{Editor, why};
use super::site::Site;
use crate::error::Problem;
use crate::nginx::{Config, Directive};

/// `other_authority`: the manager's server verifies clients by another authority from now on.
/// Gives notes back.
pub(super) fn forget<'a>(
    editor: &mut Editor<'a>,
    site: &Site<'a>,
    other_authority: bool,
) -> Result<Vec<String>, Problem> {
    let mut notes = Vec::new();
    let mut names = Names::taken(site.config);
    for server in site.defaults() {
        let block = server.directive;
        let cache = server.scope.nearest("ssl_session_cache");
        let args: Vec<&str> = cache.iter().flat_map(|line| line.words()).collect();
        if args.iter().any(|arg| arg.starts_with("shared:")) {
            let renamed: Vec<String> = args.iter().map(|arg| names.renamed(arg)).collect();
            let reason = why("session-cache", "");
            let value = renamed.join(" ");
            if !editor.may_set(block, "ssl_session_cache") {
                let at = cache.last().map_or(&block.at, |line| &line.at);
                let place = site.config.shown(at);
                // nginx binds each session to the certificates and the client authorities of
                // the server that made it (its session id context): other ones end it as well.
                if site.is_ours(server) && other_authority {
                    notes.push(format!(
                        "{place}: the cache of TLS sessions, {}, keeps its name, because other \
                         servers read this file too; sessions of before end with the change of \
                         the client authority, which the proof tries",
                        args.join(" ")
                    ));
                    continue;
                }
                let why = match site.config.editable(at) {
                    Err(why) => why.to_string(),
                    Ok(()) => "it cannot be edited".to_owned(),
                };
                let owner = site.config.shown(&block.at);
                return Err(Problem::host(format!(
                    "{place}: TLS sessions of before remember how clients were judged then, \
                     and the cache that keeps them has to get another name in the \
                     server at {owner}, which rules the port: {why}"
                ))
                .remedy(format!(
                    "take ssl_session_cache out of that file, and write it into the server at \
                     {owner}: ssl_session_cache {};",
                    args.join(" ")
                )));
            }
            editor.set(block, "ssl_session_cache", &value, &reason, "ssl_ciphers")?;
        }
        // Without a shared cache nginx makes new ticket keys at each reload; keys from a file
        // stay, and the tickets with them.
        let keys = server.scope.nearest("ssl_session_ticket_key");
        let tickets_off = server.scope.value("ssl_session_tickets") == Some("off");
        if !keys.is_empty() && !tickets_off {
            let reason = why("session-tickets-off", "");
            let anchor = "ssl_session_cache";
            editor.set(block, "ssl_session_tickets", "off", &reason, anchor)?;
        }
    }
    Ok(notes)
}

/// Names of zones: those that are taken, and what is given in place of which.
struct Names {
    taken: BTreeSet<String>,
    given: BTreeMap<String, String>,
}

impl Names {
    fn taken(config: &Config) -> Self {
        let lines = config.all(&["ssl_session_cache"]);
        let zones = lines.flat_map(Directive::words).filter_map(zone);
        let taken = zones.map(|(name, _)| name.to_owned()).collect();
        let given = BTreeMap::new();
        Self { taken, given }
    }

    /// An argument of `ssl_session_cache`, with another zone where it names one. Servers that
    /// share a zone today share the new one.
    fn renamed(&mut self, arg: &str) -> String {
        let Some((name, size)) = zone(arg) else {
            return arg.to_owned();
        };
        let new = match self.given.get(name) {
            Some(given) => given.clone(),
            None => self.next(name),
        };
        self.given.insert(name.to_owned(), new.clone());
        format!("shared:{new}:{size}")
    }

    /// A name that no zone of the configuration has: `nim_tls_1`, or one further than today's.
    fn next(&mut self, current: &str) -> String {
        let number = current.strip_prefix("nim_tls_");
        let today: u32 = number.and_then(|n| n.parse().ok()).unwrap_or(0);
        let mut names = (today.saturating_add(1)..).map(|number| format!("nim_tls_{number}"));
        let free = names.find(|name| !self.taken.contains(name));
        let new = free.unwrap_or_else(|| format!("{current}_again"));
        self.taken.insert(new.clone());
        new
    }
}

/// Name and size of a shared zone.
fn zone(arg: &str) -> Option<(&str, &str)> {
    arg.strip_prefix("shared:")?.split_once(':')
}
