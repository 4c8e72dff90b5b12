//! Whatever else decides by a client's certificate must not be opened by asking for certificates
//! without judging them: under `optional_no_ca` anybody can show one that says anything.

use super::bypass::VENDOR_CHECK;
use super::site::{Site, quoted};
use super::template::CHECK;
use crate::error::Problem;
use crate::nginx::{Directive, flat};

const ABOUT_CLIENTS: &str = "$ssl_client_";

/// Refuses a server in which something but the check goes by the certificate.
pub(super) fn refuse(site: &Site<'_>) -> Result<(), Problem> {
    let maps = site.config.all(&["map", "geo", "split_clients"]);
    let others = maps.filter(|line| is_about_clients(line) && !asks_for_success(line));
    let in_server = flat(site.server.directive.children()).find_map(goes_by_it);
    let Some(line) = in_server.or(others.into_iter().next()) else {
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
