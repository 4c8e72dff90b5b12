//! Names in the `http` block that nginx takes only once, and whose they are.

use super::proxied::After;
use crate::error::Problem;
use crate::nginx::{Directive, flat};
use crate::values::AbsPath;

/// The directives that give something a name; groups of upstreams in whatever letters.
const NAMING: [&str; 2] = ["upstream", "log_format"];

/// Refuses a name of our `files` that somebody else has given already: nginx would not load, and
/// would say of our file that it is to blame.
pub(super) fn refuse(after: &After<'_>, files: &[&AbsPath]) -> Result<(), Problem> {
    let all: Vec<_> = flat(after.http.directive.children())
        .filter(|line| NAMING.contains(&line.name.as_str()))
        .collect();
    let is_ours = |line: &Directive| {
        let path = &after.config.file(line.at.file).path;
        files.iter().any(|file| file.as_str() == path)
    };
    let (ours, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|line| is_ours(line));
    let is_taken = |line: &&&Directive| ours.iter().any(|own| is_same(own, line));
    match others.iter().find(is_taken) {
        None => Ok(()),
        Some(line) => Err(after
            .ui
            .refused(
                line,
                format!(
                    "{} {} is there already, and the servers before the manager need that name",
                    line.name,
                    line.arg(0).unwrap_or_default()
                ),
            )
            .remedy(
                "take it out where nothing else uses it, or give it another name, and plan again",
            )),
    }
}

fn is_same(own: &Directive, other: &Directive) -> bool {
    let (Some(name), Some(others)) = (own.arg(0), other.arg(0)) else {
        return false;
    };
    own.name == other.name
        && match own.name.as_str() {
            "upstream" => name.eq_ignore_ascii_case(others),
            _ => name == others,
        }
}
