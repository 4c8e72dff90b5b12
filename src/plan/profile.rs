//! Protocols and ciphers: Mozilla's "intermediate" profile in every server of a port.

use super::editor::why;
use super::work::Work;
use crate::error::Problem;
use crate::nginx::{Directive, Server, flat};

/// Guidelines 5.7, without the DHE suites: nginx offers those only with parameters that nobody
/// maintains.
pub(super) const CIPHERS: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
pub(super) const PROTOCOLS: &str = "TLSv1.2 TLSv1.3";

/// A directive of the profile: its value, the reason, and whether lines say as much already.
type Rule = (
    &'static str,
    &'static str,
    &'static str,
    fn(&[&Directive]) -> bool,
);

const RULES: [Rule; 2] = [
    ("ssl_protocols", PROTOCOLS, "protocols", are_current),
    ("ssl_ciphers", CIPHERS, "ciphers", are_strong),
];

impl Work<'_, '_> {
    /// In every server that shares a socket of the port with this one.
    pub(super) fn profile(&mut self) -> Result<(), Problem> {
        for server in self.site.neighbours_on_port() {
            let block = server.directive;
            let mut changed = false;
            for (name, value, id, is_met) in RULES {
                if is_met(&server.scope.nearest(name)) {
                    continue;
                }
                if !self.editor.may_set(block, name) {
                    self.left_or_refused(server, name, value)?;
                    continue;
                }
                changed = true;
                let reason = why(id, "");
                self.editor
                    .set(block, name, value, &reason, "ssl_certificate_key")?;
            }
            if changed && !self.site.is_ours(server) {
                self.changes.notes.push(format!(
                    "the server at {} shares the port and gets the same protocols and ciphers",
                    self.site.config.shown(&block.at)
                ));
            }
        }
        Ok(())
    }

    /// What stands in a file that others read too cannot be changed for one server. A neighbour
    /// may keep its own; what the manager's server and the default of a socket say counts.
    fn left_or_refused(
        &mut self,
        server: &Server<'_>,
        name: &str,
        value: &str,
    ) -> Result<(), Problem> {
        let site = self.site;
        let line = flat(server.directive.children()).find(|line| line.name == name);
        let at = &line.unwrap_or(server.directive).at;
        let place = site.config.shown(at);
        let is_default = site
            .on_port()
            .any(|bound| std::ptr::eq(bound.default.directive, server.directive));
        if !site.is_ours(server) && !is_default {
            self.changes.notes.push(format!(
                "{place}: {name} of the server at {} stays as it is, because other servers read \
                 this file too; its own visitors may get older TLS than the manager's (below \
                 nginx 1.29.2 the protocols of the default server count for them)",
                site.config.shown(&server.directive.at)
            ));
            return Ok(());
        }
        let whose = if site.is_ours(server) {
            "the manager's server".to_owned()
        } else {
            format!(
                "the default server of the port, {}, which decides for the manager's too,",
                site.config.shown(&server.directive.at)
            )
        };
        let why = match site.config.editable(at) {
            Err(why) => why.to_string(),
            Ok(()) => "it cannot be edited".to_owned(),
        };
        Err(Problem::host(format!(
            "{place} cannot be edited: {why}; {name} of {whose} is weaker there than TLS 1.2 with \
             forward secrecy"
        ))
        .remedy(format!(
            "write \"{name} {value};\" there, for every server that reads it"
        )))
    }
}

/// TLS 1.3 is offered, and nothing older than 1.2.
fn are_current(lines: &[&Directive]) -> bool {
    let words: Vec<&str> = lines.iter().flat_map(|line| line.words()).collect();
    let known = |word: &&str| matches!(*word, "TLSv1.2" | "TLSv1.3");
    lines.len() == 1 && words.contains(&"TLSv1.3") && words.iter().all(known)
}

/// Every suite is forward secret and authenticates what it encrypts (its name says so), and
/// nothing is named but suites and what is left out.
fn are_strong(lines: &[&Directive]) -> bool {
    let [line] = lines else {
        return false;
    };
    let list = line.args.joined();
    let mut suites = list
        .split([':', ',', ' '])
        .filter(|suite| !suite.is_empty() && !suite.starts_with('!'))
        .peekable();
    suites.peek().is_some()
        && suites.all(|suite| {
            let forward = suite.starts_with("ECDHE-") || suite.starts_with("DHE-");
            let sealed = ["-GCM-", "-CHACHA20-", "-CCM"];
            forward && sealed.iter().any(|mark| suite.contains(mark))
                || suite.starts_with("TLS_AES_")
                || suite == "TLS_CHACHA20_POLY1305_SHA256"
        })
}
