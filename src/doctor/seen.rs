//! What was seen, as evidence.

use super::finding::Evidence;
use crate::nginx::{Bound, Config, Place, Server};
use crate::values::{escaped, masked, masked_lines};

/// A line of nginx's configuration.
pub(super) fn at(config: &Config, place: &Place) -> Evidence {
    let file = config.file(place.file);
    let line = (place.line as usize).saturating_sub(1);
    let text = masked_lines(&file.text).nth(line);
    Evidence {
        file: escaped(&file.path),
        line: Some(place.line.into()),
        text: escaped(text.unwrap_or_default().trim()),
    }
}

/// The `listen` line by which a server takes connections at a socket; else where it begins.
pub(super) fn listen_at(config: &Config, bound: &Bound<'_, '_>, server: &Server<'_>) -> Evidence {
    let mut listens = server.listens.iter();
    let port = bound.socket.port;
    let line = listens.find(|one| (one.port..=one.last_port).contains(&port));
    at(
        config,
        &line.map_or(server.directive.at, |line| line.directive.at),
    )
}

/// A file as a whole, and what is to be said of it.
pub(super) fn of_file(path: impl std::fmt::Display, words: impl AsRef<str>) -> Evidence {
    Evidence {
        file: escaped(&path.to_string()),
        line: None,
        text: escaped(&masked(words.as_ref())),
    }
}

/// The same evidence twice says nothing more.
pub(super) fn add(seen: &mut Vec<Evidence>, evidence: Evidence) {
    if !seen.contains(&evidence) {
        seen.push(evidence);
    }
}
