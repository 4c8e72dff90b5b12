//! Whatever else decides by a client's certificate must not be opened by asking for certificates
//! without judging them: under `optional_no_ca` anybody can show one that says anything.

use super::bypass::VENDOR_CHECK;
use super::site::{Site, quoted};
use super::template::{CHECK, LISTED};
use crate::error::Problem;
use crate::nginx::{Directive, flat};

const ABOUT_CLIENTS: &str = "$ssl_client_";

/// Refuses a server in which something but the check goes by the certificate.
pub(super) fn refuse(site: &Site<'_>) -> Result<(), Problem> {
    let server = site.server.directive;
    let in_server = flat(server.children()).find_map(goes_by_it);
    // What stands outside holds within, unless a line there takes its place.
    let outside = flat(site.http.directive.children()).filter(|line| line.children().is_empty());
    let found = in_server.or_else(|| outside.into_iter().find_map(goes_by_it));
    let Some(line) = found.or_else(|| map_that_is_used(site, server)) else {
        return Ok(());
    };
    let why = format!(
        "{} goes by the certificate of a client, and while agents are observed nobody would have \
         verified it: whoever makes one up would be believed",
        quoted(line)
    );
    Err(site
        .refused(line, why)
        .remedy("take it out while agents are observed, or choose options.enforce: require"))
}

/// A variable made of a certificate that this server reads, or that another variable is made of.
fn map_that_is_used<'a>(site: &Site<'a>, server: &Directive) -> Option<&'a Directive> {
    const MAPS: [&str; 2] = ["map", "split_clients"];
    let mut about = site.config.all(&MAPS).filter(|line| is_about_clients(line));
    about.find(|line| {
        let made = line.words().last().unwrap_or_default();
        // Our check asks it, and lets everybody through.
        if made == LISTED {
            return false;
        }
        let reads = |other: &Directive| {
            let mut sources = other.words();
            sources.next().is_some_and(|source| source.contains(made))
        };
        mentions(server, made) || site.config.all(&MAPS).any(reads)
    })
}

fn mentions(line: &Directive, variable: &str) -> bool {
    let here = line.words().any(|word| word.contains(variable));
    here || flat(line.children()).any(|line| mentions(line, variable))
}

fn goes_by_it(line: &Directive) -> Option<&Directive> {
    let logs = ["log_format", "access_log", "error_log"];
    let is_check = line.name == "location"
        && line
            .words()
            .any(|word| word == CHECK || word == VENDOR_CHECK);
    if is_check || logs.contains(&line.name.as_str()) {
        return None;
    }
    if is_about_clients(line) && !asks_for_success(line) {
        return Some(line);
    }
    flat(line.children()).find_map(goes_by_it)
}

fn is_about_clients(line: &Directive) -> bool {
    line.words().any(|word| word.contains(ABOUT_CLIENTS))
}

/// Whether it goes by nothing but whether the certificate was verified.
fn asks_for_success(line: &Directive) -> bool {
    let text = line.args.joined();
    let only_verdict =
        text.matches(ABOUT_CLIENTS).count() == text.matches("$ssl_client_verify").count();
    line.name == "if" && only_verdict && text.contains("SUCCESS")
}
