//! Reading configuration text into directives, and skimming what nobody may ask for.

use std::sync::Arc;

use super::lexer::{Fault, Lexer, SyntaxError, Token, TokenKind, newlines, tokens, unquoted};
use super::occurring::Occurring;
use super::skimmed::{Skimmed, Text};
use super::tree::{Block, Body, Directive, FileId, MAX_DEPTH, MAX_WORDS, Place, Span, Within};
use super::words::Words;

/// The directives of one file, includes unopened, and how many words they are made of. `open`
/// is empty, and room to work in.
pub(super) fn parse(
    text: &Arc<Text>,
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
        skimmed: 0,
        args: Words::default(),
        open,
    };
    let (directives, _) = parser.level(0, None)?;
    text.was_skimmed(parser.skimmed);
    Ok((directives, parser.words))
}

/// The directives of a block that was skimmed; `at` is where the directive with the block stands.
pub(super) fn read_skimmed(text: &Arc<Text>, at: &Place, inner: Span) -> Vec<Directive> {
    let line = at.line + newlines(&text[at.span.start()..inner.start()]);
    let mut parser = Parser {
        text,
        file: at.file,
        lexer: Lexer::starting(text, inner.start(), line),
        words: 0,
        skimmed: 0,
        args: Words::default(),
        open: &mut Vec::new(),
    };
    let read = parser.level(0, Some(at.line));
    // It was read before, without an error.
    read.map(|(directives, _)| directives).unwrap_or_default()
}

struct Parser<'a> {
    text: &'a Arc<Text>,
    file: FileId,
    lexer: Lexer<'a>,
    words: usize,
    skimmed: u32,
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
        self.lexer.token()
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
                self.body(&token, name, depth + 1)?
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
        name: &Token,
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
        let (within, occurring, end) = if let Some((occurring, end)) = self.skim(name) {
            let skimmed = Skimmed::new(self.text, self.skimmed);
            self.skimmed += 1;
            (Within::Skimmed(skimmed), occurring, end)
        } else {
            let (children, end) = self.level(depth, Some(name.line))?;
            // What occurs there is known when its includes are.
            (Within::Read(children), Occurring::default(), end)
        };
        let block = Block {
            inner: (brace.span.end..end).into(),
            within,
            occurring,
        };
        Ok((Body::Block(block), end + 1))
    }

    /// Passes over the block of a `location` without making its directives: what occurs in it,
    /// and the byte where it ends. `None`, and nothing is passed over, where it has to be read:
    /// other blocks are always asked for, and anything but simple directives (an error as well)
    /// or an `include` needs a closer look.
    fn skim(&mut self, name: &Token) -> Option<(Occurring, usize)> {
        if &self.text[name.span.clone()] != "location" {
            return None;
        }
        let before = (self.lexer.clone(), self.words);
        let skimmed = self.only_simple();
        if skimmed.is_none() {
            (self.lexer, self.words) = before;
        }
        skimmed
    }

    fn only_simple(&mut self) -> Option<(Occurring, usize)> {
        let mut occurring = Occurring::default();
        loop {
            let token = self.token().ok()??;
            match token.kind {
                TokenKind::Word | TokenKind::Quoted => self.words += 1,
                TokenKind::Close if self.words <= MAX_WORDS => {
                    return Some((occurring, token.span.start));
                }
                _ => return None,
            }
            let name = unquoted(&self.text[token.span]);
            if name == "include" {
                return None;
            }
            occurring.add(&name);
            loop {
                match self.token().ok()??.kind {
                    TokenKind::Word | TokenKind::Quoted => self.words += 1,
                    TokenKind::Semicolon => break,
                    _ => return None,
                }
            }
        }
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
