//! The manager's own nginx file: what is changed in it, and the files beside it.

use super::bypass::{self, VENDOR_CHECK};
use super::certificates::ServerFiles;
use super::editor::{Editor, why};
use super::file::{Content, FileChange, FolderChange, Reason, Status};
use super::place_for::{self, Spot};
use super::site::Site;
use super::template::{self, CHECK, Explained};
use super::{certificates, session};
use crate::answers::Answers;
use crate::error::Problem;
use crate::facts::{Facts, Known};
use crate::method::Method;
use crate::nginx::{Directive, LocationKind, flat};
use crate::values::{AbsPath, Mode};

/// Mozilla's "intermediate" profile (guidelines 5.7), without its DHE suites: nginx offers those
/// only with parameters that nobody maintains.
const CIPHERS: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
const PROTOCOLS: &str = "TLSv1.2 TLSv1.3";

pub(super) struct NginxChanges {
    pub(super) files: Vec<FileChange>,
    pub(super) folders: Vec<FolderChange>,
    pub(super) notes: Vec<String>,
}

/// Everything that changes for nginx. `bundle`: what agents are verified against, where they
/// are; `new_bundle`: its content changes with this plan.
pub(super) fn plan(
    facts: &Facts,
    answers: &Answers,
    site: &Site<'_>,
    server: &ServerFiles,
    bundle: Option<(&AbsPath, bool)>,
) -> Result<NginxChanges, Problem> {
    let mut work = Work {
        facts,
        site,
        editor: Editor::new(site.config),
        tightened: bundle.is_some_and(|(_, new)| new),
        changes: NginxChanges { files: Vec::new(), folders: Vec::new(), notes: Vec::new() },
    };
    work.name(answers)?;
    work.certificate(server)?;
    work.profile()?;
    work.http2()?;
    if let Some((bundle, _)) = bundle {
        bypass::refuse(site)?;
        work.verify(bundle)?;
        work.gates()?;
        work.check_location()?;
        work.log_format()?;
        if work.tightened {
            session::forget(&mut work.editor, site)?;
        }
    } else if answers.method == Method::SslTermination {
        work.note_old_verification();
    }
    work.finish()
}

struct Work<'a, 'e> {
    facts: &'a Facts,
    site: &'a Site<'e>,
    editor: Editor<'e>,
    /// Clients are judged more strictly than before.
    tightened: bool,
    changes: NginxChanges,
}

