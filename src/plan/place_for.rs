//! Where a file of our own can go so that nginx reads it at the right place, and nowhere else.

use super::naming::literal;
use super::site::Site;
use crate::error::Problem;
use crate::nginx::{Config, Directive, FileId, flat, glob_match};
use crate::values::AbsPath;

/// Where the log format goes.
pub(super) enum Spot {
    File(AbsPath),
    /// It stands in a file that is not ours already.
    Present,
    BeforeServer,
}

/// A folder of locations that this server, and nothing else, includes by a pattern.
pub(super) fn location_file(site: &Site<'_>, name: &str) -> Option<AbsPath> {
    site.server
        .directive
        .children()
        .iter()
        .filter(|line| line.name == "include")
        .filter_map(|line| picked_up(site.config, line, name))
        .find(|path| readers(site.config, path) == 1)
}

/// A folder that the `http` block includes by a pattern, read before the server that needs it.
pub(super) fn http_file(site: &Site<'_>, name: &str) -> Spot {
    let defined = flat(site.http.directive.children())
        .find(|line| line.name == "log_format" && line.arg(0) == Some("nim_tls_agents"));
    let server = site.server.directive.at.file;
    for line in site.http.directive.children().iter().filter(|line| line.name == "include") {
        let Some(path) = picked_up(site.config, line, name) else { continue };
        let read: Vec<FileId> = included(line);
        let before = match read.contains(&server) {
            // In one folder nginx reads by name.
            true => path.as_str() < site.config.file(server).path.as_str(),
            false => reads_before(site, line, server),
        };
        if before && readers(site.config, &path) == 1 {
            return Spot::File(path);
        }
    }
    if defined.is_some() { Spot::Present } else { Spot::BeforeServer }
}

/// Beside the logs that nginx writes already, so that the folder is there.
pub(super) fn log_file(config: &Config, name: &str) -> AbsPath {
    let mut open: Vec<&Directive> = config.top().collect();
    open.reverse();
    while let Some(line) = open.pop() {
        if matches!(line.name.as_str(), "access_log" | "error_log")
            && let Some(path) = line.arg(0).and_then(|path| path.parse::<AbsPath>().ok())
            && !path.is_below(&literal("/dev"))
            && let Ok(log) = path.parent().join(name)
        {
            return log;
        }
        let children: Vec<&Directive> = flat(line.children()).collect();
        open.extend(children.into_iter().rev());
    }
    literal("/var/log/nginx").join(name).unwrap_or_else(|_| literal("/var/log/nginx/agents.log"))
}

/// Refuses a check that stands in the server and differs from what it has to be.
pub(super) fn same(site: &Site<'_>, found: &Directive, wanted: &str) -> Result<(), Problem> {
    let text = &site.config.file(found.at.file).text[found.at.span.clone()];
    let words = |text: &str| {
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    };
    if words(text) == words(wanted) {
        Ok(())
    } else {
        Err(Problem::host(format!(
            "{}: the check of agents' certificates was changed by hand",
            site.config.shown(&found.at)
        ))
        .remedy("remove this location and apply again"))
    }
}

/// `folder/name`, if an `include` would read a file of that name.
fn picked_up(config: &Config, include: &Directive, name: &str) -> Option<AbsPath> {
    let pattern = config.resolved(include.arg(0)?);
    let (folder, last) = pattern.rsplit_once('/')?;
    let wild = |text: &str| text.contains(['*', '?', '[']);
    if wild(folder) || !wild(last) {
        return None;
    }
    let path = format!("{folder}/{name}");
    glob_match(&pattern, &path).then(|| path.parse().ok())?
}

/// How many `include` lines, each counted as often as its own file is read, would read `path`.
fn readers(config: &Config, path: &AbsPath) -> usize {
    let mut count = 0;
    let mut open: Vec<&Directive> = config.main.iter().collect();
    while let Some(line) = open.pop() {
        open.extend(line.children());
        if line.name == "include" {
            let reads = line
                .arg(0)
                .is_some_and(|arg| glob_match(&config.resolved(arg), path.as_str()));
            count += usize::from(reads);
            for read in line.included() {
                open.extend(&read.children);
            }
        }
    }
    count
}

fn included(include: &Directive) -> Vec<FileId> {
    include.included().iter().map(|read| read.file).collect()
}

fn reads_before(site: &Site<'_>, include: &Directive, server: FileId) -> bool {
    let mut lines = site.http.directive.children().iter();
    let mut seen = false;
    lines.any(|line| {
        seen |= line.at == include.at;
        let holds = line.at == site.server.directive.at
            || (line.name == "include" && included(line).contains(&server));
        holds && seen && line.at != include.at
    })
}
