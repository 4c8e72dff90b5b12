//! A configuration with files in it that are not there yet: how nginx will read it.

use std::collections::BTreeMap;

use super::file::{Content, FileChange};
use crate::error::Problem;
use crate::facts::Facts;
use crate::nginx::Config;
use crate::values::AbsPath;

/// The same configuration with some files empty, or as they will be.
pub(super) fn overlaid(
    config: &Config,
    texts: impl IntoIterator<Item = (AbsPath, String)>,
) -> Result<Config, Problem> {
    let texts: BTreeMap<String, String> = texts
        .into_iter()
        .map(|(path, text)| (path.to_string(), text))
        .collect();
    config
        .overlaid(&texts)
        .map_err(|error| Problem::host(error.to_string()).remedy("nginx -T"))
}

/// Whether it has this file, with this text.
pub(super) fn holds(config: &Config, path: &AbsPath, text: &str) -> bool {
    let found = config.find_file(path.as_str());
    found.is_some_and(|found| **config.file(found).text == *text)
}

/// The texts of files, each by the name under which nginx reads it.
pub(super) fn written<'a>(
    facts: &'a Facts,
    files: &'a [FileChange],
) -> impl Iterator<Item = (AbsPath, String)> + 'a {
    files.iter().flat_map(|file| {
        let text = match &file.content {
            Content::Text(text) => Some(text),
            Content::Issued(_) => None,
        };
        let linked = facts.links.iter();
        let linked = linked.filter(|(_, target)| target.as_str() == file.path.as_str());
        let names = std::iter::once(&file.path).chain(linked.map(|(name, _)| name));
        names.filter_map(move |name| Some((name.clone(), text?.clone())))
    })
}
