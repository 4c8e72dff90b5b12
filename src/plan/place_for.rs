//! Where a file of our own can go so that nginx reads it at the right place, and nowhere else.

use super::naming::literal;
use super::site::Site;
use super::template::LOG_FORMAT;
use crate::error::Problem;
use crate::nginx::{Config, Directive, FileId, flat, glob_match, quote};
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
    let patterns = patterns(site.config);
    includes(site.server.directive)
        .filter_map(|line| picked_up(site.config, line, name))
        .find(|path| readers(&patterns, path) == 1)
}

/// A folder that the `http` block includes by a pattern, read before the server that needs it.
pub(super) fn http_file(site: &Site<'_>, name: &str) -> Spot {
    let patterns = patterns(site.config);
    let is_ours = |line: &&Directive| line.name == "log_format" && line.arg(0) == Some(LOG_FORMAT);
    let defined = flat(site.http.directive.children()).find(is_ours);
    let server = site.server.directive.at.file;
    let before = |line: &Directive, path: &AbsPath| {
        if reads(line, server) {
            // In one folder nginx reads by name.
            path.as_str() < site.config.file(server).path.as_str()
        } else {
            reads_before(site, line, server)
        }
    };
    let file = includes(site.http.directive).find_map(|line| {
        let path = picked_up(site.config, line, name)?;
        (before(line, &path) && readers(&patterns, &path) == 1).then_some(path)
    });
    match (file, defined) {
        (Some(path), None) => Spot::File(path),
        (Some(path), Some(line)) if site.config.file(line.at.file).path == path.as_str() => {
            Spot::File(path)
        }
        (_, Some(_)) => Spot::Present,
        (None, None) => Spot::BeforeServer,
    }
}

/// A folder that a block includes by a pattern, for a file whose order does not matter.
pub(super) fn folder_of(config: &Config, block: &Directive, name: &str) -> Option<AbsPath> {
    let patterns = patterns(config);
    includes(block)
        .filter_map(|line| picked_up(config, line, name))
        .find(|path| readers(&patterns, path) == 1)
}

/// Whether a pattern reads a file of that name by itself.
pub(super) fn is_read(config: &Config, path: &AbsPath) -> bool {
    let patterns = patterns(config).into_iter();
    let mut patterns = patterns.filter(|pattern| pattern.contains(['*', '?', '[']));
    patterns.any(|pattern| glob_match(&pattern, path.as_str()))
}

/// Beside the logs that nginx writes already, so that the folder is there.
pub(super) fn log_file(config: &Config, name: &str) -> AbsPath {
    let mut logs = config.all(&["access_log", "error_log"]);
    let found = logs.find_map(|line| beside(line.arg(0)?, name));
    found.unwrap_or_else(|| {
        let usual = literal("/var/log/nginx");
        usual.join(name).unwrap_or(usual)
    })
}

/// The path of `name` in the folder of a log; not for devices, and not where a variable or a
/// blank would make something else of it.
fn beside(log: &str, name: &str) -> Option<AbsPath> {
    let path: AbsPath = log.parse().ok()?;
    let beside = path.parent().join(name).ok()?;
    let plain = quote(beside.as_str()).is_ok_and(|quoted| quoted == beside.as_str());
    (plain && !path.is_below(&literal("/dev"))).then_some(beside)
}

/// Whether a check that stands in the server is this one.
pub(super) fn says(site: &Site<'_>, found: &Directive, wanted: &str) -> bool {
    let text = &site.config.file(found.at.file).text[found.at.span.range()];
    let words = |text: &str| {
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n")
    };
    words(text) == words(wanted)
}

/// Refuses one that differs from what it has to be.
pub(super) fn same(site: &Site<'_>, found: &Directive, wanted: &str) -> Result<(), Problem> {
    if says(site, found, wanted) {
        return Ok(());
    }
    Err(Problem::host(format!(
        "{}: the check of agents' certificates was changed by hand",
        site.config.shown(&found.at)
    ))
    .remedy("remove this location and apply again"))
}

/// The `include` lines that stand in a block itself.
fn includes(block: &Directive) -> impl Iterator<Item = &Directive> {
    block
        .children()
        .iter()
        .filter(|line| line.name == "include")
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

/// What all `include` lines read, each as often as its own file is read.
fn patterns(config: &Config) -> Vec<String> {
    let lines = config.all(&["include"]);
    lines
        .filter_map(|line| Some(config.resolved(line.arg(0)?)))
        .collect()
}

fn readers(patterns: &[String], path: &AbsPath) -> usize {
    let read = patterns.iter();
    read.filter(|pattern| glob_match(pattern, path.as_str()))
        .count()
}

fn reads(include: &Directive, file: FileId) -> bool {
    include.included().iter().any(|read| read.file == file)
}

/// Whether the server comes after an `include` of the same block.
fn reads_before(site: &Site<'_>, include: &Directive, server: FileId) -> bool {
    let lines = site.http.directive.children().iter();
    let mut after = lines.skip_while(|line| line.at != include.at).skip(1);
    after.any(|line| line.at == site.server.directive.at || reads_deep(line, server))
}

fn reads_deep(line: &Directive, file: FileId) -> bool {
    line.included()
        .iter()
        .any(|read| read.file == file || read.children.iter().any(|line| reads_deep(line, file)))
}
