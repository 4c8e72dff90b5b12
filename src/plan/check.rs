//! The check of agents' certificates: asked for by nginx, judged in a location of our own.

use super::clients_today::{ClientsToday, clients_today};
use super::cut_off;
use super::editor::why;
use super::listed::Listing;
use super::place_for::{self, Spot};
use super::template::{self, CHECK, Explained, Judge};
use super::work::Work;
use crate::answers::Enforce;
use crate::error::Problem;
use crate::nginx::{Directive, Location, LocationKind, flat};
use crate::values::AbsPath;

impl<'e> Work<'_, 'e> {
    /// Every client is asked for a certificate of ours, and may have none; where nobody is to be
    /// refused, one of somebody else's too.
    pub(super) fn verify(
        &mut self,
        bundle: &AbsPath,
        enforce: Enforce,
        depth: usize,
    ) -> Result<(), Problem> {
        let block = self.site.server.directive;
        let now = |name: &str| self.site.server.scope.value(name).unwrap_or("");
        let (authority, mode) = (now("ssl_client_certificate"), now("ssl_verify_client"));
        let (wanted, id) = match enforce {
            Enforce::Require => ("optional", "verify-optional"),
            Enforce::Observe => ("optional_no_ca", "verify-observe"),
        };
        let same_authority = self.site.config.resolved(authority) == bundle.as_str();
        let requires = enforce == Enforce::Require;
        if requires && !same_authority && !matches!(mode, "" | "off") {
            self.changes.notes.push(format!(
                "clients are verified against {bundle} instead of {authority}: whoever shows a \
                 certificate of another authority, to the UI too, is answered 400"
            ));
        }
        if !same_authority || mode != wanted {
            self.tightened = true;
        }
        // Where clients are not asked, nginx does not read the authority either.
        self.other_authority = !same_authority || matches!(mode, "" | "off");
        // Without the line, nginx goes one authority deep.
        let is_shallow = now("ssl_verify_depth").parse().unwrap_or(1) < depth;
        let ca = why("client-ca", bundle);
        let anchor = "ssl_certificate_key";
        self.editor.set(
            block,
            "ssl_client_certificate",
            bundle.as_str(),
            &ca,
            anchor,
        )?;
        let asks = why(id, "");
        let anchor = beside(block, &["ssl_client_certificate", anchor]);
        self.editor
            .set(block, "ssl_verify_client", wanted, &asks, anchor)?;
        if is_shallow {
            let depth = depth.to_string();
            let reason = why("verify-depth", &depth);
            let anchor = "ssl_verify_client";
            self.editor
                .set(block, "ssl_verify_depth", &depth, &reason, anchor)?;
        }
        Ok(())
    }

    /// Whoever has a certificate on this list is refused.
    pub(super) fn revoked(&mut self, list: &AbsPath) -> Result<(), Problem> {
        let block = self.site.server.directive;
        let now = self.site.server.scope.value("ssl_crl").unwrap_or("");
        if self.site.config.resolved(now) != list.as_str() {
            self.tightened = true;
        }
        let reason = why("client-crl", list);
        // Of those about clients one may be a comment still.
        let anchor = beside(block, &["ssl_client_certificate", "ssl_verify_client"]);
        self.editor
            .set(block, "ssl_crl", list.as_str(), &reason, anchor)
    }

    /// A list of the authority that was ours would have nginx refuse everybody of another one.
    pub(super) fn none_is_revoked(&mut self) -> Result<(), Problem> {
        let block = self.site.server.directive;
        let mut lines = flat(block.children());
        match lines.find(|line| line.name == "ssl_crl") {
            Some(line) => self.editor.take_out(line, &why("no-crl", "")),
            None => Ok(()),
        }
    }

    /// Calls of agents have to pass the check.
    pub(super) fn gates(&mut self) -> Result<(), Problem> {
        let ask = why("auth-request", CHECK);
        let all = why("satisfy-all", "");
        for gate in &self.site.gates {
            let block: &'e Directive = gate.directive;
            let own = |name: &str| {
                let line = flat(block.children()).find(|line| line.name == name);
                line.and_then(|line| line.arg(0))
            };
            if own("auth_request") != Some(CHECK) || own("satisfy") != Some("all") {
                self.tightened = true;
            }
            self.editor
                .set(block, "auth_request", CHECK, &ask, "auth_request")?;
            self.editor
                .set(block, "satisfy", "all", &all, "auth_request")?;
        }
        Ok(())
    }

    /// The check goes into a file of its own where the server includes a folder, else into the
    /// server itself.
    pub(super) fn check_location(&mut self, judge: Judge) -> Result<(), Problem> {
        let log = place_for::log_file(self.site.config, "nim-tls-agents.log");
        let file = template::check_location(&log, judge);
        let server = self.site.server;
        let is_check =
            |found: &&Location<'_>| found.kind == LocationKind::Exact && found.pattern == CHECK;
        let present = server.locations().iter().find(is_check);
        let own = place_for::location_file(self.site, "nim-tls-agents.conf");
        match (own, present) {
            (Some(path), None) => self.judged_by(&path, file),
            (Some(path), Some(found)) if self.stands_in(found.directive, &path) => {
                self.judged_by(&path, file)
            }
            (_, Some(found)) if place_for::says(self.site, found.directive, &file.text) => Ok(()),
            // It may be as this program wrote it for another way of judging.
            (_, Some(found)) => {
                let texts = Judge::ALL.map(|other| template::check_location(&log, other).text);
                let is_ours = |text: &String| place_for::says(self.site, found.directive, text);
                if !texts.iter().any(is_ours) {
                    place_for::same(self.site, found.directive, &file.text)?;
                }
                let reason = why("check-location", CHECK);
                self.editor.take_out(found.directive, &reason)?;
                self.written_out(&file)
            }
            (None, None) => self.written_out(&file),
        }
    }

    fn written_out(&mut self, file: &Explained) -> Result<(), Problem> {
        self.tightened = true;
        let reason = why("check-location", CHECK);
        let server = self.site.server.directive;
        self.editor
            .insert_at_end(server, &lines(&file.text), &reason)
    }

    fn judged_by(&mut self, path: &AbsPath, file: Explained) -> Result<(), Problem> {
        self.tightened |= self.own_file(path, file)?;
        Ok(())
    }

    fn stands_in(&self, directive: &Directive, path: &AbsPath) -> bool {
        self.site.config.file(directive.at.file).path == path.as_str()
    }

    pub(super) fn log_format(&mut self) -> Result<(), Problem> {
        let file = template::log_format();
        match place_for::http_file(self.site, "nim-tls-log.conf") {
            Spot::File(path) => self.judged_by(&path, file),
            Spot::Present => Ok(()),
            Spot::BeforeServer => {
                let reason = why("agent-log-format", "");
                let server = self.site.server.directive;
                self.editor
                    .insert_before(server, &lines(&file.text), &reason)
            }
        }
    }

    /// A file of the shape of NIM 2.21 asks for certificates of the vendor's authority and
    /// answers 400 to anybody who shows another one.
    pub(super) fn note_old_verification(&mut self) {
        let scope = &self.site.server.scope;
        let authority = scope.value("ssl_client_certificate").unwrap_or_default();
        let authority = self.site.config.resolved(authority).parse::<AbsPath>();
        let ours = authority.is_ok_and(|path| {
            let found = self.facts.file(&path).file();
            found.is_some_and(|found| found.ours)
        });
        let lines = scope.nearest("ssl_verify_client");
        let asks = lines.iter().find(|line| line.arg(0) == Some("optional"));
        if let Some(line) = asks.filter(|_| !ours) {
            self.changes.notes.push(format!(
                "{}: clients that show a certificate of another authority are answered 400; \
                 agents with certificates of this tool are among them until client-mtls is applied",
                self.site.config.shown(&line.at)
            ));
        }
    }

    /// Before all other notes.
    pub(super) fn note_not_enforced(&mut self) {
        let build = self.facts.nginx.is().map(|nginx| &nginx.build);
        if let (ClientsToday::Enforced, line) = clients_today(self.site, build) {
            self.changes.notes.insert(
                0,
                format!(
                    "{}: agents without a certificate are refused here today, and will be let in",
                    self.site.config.shown(&line.at)
                ),
            );
        }
        let note = "NOT ENFORCED: agents' certificates are asked for, judged and logged, and nobody \
                    is refused for having none, or one of another authority; nginx itself may \
                    answer 400 to one that has expired or was made for another purpose. nim-tls \
                    agents lists who is ready; options.enforce: require refuses all others";
        self.changes.notes.insert(0, note.to_owned());
    }

    /// Nobody is cut off unawares.
    pub(super) fn note_who_is_connected(&mut self, listing: Option<&Listing>) {
        let notes = cut_off::notes(self.facts, self.site.port, listing);
        self.changes.notes.splice(0..0, notes);
    }

    /// What code in the server does is beyond the reach of a plan.
    pub(super) fn note_code(&mut self) {
        let is_code = |line: &&Directive| {
            let name = line.name.as_str();
            name.starts_with("js_") || name.starts_with("perl") || name.contains("_by_lua")
        };
        let mut open: Vec<&Directive> = vec![self.site.server.directive];
        while let Some(line) = open.pop() {
            if is_code(&line) {
                self.changes.notes.push(format!(
                    "{}: what this code asks of nginx could not be followed",
                    self.site.config.shown(&line.at)
                ));
                return;
            }
            open.extend(flat(line.children()));
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// The first of these that the block has in its own file.
fn beside<'n>(block: &Directive, names: &[&'n str]) -> &'n str {
    let mut names = names.iter().copied();
    let found = names.find(|name| block.children().iter().any(|line| line.name == *name));
    found.unwrap_or_default()
}
