//! The weaker test, where no private namespace can be had: a copy of the whole configuration
//! with the planned files in it, every path that leads to one of them rewritten. It sees syntax
//! errors and keys that do not fit; it does not see what only happens at the real paths.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::host::{Command, Host, HostError, Kind, Output};
use crate::nginx::{Config, Files, TokenKind, glob_match, has_wildcard, tokens, unquoted};
use crate::plan::NginxCommand;
use crate::values::{AbsPath, Attributes, Gather as _, sort_by};

use super::StageError;
use super::spec::{Laid, Spec};

const MOST_BYTES: u64 = 8 << 20;
const MOST_MATCHES: usize = 10_000;

pub(super) fn test_rewritten(
    host: &dyn Host,
    nginx: &NginxCommand,
    spec: &Spec,
    scratch: &Path,
) -> Result<Output, StageError> {
    let main = main_file(nginx)?;
    let copy = Copy {
        host,
        scratch,
        folder: Path::new(&main)
            .parent()
            .unwrap_or(Path::new("/"))
            .to_owned(),
        gone: &spec.head.gone,
        planned: spec
            .files
            .iter()
            .map(|file| (file.path.to_string(), file))
            .gathered(),
    };
    let result = copy.write(&main).and_then(|()| {
        let main = copy.at(&main);
        let args = with_main(&nginx.args, &main.to_string_lossy());
        let args: Vec<&str> = args.iter().map(String::as_str).chain(["-t"]).collect();
        let command = Command::new(&nginx.binary, &args);
        Ok(host.run(&Command {
            timeout: super::PATIENCE,
            ..command
        })?)
    });
    // It holds keys, so it goes whatever came of it.
    remove_all(host, scratch)?;
    let mut output = result?;
    output.stderr = output
        .err()
        .replace(&*scratch.to_string_lossy(), "")
        .into_bytes();
    Ok(output)
}

fn main_file(nginx: &NginxCommand) -> Result<String, StageError> {
    if let Some(main) = nginx.main.as_ref().filter(|main| main.starts_with('/')) {
        return Ok(main.clone());
    }
    let value = |option: &str| {
        let at = nginx.args.iter().position(|arg| arg == option)?;
        nginx.args.get(at + 1).cloned()
    };
    let main = value("-c").map(|main| match value("-p") {
        Some(prefix) => Path::new(&prefix).join(main).to_string_lossy().into_owned(),
        None => main,
    });
    main.filter(|main| main.starts_with('/')).ok_or_else(|| {
        StageError::NotRewritten("the main configuration file of nginx is not known".to_owned())
    })
}

fn with_main(args: &[String], main: &str) -> Vec<String> {
    let mut args = args.to_vec();
    match args.iter().position(|arg| arg == "-c") {
        Some(at) if at + 1 < args.len() => main.clone_into(&mut args[at + 1]),
        _ => args
            .splice(0..0, ["-c".to_owned(), main.to_owned()])
            .for_each(drop),
    }
    // What it warns of is not for the log of the nginx that runs.
    let log = args.iter().position(|arg| arg == "-e");
    if let Some(log) = log.and_then(|at| args.get_mut(at + 1)) {
        "/dev/null".clone_into(log);
    }
    args
}

struct Copy<'a> {
    host: &'a dyn Host,
    scratch: &'a Path,
    /// Relative paths in the configuration start here.
    folder: PathBuf,
    planned: BTreeMap<String, &'a Laid>,
    gone: &'a [AbsPath],
}

