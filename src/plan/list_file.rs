//! Where nginx finds the list of those who are agents.

use super::editor::why;
use super::listed::Listing;
use super::place_for;
use super::step::LEFT;
use super::template::{LISTED, explain};
use super::work::Work;
use crate::error::Problem;
use crate::nginx::{Directive, flat};

const FILE: &str = "nim-tls-listed.conf";

impl Work<'_, '_> {
    /// In a file of its own where nginx reads a folder, else before the server; gives back whether
    /// it changes.
    pub(super) fn list(&mut self, listing: &Listing) -> Result<bool, Problem> {
        let site = self.site;
        let file = explain(&listing.marked_map(), "");
        let own = place_for::folder_of(site.config, site.http.directive, FILE);
        let present = flat(site.http.directive.children()).find(|line| is_list(line));
        let in_own = present.is_none_or(|line| {
            let path = &site.config.file(line.at.file).path;
            own.as_ref()
                .is_some_and(|own| own.as_str() == path.as_str())
        });
        match (own, present) {
            (Some(path), _) if in_own => self.own_file(&path, file),
            (_, Some(found)) if place_for::says(site, found, &file.text) => Ok(false),
            (_, found) => {
                let reason = why("listed-map", "");
                if let Some(found) = found {
                    self.editor.take_out(found, &reason)?;
                }
                let lines: Vec<String> = file.text.lines().map(str::to_owned).collect();
                let server = site.server.directive;
                self.editor.insert_before(server, &lines, &reason)?;
                Ok(true)
            }
        }
    }

    /// What is left of one that nobody asks any more.
    pub(super) fn note_idle_list(&mut self) {
        let site = self.site;
        let found = flat(site.http.directive.children()).find(|line| is_list(line));
        if let Some(line) = found {
            let note = format!(
                "{LEFT}{}: the list of agents is of no use any more: all of their authority's \
                 certificates are agents'",
                site.config.shown(&line.at)
            );
            self.changes.notes.push(note);
        }
    }
}

fn is_list(line: &Directive) -> bool {
    line.name == "map" && line.arg(1) == Some(LISTED)
}
