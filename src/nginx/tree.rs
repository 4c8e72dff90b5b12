//! The directives of configuration text, as a tree that knows where each one stands.

use std::ops::Range;

use compact_str::CompactString;

use super::lexer::{Fault, Lexer, SyntaxError, Token, TokenKind, newlines, tokens, unquoted};
use super::occurring::Occurring;
use super::words::Words;

/// How deep blocks and includes may nest. nginx has no limit; nobody comes near this one.
pub const MAX_DEPTH: usize = 64;

/// How many names and arguments a configuration may hold, each inclusion of a file counted.
pub const MAX_WORDS: usize = 2_000_000;

/// A file of a configuration: an index into [`Config::files`](super::config::Config::files).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A stretch of a file's text, in bytes. Small, because every directive has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    pub fn start(self) -> usize {
        self.start as usize
    }

    pub fn end(self) -> usize {
        self.end as usize
    }

    pub fn range(self) -> Range<usize> {
        self.start()..self.end()
    }
}

impl From<Range<usize>> for Span {
    /// No file is read that is longer than these numbers reach ([`MAX_FILE`](super::MAX_FILE)).
    fn from(range: Range<usize>) -> Self {
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            start: short(range.start),
            end: short(range.end),
        }
    }
}

/// Where a directive stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub file: FileId,
    /// The line of the first byte, from 1.
    pub line: u32,
    /// From the first byte of the name to the `;` or `}`, inclusive.
    pub span: Span,
}

/// One directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    pub at: Place,
    pub name: CompactString,
    /// What nginx sees: without quotes, escapes undone.
    pub args: Words,
    /// From the first byte of the first argument to the last of the last, quotes included. The
    /// empty range behind the name where there are none.
    pub args_span: Span,
    pub body: Body,
}

/// What follows the arguments of a directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// `;`
    Simple,
    /// Braces with directives between them.
    Block(Block),
    /// `;`, and the files that nginx reads at this place, in its order.
    Include(Vec<Included>),
    /// Braces with Lua code between them.
    Raw,
}

/// What stands between the braces of a directive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What stands between the braces.
    pub inner: Span,
    pub children: Vec<Directive>,
    /// Below here, through includes.
    pub(super) occurring: Occurring,
}

/// A file as read by one `include`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    pub file: FileId,
    pub children: Vec<Directive>,
    /// Below here, through includes.
    pub(super) occurring: Occurring,
}

impl Directive {
    /// The argument at `index`, from 0.
    pub fn arg(&self, index: usize) -> Option<&str> {
        self.args.get(index)
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.args.iter()
    }

    pub fn block(&self) -> Option<&Block> {
        match &self.body {
            Body::Block(block) => Some(block),
            _ => None,
        }
    }

    /// What it reads, if it is an `include`.
    pub fn included(&self) -> &[Included] {
        match &self.body {
            Body::Include(read) => read,
            _ => &[],
        }
    }

    /// The directives of its block, includes unopened; none where it has no block.
    pub fn children(&self) -> &[Directive] {
        self.block().map_or(&[], |block| &block.children)
    }
}

/// The directives of a level in nginx's order: each `include` is replaced by what it reads.
pub fn flat(children: &[Directive]) -> Flat<'_> {
    Flat {
        here: children.iter(),
        open: Vec::new(),
    }
}

/// Iterates over the directives of a level; see [`flat`].
#[derive(Debug, Clone)]
pub struct Flat<'a> {
    here: std::slice::Iter<'a, Directive>,
    /// What comes after `here`, the next last.
    open: Vec<std::slice::Iter<'a, Directive>>,
}

impl<'a> Iterator for Flat<'a> {
    type Item = &'a Directive;

    fn next(&mut self) -> Option<&'a Directive> {
        loop {
            let Some(directive) = self.here.next() else {
                self.here = self.open.pop()?;
                continue;
            };
            match &directive.body {
                Body::Include(read) => {
                    let rest = std::mem::take(&mut self.here);
                    let inner = read.iter().rev().map(|included| included.children.iter());
                    self.open.extend([rest].into_iter().chain(inner));
                }
                _ => return Some(directive),
            }
        }
    }
}

/// The directives of one file, includes unopened, and how many words they are made of. `open`
/// is empty, and room to work in.
pub(super) fn parse(
    text: &str,
    file: FileId,
    open: &mut Vec<Directive>,
) -> Result<(Vec<Directive>, usize), SyntaxError> {
    if let Some(at) = text.find('\0') {
        return fail(1 + newlines(&text[..at]), Fault::Unexpected('\0'));
    }
    let mut parser = Parser {
        text,
        file,
        lexer: tokens(text),
        words: 0,
        args: Words::default(),
        open,
    };
    let (directives, _) = parser.level(0, None)?;
    Ok((directives, parser.words))
}

