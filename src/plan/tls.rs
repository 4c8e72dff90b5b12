//! What every client meets first: the name, the certificate, HTTP/2.

use super::editor::why;
use super::file::Reason;
use super::manager::serves_ui;
use super::server_files::ServerFiles;
use super::work::Work;
use crate::answers::Answers;
use crate::error::Problem;
use crate::facts::Build;
use crate::nginx::{Directive, Listen, Server, flat};

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
        self.not_the_agents_own(name)?;
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

    /// A server for agents only, beside the one with the user interface: with `manager_name` it
    /// would take that name, and the user interface with it, away from browsers.
    fn not_the_agents_own(&self, name: &str) -> Result<(), Problem> {
        let site = self.site;
        if serves_ui(site.server) {
            return Ok(());
        }
        let neighbours = site.neighbours_on_port();
        let Some(other) = neighbours.into_iter().find(|other| serves_ui(other)) else {
            return Ok(());
        };
        let place = |server: &Server<'_>| site.config.shown(&server.directive.at);
        let own = place(site.server);
        Err(Problem::host(format!(
            "{own}: this server passes agents on and has no user interface, which is in the \
             server at {}; with the name {name} it would take the user interface away from \
             browsers",
            place(other)
        ))
        .remedy(format!(
            "move the locations of the agents from {own} into the server at {} and take the \
             other one out, then apply again",
            place(other)
        )))
    }

    /// What the proof, and every client that is not a load balancer, begins with is TLS.
    pub(super) fn spoken_to_directly(&self) -> Result<(), Problem> {
        let site = self.site;
        for bound in site.on_port() {
            let listens = bound.servers.iter().flat_map(|server| &server.listens);
            let mut listens = listens.filter(|listen| listen.proxy_protocol);
            let here = |listen: &&Listen<'_>| listen.sockets().any(|one| one == bound.socket);
            if let Some(listen) = listens.find(here) {
                let why = format!(
                    "connections to {} have to begin with the PROXY protocol of a load balancer, \
                     which nim-tls does not speak, so nothing could be proven",
                    bound.socket
                );
                return Err(site.refused(listen.directive, why).remedy(format!(
                    "give the load balancer a port of its own (listen ... proxy_protocol;) and \
                     port {} a listen line without it",
                    site.port
                )));
            }
        }
        Ok(())
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
        let mut done: Vec<&Directive> = Vec::new();
        for listen in self.site.listens() {
            // A line with a name is there once for each address.
            if done
                .iter()
                .any(|line| std::ptr::eq(*line, listen.directive))
            {
                continue;
            }
            done.push(listen.directive);
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