impl<'e> Work<'_, 'e> {
    /// Agents ask for `manager_name`; it must lead to this server.
    fn name(&mut self, answers: &Answers) -> Result<(), Problem> {
        let site = self.site;
        let name = answers.manager_name.as_str();
        if site.server.names.contains(&name) {
            return Ok(());
        }
        for other in site.neighbours().into_iter().filter(|other| !site.is_ours(other)) {
            if other.names.contains(&name) {
                return Err(Problem::host(format!(
                    "{name} is the name of another server on this port: {}",
                    site.config.shown(&other.directive.at)
                ))
                .remedy("choose another manager_name, or take the name out of that server"));
            }
        }
        let patterns = site
            .neighbours()
            .into_iter()
            .filter(|other| !site.is_ours(other))
            .flat_map(|other| other.names.iter())
            .any(|name| name.starts_with(['*', '.', '~']) || name.ends_with('*'));
        if site.is_default_everywhere() && !patterns {
            return Ok(());
        }
        let reason = why("server-name", name);
        let block = site.server.directive;
        let names: Vec<&str> = site.server.names.clone();
        let args = if names.is_empty() { name.to_owned() } else { format!("{} {name}", names.join(" ")) };
        self.changes.notes.push(format!(
            "{name} is added to the names of the server at {}, because another server answers to \
             names that none lists",
            site.config.shown(&block.at)
        ));
        self.editor.set(block, "server_name", &args, &reason, "listen")
    }

    fn certificate(&mut self, server: &ServerFiles) -> Result<(), Problem> {
        let block = self.site.server.directive;
        let chain = why("server-certificate", &server.chain);
        let key = why("server-key", &server.key);
        // The key is put behind the certificate's line, so it is edited second.
        self.editor.set(block, "ssl_certificate", server.chain.as_str(), &chain, "listen")?;
        let anchor = "ssl_certificate";
        self.editor.set(block, "ssl_certificate_key", server.key.as_str(), &key, anchor)
    }

    /// Protocols and ciphers, in every server that shares a socket with this one.
    fn profile(&mut self) -> Result<(), Problem> {
        for server in self.site.neighbours() {
            let block = server.directive;
            let anchor = "ssl_certificate_key";
            for (name, value, id) in
                [("ssl_protocols", PROTOCOLS, "protocols"), ("ssl_ciphers", CIPHERS, "ciphers")]
            {
                let own = flat(block.children()).any(|line| line.name == name);
                let inherited = server
                    .scope
                    .nearest(name)
                    .first()
                    .is_some_and(|line| line.args.join(" ") == value);
                if own || !inherited {
                    self.editor.set(block, name, value, &why(id, ""), anchor)?;
                }
            }
            if !self.site.is_ours(server) {
                self.changes.notes.push(format!(
                    "the server at {} shares the port and gets the same protocols and ciphers",
                    self.site.config.shown(&block.at)
                ));
            }
        }
        Ok(())
    }

    fn http2(&mut self) -> Result<(), Problem> {
        let site = self.site;
        let block = site.server.directive;
        let build = self.facts.nginx.is();
        // The running master parses the reload, the binary on disk the next start.
        let has_directive = build.is_some_and(|nginx| {
            nginx.build.has_http2_directive()
                && nginx.on_disk.as_ref().is_none_or(crate::facts::Build::has_http2_directive)
        });
        let on = site
            .server
            .scope
            .nearest("http2")
            .first()
            .is_some_and(|line| line.arg(0) == Some("on"));
        let shared = site
            .neighbours()
            .iter()
            .any(|server| server.listens.iter().any(|l| l.http2 && site.listens().any(|ours| ours.address == l.address && ours.port == l.port)));
        let alone = site.neighbours().len() == 1;
        let directive = why("http2-directive", "");
        if on || (shared && !(has_directive && alone)) {
            return self.tls_on(false, &why("http2-parameter", ""));
        }
        if has_directive {
            self.tls_on(true, &directive)?;
            return self.editor.set(block, "http2", "on", &directive, "listen");
        }
        let parameter = why("http2-parameter", "");
        for listen in site.listens() {
            let mut args: Vec<&str> = listen.directive.args.iter().map(String::as_str).collect();
            if !args.contains(&"ssl") {
                args.push("ssl");
            }
            args.push("http2");
            self.editor.set_args(listen.directive, &args.join(" "), &parameter)?;
        }
        Ok(())
    }

    /// Every listener of the port speaks TLS; the deprecated parameter goes where asked.
    fn tls_on(&mut self, without_http2: bool, reason: &Reason) -> Result<(), Problem> {
        for listen in self.site.listens() {
            let old: Vec<&str> = listen.directive.args.iter().map(String::as_str).collect();
            let mut new = old.clone();
            if without_http2 {
                new.retain(|arg| *arg != "http2");
            }
            if !new.contains(&"ssl") {
                new.push("ssl");
            }
            if new != old {
                self.editor.set_args(listen.directive, &new.join(" "), reason)?;
            }
        }
        Ok(())
    }

    fn verify(&mut self, bundle: &AbsPath) -> Result<(), Problem> {
        let block = self.site.server.directive;
        let scope = &self.site.server.scope;
        let now = |name: &str| {
            scope.nearest(name).first().and_then(|line| line.arg(0)).unwrap_or("").to_owned()
        };
        if now("ssl_client_certificate") != bundle.as_str() || now("ssl_verify_client") != "optional"
        {
            self.tightened = true;
        }
        let ca = why("client-ca", bundle);
        let anchor = "ssl_certificate_key";
        self.editor.set(block, "ssl_client_certificate", bundle.as_str(), &ca, anchor)?;
        let optional = why("verify-optional", "");
        self.editor.set(block, "ssl_verify_client", "optional", &optional, "ssl_client_certificate")?;
        if now("ssl_verify_depth") == "0" {
            let depth = why("verify-depth", "");
            self.editor.set(block, "ssl_verify_depth", "1", &depth, "ssl_verify_client")?;
        }
        Ok(())
    }

    fn gates(&mut self) -> Result<(), Problem> {
        let ask = why("auth-request", CHECK);
        let all = why("satisfy-all", "");
        for gate in &self.site.gates {
            let block: &'e Directive = gate.directive;
            let own = |name: &str| flat(block.children()).find(|line| line.name == name);
            let asked = own("auth_request").and_then(|line| line.arg(0));
            if asked != Some(CHECK) || own("satisfy").and_then(|line| line.arg(0)) != Some("all") {
                self.tightened = true;
            }
            if let Some(line) = own("auth_request").filter(|line| {
                !matches!(line.arg(0), Some("off" | CHECK | VENDOR_CHECK))
            }) {
                return Err(Problem::host(format!(
                    "{}: agents already pass another check",
                    self.site.config.shown(&line.at)
                )));
            }
            self.editor.set(block, "auth_request", CHECK, &ask, "auth_request")?;
            self.editor.set(block, "satisfy", "all", &all, "auth_request")?;
        }
        Ok(())
    }

    /// The check goes into a file of its own where the server includes a folder, else into the
    /// server itself.
    fn check_location(&mut self) -> Result<(), Problem> {
        let file = template::check_location(&self.log());
        match place_for::location_file(self.site, "nim-tls-agents.conf") {
            Some(path) => self.own_file(&path, file),
            None => {
                let server = self.site.server;
                let present = server
                    .locations
                    .iter()
                    .find(|location| location.kind == LocationKind::Exact && location.pattern == CHECK);
                if let Some(location) = present {
                    return place_for::same(self.site, location.directive, &file.text);
                }
                let reason = why("check-location", CHECK);
                self.editor.insert_at_end(server.directive, &lines(&file.text), &reason)?;
            }
        }
        Ok(())
    }

    fn log_format(&mut self) -> Result<(), Problem> {
        let file = template::log_format();
        match place_for::http_file(self.site, "nim-tls-log.conf") {
            Spot::File(path) => self.own_file(&path, file),
            Spot::Present => {}
            Spot::BeforeServer => {
                let reason = why("agent-log-format", "");
                let server = self.site.server.directive;
                self.editor.insert_before(server, &lines(&file.text), &reason)?;
            }
        }
        Ok(())
    }

    fn log(&self) -> AbsPath {
        place_for::log_file(self.site.config, "nim-tls-agents.log")
    }

    fn own_file(&mut self, path: &AbsPath, file: Explained) {
        let mut change =
            certificates::change(self.facts, path, 0o644, Content::Text(file.text));
        change.reasons = file.reasons;
        if change.status != Status::Unchanged {
            self.tightened = true;
        }
        self.changes.folders.push(FolderChange { path: path.parent(), mode: Mode(0o755) });
        self.changes.files.push(change);
    }

    /// A file of the shape of NIM 2.21 asks for certificates of the vendor's authority and
    /// answers 400 to anybody who shows another one.
    fn note_old_verification(&mut self) {
        let lines = self.site.server.scope.nearest("ssl_verify_client");
        if let Some(line) = lines.iter().find(|line| line.arg(0) == Some("optional")) {
            self.changes.notes.push(format!(
                "{}: clients that show a certificate of another authority are answered 400; \
                 agents with certificates of this tool are among them until client-mtls is applied",
                self.site.config.shown(&line.at)
            ));
        }
    }

    fn finish(self) -> Result<NginxChanges, Problem> {
        let mut changes = self.changes;
        for (id, edited) in self.editor.finish()? {
            let source = self.site.config.file(id);
            let path: AbsPath = source.path.parse().map_err(|error| {
                Problem::host(format!("{}: {error}", source.path))
            })?;
            let path = resolved(self.facts, path)?;
            let Some(found) = self.facts.file(&path).file() else {
                return Err(Problem::host(format!("{path} is not a regular file")));
            };
            let status =
                if edited.text == source.text { Status::Unchanged } else { Status::Change };
            changes.files.push(FileChange {
                status,
                mode: found.mode,
                owner: found.owner,
                content: Content::Text(edited.text),
                before: Some(found.digest.clone()),
                text_before: Some(source.text.clone()),
                reasons: edited.generated,
                path,
            });
        }
        changes.files.sort_by(|a, b| a.path.cmp(&b.path));
        if let Known::Unclear(why) = &self.facts.nginx {
            changes.notes.push(format!(
                "the version of nginx is not known ({why}); forms that old versions understand are used"
            ));
        }
        Ok(changes)
    }
}

/// A file reached through a symbolic link (`sites-enabled`) is edited where it really is.
fn resolved(facts: &Facts, path: AbsPath) -> Result<AbsPath, Problem> {
    match facts.links.get(&path) {
        Some(target) => target.parse().map_err(|error| Problem::host(format!("{path}: {error}"))),
        None => Ok(path),
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}
