//! Collects surgical edits and refuses those that would change a file at more places than the
//! one that was meant.

use std::collections::{BTreeMap, BTreeSet};

use super::file::Reason;
use crate::error::Problem;
use crate::nginx::{self, Commented, Config, Directive, Edit, FileId, Place, flat};
use crate::values::Gather as _;

pub(super) struct Editor<'a> {
    config: &'a Config,
    edits: BTreeMap<FileId, Vec<Edit<Reason>>>,
    /// Files that may be edited: text, and read once. Asking for each would be a walk over
    /// everything each time.
    editable: BTreeSet<FileId>,
}

impl<'a> Editor<'a> {
    pub(super) fn new(config: &'a Config) -> Self {
        Self {
            config,
            edits: BTreeMap::new(),
            editable: editable(config),
        }
    }

    /// The edited files: new text and the reasons for its generated lines.
    pub(super) fn finish(self) -> Result<Vec<(FileId, nginx::Edited<Reason>)>, Problem> {
        self.edits
            .into_iter()
            .map(|(file, edits)| {
                let source = self.config.file(file);
                nginx::apply(&source.text, &edits)
                    .map(|edited| (file, edited))
                    .map_err(|error| Problem::host(format!("{}: {error}", source.path)))
            })
            .collect()
    }

    /// Gives `block` exactly one directive `name` with these arguments: changes the one that is
    /// there, brings back one that is commented out, or inserts one after `anchor`.
    pub(super) fn set(
        &mut self,
        block: &'a Directive,
        name: &str,
        args: &str,
        reason: &Reason,
        anchor: &str,
    ) -> Result<(), Problem> {
        let mut live = flat(block.children()).filter(|directive| directive.name == name);
        if let Some(first) = live.next() {
            if first.args.joined() != args {
                self.set_args(first, args, reason)?;
            }
            for surplus in live {
                self.take_out(surplus, reason)?;
            }
            return Ok(());
        }
        if let Some(comment) = self.commented(block, name, args) {
            let edit = nginx::uncomment(self.config, &comment, args, reason.clone());
            return self.push(&comment.at, edit);
        }
        let written = [format!("{name} {args};")];
        self.insert_behind(block, &[anchor], &written, reason)
    }

    /// Whether [`Editor::set`] of this name would be allowed.
    pub(super) fn may_set(&self, block: &Directive, name: &str) -> bool {
        let mut live = flat(block.children())
            .filter(|line| line.name == name)
            .peekable();
        let may = |line: &Directive| self.may_edit(line);
        if live.peek().is_some() {
            live.all(may)
        } else {
            may(block)
        }
    }

    /// Whether a line of this block's own file may be changed.
    pub(super) fn may_edit(&self, line: &Directive) -> bool {
        self.editable.contains(&line.at.file)
    }

    /// After the last directive of that name, the first of these that the block has; else first
    /// in it.
    pub(super) fn insert_behind(
        &mut self,
        block: &'a Directive,
        anchors: &[&str],
        lines: &[String],
        reason: &Reason,
    ) -> Result<(), Problem> {
        match anchors.iter().find_map(|anchor| last(block, anchor)) {
            Some(after) => {
                let edit = nginx::insert_after(self.config, after, lines, reason.clone());
                self.push(&after.at, edit)
            }
            None => self.insert_at_start(block, lines, reason),
        }
    }

    pub(super) fn insert_at_start(
        &mut self,
        block: &'a Directive,
        lines: &[String],
        reason: &Reason,
    ) -> Result<(), Problem> {
        let edit = nginx::insert_at_start(self.config, block, lines, reason.clone());
        self.push(&block.at, edit)
    }

    pub(super) fn insert_at_end(
        &mut self,
        block: &'a Directive,
        lines: &[String],
        reason: &Reason,
    ) -> Result<(), Problem> {
        let edit = nginx::insert_at_end(self.config, block, lines, reason.clone());
        self.push(&block.at, edit)
    }

    pub(super) fn insert_after(
        &mut self,
        directive: &Directive,
        lines: &[String],
        reason: &Reason,
    ) -> Result<(), Problem> {
        let edit = nginx::insert_after(self.config, directive, lines, reason.clone());
        self.push(&directive.at, edit)
    }

    pub(super) fn insert_before(
        &mut self,
        directive: &'a Directive,
        lines: &[String],
        reason: &Reason,
    ) -> Result<(), Problem> {
        let edit = nginx::insert_before(self.config, directive, lines, reason.clone());
        self.push(&directive.at, edit)
    }

    pub(super) fn take_out(
        &mut self,
        directive: &Directive,
        reason: &Reason,
    ) -> Result<(), Problem> {
        let edit = nginx::remove(self.config, directive, reason.clone());
        self.push(&directive.at, edit)
    }

    pub(super) fn set_args(
        &mut self,
        directive: &'a Directive,
        args: &str,
        reason: &Reason,
    ) -> Result<(), Problem> {
        let edit = nginx::set_args(self.config, directive, args, reason.clone());
        self.push(&directive.at, edit)
    }