impl Copy<'_> {
    fn is_gone(&self, path: &str) -> bool {
        self.gone.iter().any(|gone| gone.as_str() == path)
    }

    fn write(&self, main: &str) -> Result<(), StageError> {
        let config = Config::load(main, self)
            .map_err(|error| StageError::NotRewritten(error.to_string()))?;
        for file in &config.files {
            let text = self.rewritten(&file.text)?;
            self.place(
                Path::new(&file.path),
                text.as_bytes(),
                &Attributes::root(0o600),
            )?;
        }
        for (path, file) in &self.planned {
            if config.find_file(path).is_none() {
                self.place(Path::new(path), &file.bytes, &file.attributes)?;
            }
        }
        Ok(())
    }

    fn place(&self, path: &Path, bytes: &[u8], like: &Attributes) -> Result<(), HostError> {
        let target = self.at(path);
        let above: Vec<&Path> = target
            .ancestors()
            .skip(1)
            .take_while(|path| path.starts_with(self.scratch))
            .collect();
        for folder in above.into_iter().rev() {
            self.host.make_folder(folder, &Attributes::root(0o700))?;
        }
        let attributes = Attributes {
            extended: Vec::new(),
            ..like.clone()
        };
        self.host.place(&target, bytes, &attributes)
    }

    /// Where the copy of `path` is.
    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.scratch.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn rewritten(&self, text: &str) -> Result<String, StageError> {
        let mut new = String::with_capacity(text.len());
        let mut directive = None::<String>;
        for token in tokens(text) {
            let token = token.map_err(|error| StageError::NotRewritten(error.to_string()))?;
            let raw = &text[token.span];
            match token.kind {
                TokenKind::Semicolon | TokenKind::Open | TokenKind::Close => directive = None,
                TokenKind::Word | TokenKind::Quoted => {
                    let value = unquoted(raw);
                    match &directive {
                        None => directive = Some(value.into_owned()),
                        Some(name) => {
                            if let Some(path) = self.argument(name, &value)? {
                                new.push_str(&quoted(&path));
                                continue;
                            }
                        }
                    }
                }
                TokenKind::Space | TokenKind::Comment | TokenKind::Raw => {}
            }
            new.push_str(raw);
        }
        Ok(new)
    }

    /// What stands in the copy for an argument, where that is not the argument itself.
    fn argument(&self, directive: &str, value: &str) -> Result<Option<String>, HostError> {
        let path = self.folder.join(value);
        let copied = |path: &Path| Some(self.at(path).to_string_lossy().into_owned());
        Ok(match directive {
            "include" => copied(&path),
            // A test leaves no pid file, log or folder behind.
            "pid" | "lock_file" => copied(Path::new("/nginx.pid")),
            _ if directive.ends_with("_temp_path") && value.contains('/') => {
                copied(&Path::new("/").join(directive))
            }
            "error_log" | "access_log" if value.starts_with('/') => Some("/dev/null".to_owned()),
            _ if self.planned.contains_key(&*path.to_string_lossy()) => copied(&path),
            _ if value.starts_with('/') || !value.contains(['.', '/']) => None,
            // Relative paths would be looked for beside the copy.
            _ => match self.host.stat(&path)? {
                Some(found) if found.kind != Kind::Folder => {
                    Some(path.to_string_lossy().into_owned())
                }
                _ => None,
            },
        })
    }
}

fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The configuration as it would be with the planned files in place.
impl Files for Copy<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        // A file that is read through a link is planned where it really is.
        let real = || {
            let real = self.host.real_path(Path::new(path)).ok()??;
            self.planned.get(&*real.to_string_lossy())
        };
        if self.is_gone(path) {
            return Err(format!("{path} would no longer be there"));
        }
        match self.planned.get(path).or_else(real) {
            Some(file) => Ok(file.bytes.to_vec()),
            None => self
                .host
                .read(Path::new(path), MOST_BYTES)
                .map_err(|error| error.to_string()),
        }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        let mut found = vec![PathBuf::from("/")];
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            let mut next = Vec::new();
            for folder in found {
                if has_wildcard(part) {
                    let names = self.host.list(&folder).map_err(|error| error.to_string())?;
                    next.extend(
                        names
                            .iter()
                            .filter(|name| glob_match(part, name))
                            .map(|n| folder.join(n)),
                    );
                } else {
                    next.push(folder.join(part));
                }
            }
            next.truncate(MOST_MATCHES);
            found = next;
        }
        let mut paths: Vec<String> = found
            .iter()
            .map(|path| path.to_string_lossy().into_owned())
            .collect();
        let is_there = |path: &str| matches!(self.host.stat(Path::new(path)), Ok(Some(_)));
        paths.retain(|path| is_there(path) && !self.is_gone(path));
        paths.extend(
            self.planned
                .keys()
                .filter(|path| glob_match(pattern, path))
                .cloned(),
        );
        sort_by(&mut paths, Ord::cmp);
        paths.dedup();
        Ok(paths)
    }
}

fn remove_all(host: &dyn Host, path: &Path) -> Result<(), HostError> {
    match host.stat(path)?.map(|stat| stat.kind) {
        None => Ok(()),
        Some(Kind::Folder) => {
            for name in host.list(path)? {
                remove_all(host, &path.join(name))?;
            }
            host.remove_folder(path)
        }
        Some(_) => host.remove_file(path),
    }
}
