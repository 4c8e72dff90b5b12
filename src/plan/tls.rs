//! What every client meets first: the name, the certificate, protocols, ciphers, HTTP/2.

use super::editor::why;
use super::file::Reason;
use super::server_certificate::ServerFiles;
use super::work::Work;
use crate::answers::Answers;
use crate::error::Problem;
use crate::facts::Build;
use crate::nginx::{Listen, flat};

/// Mozilla's "intermediate" profile (guidelines 5.7), without its DHE suites: nginx offers those
/// only with parameters that nobody maintains.
const CIPHERS: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
const PROTOCOLS: &str = "TLSv1.2 TLSv1.3";

impl Work<'_, '_> {
    /// Agents ask for `manager_name`; it must lead to this server.
    pub(super) fn name(&mut self, answers: &Answers) -> Result<(), Problem> {
        let site = self.site;
        let name = answers.manager_name.as_str();
        let is_name = |listed: &&str| listed.eq_ignore_ascii_case(name);
        let neighbours = site.neighbours_on_port();
        let mut others = neighbours.iter().filter(|other| !site.is_ours(other));
        if let Some(other) = others.clone().find(|other| other.names.iter().any(is_name)) {
            return Err(Problem::host(format!(
                "{name} is the name of another server on this port: {}",
                site.config.shown(&other.directive.at)
            ))
            .remedy("choose another manager_name, or take the name out of that server"));
        }
        let listed = site.server.names.iter().any(is_name);
        let patterns = others.any(|other| other.names.iter().any(|name| is_pattern(name)));
        if listed || (site.is_default_on_port() && !patterns) {
            return Ok(());
        }
        let block = site.server.directive;
        self.changes.notes.push(format!(
            "{name} is added to the names of the server at {}, because another server answers to \
             names that none lists",
            site.config.shown(&block.at)
        ));
        let reason = why("server-name", name);
        match flat(block.children()).find(|line| line.name == "server_name") {
            Some(line) => self.editor.append_arg(line, name, &reason),
            None => self
                .editor
                .set(block, "server_name", name, &reason, "listen"),
        }
    }

    pub(super) fn certificate(&mut self, server: &ServerFiles) -> Result<(), Problem> {
        let block = self.site.server.directive;
        let chain = why("server-certificate", &server.chain);
        let key = why("server-key", &server.key);
        let path = server.chain.as_str();
        self.editor
            .set(block, "ssl_certificate", path, &chain, "listen")?;
        let path = server.key.as_str();
        self.editor
            .set(block, "ssl_certificate_key", path, &key, "ssl_certificate")
    }

    /// Protocols and ciphers, in every server that shares a socket of the port with this one.
    pub(super) fn profile(&mut self) -> Result<(), Problem> {
        for server in self.site.neighbours_on_port() {
            let block = server.directive;
            let mut changed = false;
            for (name, value, id) in [
                ("ssl_protocols", PROTOCOLS, "protocols"),
                ("ssl_ciphers", CIPHERS, "ciphers"),
            ] {
                let lines = server.scope.nearest(name);
                if let [line] = lines.as_slice()
                    && line.args.join(" ") == value
                {
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

    /// HTTP/2 and TLS on every listener of the port, in the form that the running nginx takes.
    pub(super) fn http2(&mut self) -> Result<(), Problem> {
        let site = self.site;
        if site.server.scope.value("http2") == Some("on") {
            let reason = why("http2-directive", "");
            return self.listen_lines(&reason, |_| Parameter::AsIs);
        }
        let on_socket = |listen: &Listen<'_>| {
            let mut bounds = site.on_port();
            bounds.any(|bound| bound.http2 && listen.sockets().any(|one| one == bound.socket))
        };
        let everywhere = site.listens().all(on_socket);
        let alone = site.neighbours_on_port().len() == 1;
        let has_directive = self.facts.nginx.is().is_some_and(|nginx| {
            // The running master parses the reload, the binary on disk the next start.
            let next = nginx.on_disk.as_ref();
            nginx.build.has_http2_directive() && next.is_none_or(Build::has_http2_directive)
        });
        if has_directive && (alone || !everywhere) {
            let reason = why("http2-directive", "");
            // Others on the socket may live by the parameter.
            let parameter = if alone {
                Parameter::Without
            } else {
                Parameter::AsIs
            };
            self.listen_lines(&reason, |_| parameter)?;
            let block = site.server.directive;
            return self.editor.set(block, "http2", "on", &reason, "listen");
        }
        let reason = why("http2-parameter", "");
        self.listen_lines(&reason, |listen| {
            if on_socket(listen) {
                Parameter::AsIs
            } else {
                Parameter::With
            }
        })
    }

    /// Every listener of the port speaks TLS; the parameter `http2` is put or taken away.
    fn listen_lines(
        &mut self,
        reason: &Reason,
        http2: impl Fn(&Listen<'_>) -> Parameter,
    ) -> Result<(), Problem> {
        for listen in self.site.listens() {
            let old: Vec<&str> = listen.directive.words().collect();
            let mut new = old.clone();
            if !new.contains(&"ssl") {
                new.push("ssl");
            }
            match http2(listen) {
                Parameter::AsIs => {}
                Parameter::With => new.push("http2"),
                Parameter::Without => new.retain(|arg| *arg != "http2"),
            }
            if new != old {
                let args = new.join(" ");
                self.editor.set_args(listen.directive, &args, reason)?;
            }
        }
        Ok(())
    }
}

/// What becomes of `http2` in a `listen` line.
#[derive(Clone, Copy)]
enum Parameter {
    AsIs,
    With,
    Without,
}

/// Whether a server name stands for more than one.
fn is_pattern(name: &str) -> bool {
    name.starts_with(['*', '.', '~']) || name.ends_with('*')
}
