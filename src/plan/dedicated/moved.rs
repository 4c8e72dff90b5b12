//! The text of locations that go to another file.

use std::collections::BTreeSet;

use super::super::site::Site;
use super::carried::is_to_named_place;
use crate::error::Problem;
use crate::nginx::{Config, Directive, Location, LocationKind, Server, flat};

/// What this program adds to each, and takes out again before it moves one.
const ADDED: [&str; 2] = ["auth_request", "satisfy"];

/// A location as it is written elsewhere.
pub(super) struct Moved {
    /// `path:line`
    pub(super) from: String,
    pub(super) args: String,
    /// What stands in it.
    pub(super) lines: String,
}

/// The locations of agents' calls. They have to stand in the server itself: within another
/// location they would lose what that one says.
pub(super) fn locations(site: &Site<'_>) -> Result<Vec<Moved>, Problem> {
    let mut all = Vec::new();
    for gate in &site.gates {
        let stands_in_server =
            flat(site.server.directive.children()).any(|line| std::ptr::eq(line, gate.directive));
        if !stands_in_server {
            let why = "this location of agents stands within another one, and cannot be moved";
            return Err(site
                .refused(gate.directive, why)
                .remedy("say options: {agent_auth: in-place}"));
        }
        let text = &site.config.file(gate.directive.at.file).text;
        all.push(Moved {
            from: site.config.shown(&gate.directive.at),
            args: text[gate.directive.args_span.range()].to_owned(),
            lines: lines(site.config, gate.directive),
        });
    }
    Ok(all)
}

/// What stands in a block, line by line, without what this program adds.
fn lines(config: &Config, block: &Directive) -> String {
    let Some(inner) = block.block().map(|block| block.inner.range()) else {
        return String::new();
    };
    let text = &config.file(block.at.file).text;
    let mut kept = String::new();
    let mut from = inner.start;
    let added = block.children().iter();
    for line in added.filter(|line| ADDED.contains(&line.name.as_str())) {
        let span = line.at.span.range();
        kept.push_str(&text[from..span.start]);
        from = span.end;
    }
    kept.push_str(&text[from..inner.end]);
    let kept = kept.lines().map(str::trim_end);
    kept.skip_while(|line| line.is_empty())
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// The named locations of the server with the pages to which errors in these, or in the whole of
/// that server, are sent: nginx finds them in the same server only. Each as it is written there.
pub(super) fn named(config: &Config, pages: &Server<'_>, from: &[&Location<'_>]) -> Vec<String> {
    let errors = from.iter().flat_map(|gate| gate.scope.own("error_page"));
    let of_all = flat(pages.directive.children());
    let errors = errors.chain(of_all).filter(|line| is_to_named_place(line));
    let targets: BTreeSet<&str> = errors.filter_map(|page| page.words().last()).collect();
    let is_wanted = |location: &&Location<'_>| {
        location.kind == LocationKind::Named && targets.contains(location.pattern)
    };
    let found = pages.locations().iter().filter(is_wanted);
    found
        .map(|location| {
            let at = &location.directive.at;
            let text = &config.file(at.file).text[at.span.range()];
            let lines = text.lines().map(|line| format!("    {}", line.trim_end()));
            lines.collect::<Vec<_>>().join("\n")
        })
        .collect()
}
