//! A whole configuration: the main file and all it includes.

use std::collections::HashMap;
use std::sync::Arc;

use super::config::{Config, SourceFile};
use super::glob::has_wildcard;
use super::lexer::{Fault, SyntaxError};
use super::occurring::Occurring;
use super::parse::parse;
use super::skimmed::Text;
use super::tree::{Body, Directive, FileId, Included, MAX_DEPTH, MAX_WORDS, Within};

/// The longest file that is read, in bytes.
pub const MAX_FILE: usize = 8 << 20;

/// The most that all files of a configuration may have together, in bytes.
pub const MAX_TOTAL: usize = 64 << 20;

/// How a configuration's files are reached.
pub trait Files {
    /// The bytes of a file, or why there are none.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// The existing paths that `pattern` stands for, in byte order; none is no error. What
    /// stands for what is said by [`glob_match`](super::glob::glob_match).
    fn glob(&self, pattern: &str) -> Result<Vec<String>, String>;
}

/// Why a configuration could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}{}: {problem}", .line.map(|line| format!(":{line}")).unwrap_or_default())]
pub struct LoadError {
    pub path: String,
    /// From 1; none where the trouble is with the whole file.
    pub line: Option<u32>,
    pub problem: LoadProblem,
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadProblem {
    #[error("cannot read {path}: {why}")]
    Unreadable { path: String, why: String },
    #[error("larger than {} MiB", MAX_FILE >> 20)]
    FileTooLarge,
    #[error("the configuration is larger than {} MiB in all", MAX_TOTAL >> 20)]
    TooLarge,
    #[error("{0}")]
    Syntax(Fault),
    #[error("include takes exactly one path")]
    IncludeArguments,
    #[error("includes {0}, which is being read already: this would never end")]
    IncludeLoop(String),
}

impl Config {
    /// Reads the file at `main` and all that it includes.
    pub fn load(main: &str, files: &dyn Files) -> Result<Config, LoadError> {
        let folder = main.rfind('/').map_or("", |slash| &main[..=slash]);
        let mut loader = Loader {
            files,
            folder,
            sources: Vec::new(),
            parsed: Vec::new(),
            known: HashMap::new(),
            reading: Vec::new(),
            bytes: 0,
            words: 0,
            room: Vec::new(),
        };
        let id = loader.open(&normal(main), (main, None))?;
        let (main, _) = loader.directives_of(id, 0, (main, None))?;
        Ok(Config {
            files: loader.sources,
            main,
        })
    }
}

/// The file that asks for another one, and its line: where an error is reported.
type Asking<'a> = (&'a str, Option<u32>);

struct Loader<'a> {
    files: &'a dyn Files,
    folder: &'a str,
    sources: Vec<SourceFile>,
    /// For each source its directives with includes unopened, and the number of its words, until
    /// they are used. A file that is read again is parsed again: few are, and copies are large.
    parsed: Vec<Option<(Vec<Directive>, usize)>>,
    known: HashMap<String, FileId>,
    reading: Vec<FileId>,
    bytes: usize,
    words: usize,
    /// For each file that is parsed, one after the other.
    room: Vec<Directive>,
}

