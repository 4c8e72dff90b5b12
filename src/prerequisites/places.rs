//! Whether the files of a plan could be placed, as far as that is known before there are answers.

use super::check::{Check, about};
use crate::facts::{Facts, FileFact, Generation};
use crate::method::generation_of;
use crate::plan;
use crate::values::{AbsPath, with_command};

/// Where a plan places files in any case.
const OF_NIM1: [&str; 3] = [
    "/etc/ssl/nginx-manager/nginx-manager.crt",
    "/etc/ssl/nginx-manager/nginx-manager.key",
    "/etc/nginx/conf.d/nginx-manager-grpc.conf",
];
const OF_NIM2: [&str; 3] = [
    "/etc/nms/certs/server.crt",
    "/etc/nms/certs/server.key",
    "/etc/nms/certs/nim-tls-ca.pem",
];

pub(super) fn places(facts: &Facts) -> Check {
    let subject = about("places", "places to write to");
    if facts.live && !facts.root {
        return subject.unknown("only root can tell");
    }
    let mut found: Vec<String> = Vec::new();
    for (path, why) in places_of(facts)
        .iter()
        .filter_map(|path| obstacle(facts, path))
    {
        // Of what stands in the way of a whole folder, one file says enough.
        if !found.iter().any(|other| other.ends_with(&why)) {
            found.push(format!("{path}: {why}"));
        }
    }
    let Some(first) = found.first() else {
        return subject.ok("nothing stands in the way of files");
    };
    let (what, command) = with_command(first);
    let what = match found.len() {
        1 => what.to_owned(),
        count => format!("{what}; and {} more", count - 1),
    };
    let remedy = command.map_or_else(|| look_at(first), str::to_owned);
    subject.failed(what, remedy)
}

fn look_at(found: &str) -> String {
    let path = found.split(": ").next().unwrap_or_default();
    format!("ls -ld {path}")
}

fn places_of(facts: &Facts) -> Vec<AbsPath> {
    let usual = match generation_of(facts) {
        Generation::Nim1 => OF_NIM1,
        Generation::Nim2 => OF_NIM2,
    };
    let mut texts = usual.map(str::to_owned).to_vec();
    let state = &facts.state.folder;
    texts.push(format!("{state}/ca/root.crt"));
    if let Some(store) = facts.trust_store.is() {
        texts.push(format!("{}/{}", store.anchors, store.file));
    }
    let mut paths: Vec<AbsPath> = texts.iter().filter_map(|text| text.parse().ok()).collect();
    paths.extend(plan::file_of_server(facts));
    paths
}

/// What keeps a file from being placed there; a name that others have taken is no obstacle,
/// because a plan takes another one.
fn obstacle<'a>(facts: &Facts, path: &'a AbsPath) -> Option<(&'a AbsPath, String)> {
    let edited = plan::file_of_server(facts).as_ref() == Some(path);
    let why = match facts.file(path) {
        FileFact::Nothing { obstacle } => obstacle.clone(),
        FileFact::File(file) if file.ours || edited => file.obstacle.clone(),
        FileFact::File(_) | FileFact::NotAFile(_) => None,
        FileFact::Unclear(why) => Some(why.clone()),
    };
    why.map(|why| (path, why))
}
