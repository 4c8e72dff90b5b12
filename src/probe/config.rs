//! The configuration that nginx would load, checked against what nginx itself reads.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::reader::Reader;
use crate::facts::Known;
use crate::host::Kind;
use crate::nginx::{Config, Files, SourceFile, expand};
use crate::values::{Gather as _, path_word};

/// A file that nginx would wait for, opening it: no program is to be asked to read it. In words,
/// the path first.
pub(super) fn endless(
    reader: &Reader<'_>,
    main: &Known<String>,
    config: &Known<Config>,
) -> Option<String> {
    const READ_TOO: [&str; 6] = [
        "ssl_certificate",
        "ssl_certificate_key",
        "ssl_client_certificate",
        "ssl_trusted_certificate",
        "ssl_crl",
        "ssl_dhparam",
    ];
    let mut found: Vec<String> = Vec::new();
    match config {
        Known::Is(config) => {
            let paths = referred(config, &READ_TOO).into_iter();
            found.extend(paths.map(|path| config.resolved(path)));
        }
        // It was not read to its end; what was met on the way is asked for again.
        Known::Absent | Known::Unclear(_) => {
            let met = OnHost(reader, RefCell::default());
            let main = main.is()?;
            let _ = Config::load(main, &met);
            found.push(main.clone());
            found.extend(met.1.into_inner());
        }
    }
    let host = reader.host();
    found.into_iter().find(|path| {
        let real = host.real_path(Path::new(path)).ok().flatten();
        let stat = real.and_then(|real| host.stat(&real).ok().flatten());
        stat.is_some_and(|stat| stat.kind == Kind::Special)
    })
}

/// The configuration as we read it.
pub(super) fn look(reader: &Reader<'_>, main: &Known<String>) -> Known<Config> {
    let main = match main {
        Known::Is(main) => main,
        Known::Absent => return Known::Absent,
        Known::Unclear(why) => return Known::Unclear(why.clone()),
    };
    match reader.read(Path::new(main)) {
        Ok(Some(_)) => {}
        Ok(None) => return Known::Absent,
        Err(why) => return Known::Unclear(why),
    }
    match Config::load(main, &OnHost(reader, RefCell::default())) {
        Ok(config) => Known::Is(config),
        Err(error) => Known::Unclear(error.to_string()),
    }
}

/// The same, if `dump` (what `nginx -T` printed) agrees. A file that nginx read and we did not,
/// or the other way round, would make every conclusion from the configuration a guess.
pub(super) fn checked(
    reader: &Reader<'_>,
    config: Known<Config>,
    dump: Option<&[u8]>,
) -> Known<Config> {
    match (config, dump) {
        (Known::Is(config), Some(dump)) => match compare(reader, &config, dump) {
            Ok(()) => Known::Is(config),
            Err(why) => Known::Unclear(why),
        },
        (config, _) => config,
    }
}

/// With what was read.
struct OnHost<'a>(&'a Reader<'a>, RefCell<Vec<String>>);

impl Files for OnHost<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.1.borrow_mut().push(path.to_owned());
        self.0
            .pass_on(Path::new(path))?
            .ok_or_else(|| "there is no such file".to_owned())
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        let host = self.0.host();
        let exists = |path: &str| matches!(host.stat(Path::new(path)), Ok(Some(_)));
        let found = expand(pattern, &|folder| self.0.names(Path::new(folder)), &exists)?;
        // nginx reads such a file, and what it prints of it cannot be followed.
        let odd =
            |path: &&String| path.contains('\n') || path.contains('\u{fffd}') && !exists(path);
        match found.iter().find(odd) {
            None => Ok(found),
            Some(path) => {
                let folder = path_word(path.rsplit_once('/').map_or("/", |(folder, _)| folder));
                Err(format!(
                    "a name in {folder} is no line of text; find it, and give the file another: ls -lb {folder}"
                ))
            }
        }
    }
}

/// Walks through the dump file by file. Each must be one of ours with the bytes we have, so a
/// headline inside a file's text cannot be taken for the next file.
fn compare(reader: &Reader<'_>, config: &Config, dump: &[u8]) -> Result<(), String> {
    const HEADLINE: &[u8] = b"# configuration file ";
    // Components are compared, so `//` and `/./` make no difference.
    let known: BTreeMap<&Path, &SourceFile> = config
        .files
        .iter()
        .map(|file| (Path::new(&file.path), file))
        .gathered();
    let mut left: BTreeSet<&Path> = known.keys().copied().gathered();
    let mut rest = dump;
    while !rest.is_empty() {
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let named = line
            .strip_prefix(HEADLINE)
            .and_then(|name| name.strip_suffix(b":"));
        let named = named
            .and_then(|name| std::str::from_utf8(name).ok())
            .map(Path::new);
        let Some(path) = named else {
            return Err("what nginx -T prints could not be followed".to_owned());
        };
        let Some(file) = known.get(path) else {
            return Err(format!(
                "nginx also reads {}, for a reason unknown",
                path.display()
            ));
        };
        left.remove(path);
        let read; // text that is not UTF-8 was made so
        let bytes = if file.exact {
            file.text.as_bytes()
        } else {
            read = reader.read(path)?;
            read.as_ref().map_or(&[][..], |bytes| bytes.as_slice())
        };
        rest = rest
            .get(line.len() + 1..)
            .and_then(|rest| rest.strip_prefix(bytes)?.strip_prefix(b"\n"))
            .ok_or_else(|| format!("{} has changed while it was looked at", path.display()))?;
    }
    match left.first() {
        Some(path) => Err(format!(
            "nginx does not read {}, though it is included",
            path.display()
        )),
        None => Ok(()),
    }
}

/// The files that directives of this name refer to, anywhere in the configuration.
pub(super) fn referred<'a>(config: &'a Config, names: &'a [&'a str]) -> Vec<&'a str> {
    let lines = config.all(names);
    let found: BTreeSet<&str> = lines.filter_map(|line| line.arg(0)).gathered();
    found.into_iter().collect()
}
