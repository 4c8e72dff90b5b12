//! Everything that changes for nginx: the manager's own file, and files beside it.

use super::bypass;
use super::certificates::Certificates;
use super::file::FileChange;
use super::observing;
use super::session;
use super::site::Site;
use super::template::Judge;
use super::work::{NginxChanges, Work};
use crate::answers::{Answers, Enforce};
use crate::error::Problem;
use crate::facts::Facts;
use crate::method::Method;

/// Given the certificates that will be there.
pub(super) fn plan(
    facts: &Facts,
    answers: &Answers,
    site: &Site<'_>,
    made: &Certificates,
) -> Result<NginxChanges, Problem> {
    site.explicit()?;
    let mut work = Work::new(facts, site);
    if facts.live {
        work.spoken_to_directly()?;
    }
    work.name(answers)?;
    if made.new_server {
        work.certificate(&made.server)?;
    }
    work.profile()?;
    work.http2()?;
    work.security_headers(answers)?;
    work.redirect(answers)?;
    match &made.client_bundle {
        Some(bundle) => {
            let new = made.files.iter().find(|file| file.path == *bundle);
            work.tightened = new.is_some_and(FileChange::changes);
            if let Some(crl) = made.crl() {
                let mut files = made.files.iter();
                let new = files.find(|file| file.path == *crl);
                work.tightened |= new.is_some_and(FileChange::changes);
            }
            bypass::refuse(site, facts.nginx.is().map(|nginx| &nginx.build))?;
            let enforce = answers.enforce;
            if enforce == Enforce::Observe {
                observing::refuse(site)?;
            }
            let listing = made.listing.as_ref();
            let depth = listing.map_or(1, |listing| listing.depth);
            work.verify(bundle, enforce, depth.max(1))?;
            match made.crl() {
                Some(crl) => work.revoked(crl)?,
                None if listing.is_some() => work.none_is_revoked()?,
                None => {}
            }
            work.gates()?;
            work.check_location(Judge::by(enforce, listing.is_some()))?;
            work.log_format()?;
            let other_list = listing.map(|listing| work.list(listing)).transpose()?;
            if listing.is_none() {
                work.note_idle_list();
            }
            if work.tightened {
                let notes = session::forget(&mut work.editor, site, work.other_authority)?;
                work.changes.notes.extend(notes);
            }
            match enforce {
                Enforce::Require if work.tightened || other_list == Some(true) => {
                    work.note_who_is_connected(listing);
                }
                Enforce::Require => {}
                Enforce::Observe => work.note_not_enforced(),
            }
            work.note_code();
        }
        None if answers.method == Method::SslTermination => work.note_old_verification(),
        None => {}
    }
    work.finish()
}