impl Loader<'_> {
    /// Reads and parses a file, unless that is done.
    fn open(&mut self, path: &str, asking: Asking<'_>) -> Result<FileId, LoadError> {
        if let Some(id) = self.known.get(path) {
            return Ok(*id);
        }
        let bytes = self.files.read(path).map_err(|why| {
            let path = path.to_owned();
            error(asking, LoadProblem::Unreadable { path, why })
        })?;
        if bytes.len() > MAX_FILE {
            return Err(error((path, None), LoadProblem::FileTooLarge));
        }
        self.bytes += bytes.len();
        if self.bytes > MAX_TOTAL {
            return Err(error((path, None), LoadProblem::TooLarge));
        }
        let (text, exact) = match String::from_utf8(bytes) {
            Ok(text) => (text, true),
            Err(other) => (
                String::from_utf8_lossy(other.as_bytes()).into_owned(),
                false,
            ),
        };
        let text = Arc::new(Text::new(text));
        let id = FileId(u32::try_from(self.sources.len()).unwrap_or(u32::MAX));
        let parsed = parse(&text, id, &mut self.room).map_err(|SyntaxError { line, fault }| {
            error((path, Some(line)), LoadProblem::Syntax(fault))
        })?;
        self.parsed.push(Some(parsed));
        self.sources.push(SourceFile {
            path: path.to_owned(),
            text,
            exact,
        });
        self.known.insert(path.to_owned(), id);
        Ok(id)
    }

    fn directives_of(
        &mut self,
        id: FileId,
        depth: usize,
        asking: Asking<'_>,
    ) -> Result<(Vec<Directive>, Occurring), LoadError> {
        let source = &self.sources[id.0 as usize];
        let path = source.path.clone();
        let (mut directives, words) = match self.parsed[id.0 as usize].take() {
            Some(parsed) => parsed,
            None => {
                parse(&source.text, id, &mut self.room).map_err(|SyntaxError { line, fault }| {
                    error((&path, Some(line)), LoadProblem::Syntax(fault))
                })?
            }
        };
        self.words += words + 1;
        if self.words > MAX_WORDS {
            let fault = Fault::TooManyWords(MAX_WORDS);
            return Err(error(asking, LoadProblem::Syntax(fault)));
        }
        self.reading.push(id);
        let occurring = self.follow(&mut directives, &path, depth)?;
        self.reading.pop();
        Ok((directives, occurring))
    }

    /// Opens the includes among `directives` of the file at `path` and below them; says what
    /// occurs there.
    fn follow(
        &mut self,
        directives: &mut [Directive],
        path: &str,
        depth: usize,
    ) -> Result<Occurring, LoadError> {
        let mut occurring = Occurring::default();
        not_too_deep(directives, path, depth)?;
        for directive in directives {
            let here = (path, Some(directive.at.line));
            occurring.add(&directive.name);
            if depth == MAX_DEPTH {
                not_too_deep(directive.children(), path, depth + 1)?;
            }
            match &mut directive.body {
                Body::Block(block) => {
                    if let Within::Read(children) = &mut block.within {
                        block.occurring = self.follow(children, path, depth + 1)?;
                    }
                    occurring.join(block.occurring);
                }
                Body::Simple if directive.name == "include" => {
                    let mut args = directive.args.iter();
                    let (Some(pattern), None) = (args.next(), args.next()) else {
                        return Err(error(here, LoadProblem::IncludeArguments));
                    };
                    let read = self.include(pattern, depth + 1, here)?;
                    for file in &read {
                        occurring.join(file.occurring);
                    }
                    directive.body = Body::Include(read);
                }
                Body::Simple | Body::Raw | Body::Include(_) => {}
            }
        }
        Ok(occurring)
    }

    fn include(
        &mut self,
        pattern: &str,
        depth: usize,
        here: Asking<'_>,
    ) -> Result<Vec<Included>, LoadError> {
        let full = if pattern.starts_with('/') {
            normal(pattern)
        } else {
            normal(&format!("{}{pattern}", self.folder))
        };
        let paths = if has_wildcard(&full) {
            self.files.glob(&full).map_err(|why| {
                let path = full.clone();
                error(here, LoadProblem::Unreadable { path, why })
            })?
        } else {
            vec![full]
        };
        let mut read = Vec::with_capacity(paths.len());
        for path in paths {
            let file = self.open(&normal(&path), here)?;
            if self.reading.contains(&file) {
                return Err(error(here, LoadProblem::IncludeLoop(path)));
            }
            let (children, occurring) = self.directives_of(file, depth, here)?;
            read.push(Included {
                file,
                children,
                occurring,
            });
        }
        Ok(read)
    }
}

/// Fails at the first directive of a level that lies too deep.
fn not_too_deep(level: &[Directive], path: &str, depth: usize) -> Result<(), LoadError> {
    match level.first() {
        Some(first) if depth > MAX_DEPTH => {
            let fault = LoadProblem::Syntax(Fault::TooDeep(MAX_DEPTH));
            Err(error((path, Some(first.at.line)), fault))
        }
        _ => Ok(()),
    }
}

fn error((path, line): Asking<'_>, problem: LoadProblem) -> LoadError {
    LoadError {
        path: path.to_owned(),
        line,
        problem,
    }
}

/// The path without `//` and `/./`, so that a file keeps one name. `..` stays: what it leads to
/// depends on symbolic links.
fn normal(path: &str) -> String {
    let mut parts = path
        .split('/')
        .enumerate()
        .filter(|(index, part)| *index == 0 || !(part.is_empty() || *part == "."));
    let mut whole = parts
        .next()
        .map(|(_, part)| part.to_owned())
        .unwrap_or_default();
    for (_, part) in parts {
        whole.push('/');
        whole.push_str(part);
    }
    whole
}