    /// Puts one more argument behind those that are there, which stay as they are written.
    pub(super) fn append_arg(
        &mut self,
        directive: &'a Directive,
        arg: &str,
        reason: &Reason,
    ) -> Result<(), Problem> {
        let end = directive.args_span.end();
        let edit = Edit {
            file: directive.at.file,
            span: end..end,
            with: format!(" {arg}"),
            why: reason.clone(),
        };
        self.push(&directive.at, edit)
    }

    /// Exchanges one word of the arguments as they are written: the first that has these letters.
    pub(super) fn exchange(
        &mut self,
        directive: &'a Directive,
        from: &str,
        to: &str,
        reason: &Reason,
    ) -> Result<(), Problem> {
        let at = self.written(directive).find(from);
        self.exchange_at(directive, at, from, to, reason)
    }

    /// The same of the last word.
    pub(super) fn exchange_last(
        &mut self,
        directive: &'a Directive,
        from: &str,
        to: &str,
        reason: &Reason,
    ) -> Result<(), Problem> {
        let written = self.written(directive);
        let at = written.strip_suffix(from).map(str::len);
        self.exchange_at(directive, at, from, to, reason)
    }

    /// Its arguments as they stand in the file.
    fn written(&self, directive: &Directive) -> &'a str {
        &self.config.file(directive.at.file).text[directive.args_span.range()]
    }

    fn exchange_at(
        &mut self,
        directive: &'a Directive,
        at: Option<usize>,
        from: &str,
        to: &str,
        reason: &Reason,
    ) -> Result<(), Problem> {
        let file = directive.at.file;
        let args = directive.args_span.range();
        let Some(at) = at else {
            // Quoted, or with escapes in it.
            let words = directive.words();
            let words = words.map(|word| nginx::quote(if word == from { to } else { word }));
            let words = words.collect::<Result<Vec<_>, _>>().map_err(|error| {
                let shown = self.config.shown(&directive.at);
                Problem::host(format!("{shown} cannot be edited: {error}"))
                    .remedy("write this line without quotes, and plan again")
            })?;
            return self.set_args(directive, &words.join(" "), reason);
        };
        let start = args.start + at;
        let edit = Edit {
            file,
            span: start..start + from.len(),
            with: to.to_owned(),
            why: reason.clone(),
        };
        self.push(&directive.at, edit)
    }

    /// Takes out every line that is this comment, in the file of a directive.
    pub(super) fn take_out_comment(
        &mut self,
        beside: &'a Directive,
        comment: &str,
        reason: &Reason,
    ) -> Result<(), Problem> {
        let file = beside.at.file;
        let mut start = 0;
        for line in self.config.file(file).text.split_inclusive('\n') {
            let span = start..start + line.len();
            start = span.end;
            if line.trim() == comment {
                let edit = Edit {
                    file,
                    span,
                    with: String::new(),
                    why: reason.clone(),
                };
                self.push(&beside.at, edit)?;
            }
        }
        Ok(())
    }

    /// A commented-out directive of this name; the one with the wanted arguments rather than
    /// another.
    fn commented(&self, block: &Directive, name: &str, args: &str) -> Option<Commented> {
        let text = &self.config.file(block.at.file).text;
        let inner = block.block().map(|block| &text[block.inner.range()])?;
        if !inner.contains(name) {
            return None; // sparing a second look at every word
        }
        let mut found: Vec<_> = nginx::commented(self.config, block)
            .into_iter()
            .filter(|comment| comment.name == name)
            .collect();
        let wanted = found
            .iter()
            .position(|comment| comment.args.join(" ") == args)
            .unwrap_or(0);
        (!found.is_empty()).then(|| found.swap_remove(wanted))
    }

    fn push(&mut self, place: &Place, edit: Edit<Reason>) -> Result<(), Problem> {
        if !self.editable.contains(&edit.file) {
            self.config.editable(place).map_err(|error| {
                let shown = self.config.shown(place);
                Problem::host(format!("{shown} cannot be edited: {error}"))
                    .remedy("write this block out in a file that is read once")
            })?;
        }
        self.edits.entry(edit.file).or_default().push(edit);
        Ok(())
    }
}

/// The same as [`Config::editable`] says, for all files at once.
fn editable(config: &Config) -> BTreeSet<FileId> {
    let mut times: BTreeMap<FileId, usize> = BTreeMap::new();
    for read in config.all(&["include"]).flat_map(Directive::included) {
        *times.entry(read.file).or_default() += 1;
    }
    (0..)
        .take(config.files.len())
        .map(FileId)
        .filter(|file| config.file(*file).exact && times.get(file).is_none_or(|n| *n == 1))
        .gathered()
}

/// The last directive `name` that stands in the block's own file.
fn last<'a>(block: &'a Directive, name: &str) -> Option<&'a Directive> {
    let mut children = block.children().iter();
    children.rfind(|directive| directive.name == name)
}

/// A reason that is about something.
pub(super) fn why(id: &str, about: &(impl std::fmt::Display + ?Sized)) -> Reason {
    Reason {
        id: id.to_owned(),
        about: about.to_string(),
    }
}
