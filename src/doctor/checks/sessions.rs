//! TLS sessions that servers share although they do not ask the same of clients.

use super::super::finding::{Evidence, Finding, Severity};
use super::super::seen::{add, at};
use super::ground::{Ground, with_tls};
use crate::nginx::{Directive, Server};

/// From these on nginx refuses to take up a session of another server (CVE-2025-23419).
const REFUSED_SINCE: [(u16, u16, u16); 2] = [(1, 26, 3), (1, 27, 4)];

pub(super) fn findings(ground: &Ground<'_>) -> Vec<Finding> {
    let Some((config, http)) = ground.http() else {
        return Vec::new();
    };
    let managers = &ground.before_manager().servers;
    let mut seen: Vec<Evidence> = Vec::new();
    for server in with_tls(&http) {
        if !managers.contains(&server.directive.at) || !asks(server) {
            continue;
        }
        for other in with_tls(&http).filter(|other| !asks(other)) {
            let own = zones(server);
            let theirs = zones(other);
            for (line, name) in &own {
                let same = theirs.iter().find(|(_, other)| other == name);
                let Some((shared, _)) = same else {
                    continue;
                };
                add(&mut seen, at(config, &line.at));
                add(&mut seen, at(config, &shared.at));
            }
        }
    }
    let finding = ground.where_seen("session-cache-shared", seen);
    let told = finding.map(|finding| {
        if is_refused(ground) {
            finding.weighed_as(Severity::Warning)
        } else {
            finding
        }
    });
    told.into_iter().collect()
}

fn is_refused(ground: &Ground<'_>) -> bool {
    let nginx = ground.facts.nginx.is();
    nginx.is_some_and(|nginx| {
        let version = nginx.build.version;
        let [stable, mainline] = REFUSED_SINCE;
        version >= mainline || (version >= stable && version.1 == stable.1)
    })
}

fn asks(server: &Server<'_>) -> bool {
    !matches!(server.scope.value("ssl_verify_client"), None | Some("off"))
}

/// The caches that it shares with whoever names them too.
fn zones<'a>(server: &Server<'a>) -> Vec<(&'a Directive, &'a str)> {
    let lines = server.scope.nearest("ssl_session_cache").into_iter();
    let named = lines.flat_map(|line| line.words().map(move |word| (line, word)));
    named
        .filter_map(|(line, word)| {
            let zone = word.strip_prefix("shared:")?;
            Some((line, zone.split(':').next()?))
        })
        .collect()
}