struct Parser<'a> {
    text: &'a str,
    file: FileId,
    lexer: Lexer<'a>,
    words: usize,
    /// The arguments of the directive that is being read, and the directives of all levels that
    /// are open. They are collected here and moved where they belong once their number is
    /// known: most levels hold a line or two, and a configuration may have many levels.
    args: Words,
    open: &'a mut Vec<Directive>,
}

impl Parser<'_> {
    /// The next token that is neither space nor comment.
    fn token(&mut self) -> Result<Option<Token>, SyntaxError> {
        self.lexer.skip_blank();
        self.lexer.next().transpose()
    }

    /// The directives up to the closing brace of the block that began on line `opened`, or to
    /// the end of the file; and the byte where that is.
    fn level(
        &mut self,
        depth: usize,
        opened: Option<u32>,
    ) -> Result<(Vec<Directive>, usize), SyntaxError> {
        let first = self.open.len();
        loop {
            let Some(token) = self.token()? else {
                return match opened {
                    Some(line) => fail(line, Fault::OpenBlock),
                    None => Ok((self.closed(first), self.text.len())),
                };
            };
            match token.kind {
                TokenKind::Close if opened.is_some() => {
                    return Ok((self.closed(first), token.span.start));
                }
                TokenKind::Word | TokenKind::Quoted => {
                    self.directive(&token, depth)?;
                }
                _ => return self.unexpected(&token),
            }
        }
    }

    /// The directives of a level that has ended, in no more room than they need.
    fn closed(&mut self, first: usize) -> Vec<Directive> {
        self.open.drain(first..).collect()
    }

    /// Reads on to the end of the directive that begins with this name, into `open`.
    fn directive(&mut self, name: &Token, depth: usize) -> Result<(), SyntaxError> {
        self.count(name)?;
        let mut args_span = name.span.end..name.span.end;
        loop {
            let Some(token) = self.token()? else {
                return fail(name.line, Fault::OpenDirective);
            };
            let args = match token.kind {
                TokenKind::Word | TokenKind::Quoted => {
                    self.count(&token)?;
                    if self.args.is_empty() {
                        args_span.start = token.span.start;
                    }
                    args_span.end = token.span.end;
                    self.args.push(&unquoted(&self.text[token.span]));
                    continue;
                }
                TokenKind::Semicolon | TokenKind::Open => self.args.clone(),
                _ => return self.unexpected(&token),
            };
            self.args.clear();
            let (body, end) = if token.kind == TokenKind::Open {
                self.body(&token, name.line, depth + 1)?
            } else {
                (Body::Simple, token.span.end)
            };
            self.open.push(Directive {
                at: Place {
                    file: self.file,
                    line: name.line,
                    span: (name.span.start..end).into(),
                },
                name: unquoted(&self.text[name.span.clone()]).into(),
                args,
                args_span: args_span.into(),
                body,
            });
            return Ok(());
        }
    }

    /// What stands behind the opening brace, and the byte after the closing one.
    fn body(
        &mut self,
        brace: &Token,
        opened: u32,
        depth: usize,
    ) -> Result<(Body, usize), SyntaxError> {
        if depth > MAX_DEPTH {
            return fail(brace.line, Fault::TooDeep(MAX_DEPTH));
        }
        if self.lexer.at_lua_body() {
            while let Some(token) = self.token()? {
                if token.kind == TokenKind::Close {
                    return Ok((Body::Raw, token.span.end));
                }
            }
            return fail(brace.line, Fault::OpenLua);
        }
        let (children, end) = self.level(depth, Some(opened))?;
        let block = Block {
            inner: (brace.span.end..end).into(),
            children,
            occurring: Occurring::default(),
        };
        Ok((Body::Block(block), end + 1))
    }

    fn count(&mut self, token: &Token) -> Result<(), SyntaxError> {
        self.words += 1;
        if self.words > MAX_WORDS {
            return fail(token.line, Fault::TooManyWords(MAX_WORDS));
        }
        Ok(())
    }

    fn unexpected<T>(&self, token: &Token) -> Result<T, SyntaxError> {
        let first = self.text[token.span.clone()].chars().next();
        fail(token.line, Fault::Unexpected(first.unwrap_or_default()))
    }
}

fn fail<T>(line: u32, fault: Fault) -> Result<T, SyntaxError> {
    Err(SyntaxError { line, fault })
}
