//! Where the server for agents goes that works below HTTP: into a folder that a `stream` block
//! reads. Where there is none, the main file gets the line that reads it.

use std::ops::Range;

use super::super::editor::{Editor, why};
use super::super::file::{Content, FileChange, Reason};
use super::super::naming::literal;
use super::super::place_for;
use super::super::work::{NginxChanges, edited_file};
use crate::error::Problem;
use crate::facts::{Build, Facts, Family};
use crate::nginx::{Config, Directive, Edited, FileId};
use crate::values::AbsPath;

const FILE: &str = "nginx-grpc-stream.conf";
const FOLDER: &str = "stream.conf.d";

/// The file, where nginx reads it or would read it.
pub(super) fn path(config: &Config) -> AbsPath {
    let read = blocks(config).find_map(|block| place_for::folder_of(config, block, FILE));
    read.unwrap_or_else(|| {
        let usual = config.resolved(&format!("{FOLDER}/{FILE}")).parse();
        usual.unwrap_or_else(|_| literal("/etc/nginx/stream.conf.d/nginx-grpc-stream.conf"))
    })
}

fn blocks(config: &Config) -> impl Iterator<Item = &Directive> {
    config.top().filter(|block| block.name == "stream")
}

/// A file of somebody else's with a line more.
pub(super) type Include = (FileId, Edited<Reason>);

/// The main file, or the one in which the block is, so that nginx reads `path`; none where it does
/// already.
pub(super) fn include(config: &Config, path: &AbsPath) -> Result<Option<Include>, Problem> {
    if blocks(config).any(|block| place_for::folder_of(config, block, FILE).is_some()) {
        return Ok(None);
    }
    if place_for::is_read(config, path) {
        return Err(Problem::host(format!(
            "{} is read already, and not by a stream block",
            path.parent()
        ))
        .remedy("say options: {grpc_context: http}"));
    }
    let reason = why("stream-include", "");
    let line = format!("include {}/*.conf;", path.parent());
    let mut editor = Editor::new(config);
    match (blocks(config).next(), config.main.last()) {
        (Some(block), _) => editor.insert_at_end(block, &[line], &reason)?,
        (None, Some(last)) => {
            let block = ["stream {".to_owned(), format!("    {line}"), "}".to_owned()];
            editor.insert_after(last, &block, &reason)?;
        }
        (None, None) => {
            return Err(Problem::host("the main file of nginx is empty").remedy("nginx -T"));
        }
    }
    Ok(editor.finish()?.pop())
}

/// Among the files to be placed. One that is edited besides was edited with the line in it.
pub(super) fn place(
    facts: &Facts,
    config: &Config,
    (file, edited): Include,
    configured: &mut NginxChanges,
) -> Result<(), Problem> {
    let change = edited_file(facts, config.file(file), edited)?;
    let mut files = configured.files.iter_mut();
    match files.find(|other| other.path == change.path) {
        None => configured.files.push(change),
        Some(other) => {
            let found = reasons_in(other, &change);
            other.reasons.extend(found);
            other.status = change.status;
            other.text_before = change.text_before;
        }
    }
    Ok(())
}

/// Why the lines of an edit are there, once further edits have moved them.
fn reasons_in(now: &FileChange, edit: &FileChange) -> Vec<(Range<u32>, Reason)> {
    let (Content::Text(now), Content::Text(edited)) = (&now.content, &edit.content) else {
        return Vec::new();
    };
    let lines: Vec<&str> = edited.split_inclusive('\n').collect();
    let moved = |(range, reason): &(Range<u32>, Reason)| {
        let written = lines.get(range.start as usize - 1..range.end as usize - 1)?;
        let before = now.split_once(&written.concat())?.0;
        let start = u32::try_from(before.lines().count()).ok()? + 1;
        let end = start + (range.end - range.start);
        Some((start..end, reason.clone()))
    };
    edit.reasons.iter().filter_map(moved).collect()
}

/// The first nginx that can tell agents in a stream that it speaks HTTP/2 (its change log).
const KNOWS_ALPN: (u16, u16, u16) = (1, 21, 4);

/// What this nginx has to have for it. `ends_tls`: it is not only to pass bytes on.
pub(super) fn fits(facts: &Facts, config: &Config, ends_tls: bool) -> Result<(), Problem> {
    let Some(nginx) = facts.nginx.is() else {
        return Ok(());
    };
    let build = &nginx.build;
    let other = "say options: {grpc_context: http}";
    if !build.has("--with-stream") {
        return Err(
            Problem::host(format!("{build} was built without --with-stream")).remedy(other),
        );
    }
    let loads = |line: &Directive| {
        let module = line.arg(0).unwrap_or_default();
        line.name == "load_module" && module.ends_with("ngx_stream_module.so")
    };
    if is_dynamic(build) && !config.top().any(loads) {
        let family = facts.os.is().map(|os| os.family);
        return Err(Problem::host(
            "this nginx has stream as a module of its own, which its configuration does not load",
        )
        .remedy(match family {
            Some(Family::Debian) => "apt-get install libnginx-mod-stream && systemctl reload nginx",
            Some(Family::RedHat) => "dnf install nginx-mod-stream && systemctl reload nginx",
            _ => "put this first into the main file: load_module modules/ngx_stream_module.so;",
        }));
    }
    if !ends_tls {
        return Ok(());
    }
    if !build.has("--with-stream_ssl_module") {
        let option = "--with-stream_ssl_module";
        return Err(Problem::host(format!("{build} was built without {option}")).remedy(other));
    }
    if build.version < KNOWS_ALPN {
        return Err(Problem::host(format!(
            "{build} cannot say in a stream that it speaks HTTP/2, and agents hang up on whoever \
             does not: nginx has ssl_alpn from 1.21.4 on"
        ))
        .remedy(other));
    }
    Ok(())
}

fn is_dynamic(build: &Build) -> bool {
    build
        .options
        .iter()
        .any(|option| option == "--with-stream=dynamic")
}
