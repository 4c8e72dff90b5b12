//! The words of nginx configuration text, without losing a byte.
//!
//! The rules are those of `ngx_conf_read_token` in nginx's `src/core/ngx_conf_file.c`, which
//! differ from what one would guess in a few places:
//!
//! - `#` starts a comment only where a word could start: `a#b` is one word.
//! - `\` protects the byte after it, inside and outside quotes.
//! - `$` protects a `{` after it, so `${name}` does not open a block.
//! - `;` and `{` end an unquoted word; `}` and quotes inside one are part of it.
//! - After a closing quote only white space, `;`, `{` or `)` may follow.
//! - There is no byte order mark: nginx takes it for the first letters of the first word.
//!
//! The body of a `..._by_lua_block` is read by the Lua module's own rules ([`super::lua`]).

use std::borrow::Cow;
use std::ops::Range;

use super::lua;

/// What a stretch of configuration text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Spaces, tabs, carriage returns and line feeds.
    Space,
    /// From `#` up to the line feed, which is not part of it (a carriage return before it is).
    Comment,
    /// A name or argument without quotes around it.
    Word,
    /// A name or argument in single or double quotes, quotes included.
    Quoted,
    /// `;`
    Semicolon,
    /// `{` that opens a block
    Open,
    /// `}` that closes a block
    Close,
    /// The Lua code between the braces of a `..._by_lua_block`.
    Raw,
}

/// One token. The tokens of a text lie end to end and together are the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    /// Bytes in the text.
    pub span: Range<usize>,
    /// The line of the first byte, from 1.
    pub line: u32,
}

/// Why a text is not nginx configuration, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct SyntaxError {
    /// From 1.
    pub line: u32,
    pub fault: Fault,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{0:?} stands right after a closing quote, where only a space, ; or {{ may")]
    AfterQuote(char),
    #[error("a quote ({0}) is opened here and never closed")]
    OpenQuote(char),
    #[error("the Lua block that starts here is never closed")]
    OpenLua,
    #[error("unexpected \"{0}\"")]
    Unexpected(char),
    #[error("the file ends in the middle of a directive that starts here")]
    OpenDirective,
    #[error("the file ends before the block that starts here is closed")]
    OpenBlock,
    #[error("blocks are nested more than {0} deep")]
    TooDeep(usize),
    #[error("more than {0} words of configuration in all")]
    TooManyWords(usize),
}

/// The tokens of `text`, in order. Ends after the first error.
pub fn tokens(text: &str) -> Lexer<'_> {
    Lexer::starting(text, 0, 1)
}

/// What an argument means to nginx: quotes removed, escapes undone. `raw` is the text of a
/// [`TokenKind::Word`] or [`TokenKind::Quoted`] token.
pub fn unquoted(raw: &str) -> Cow<'_, str> {
    let inner = match raw.as_bytes() {
        [quote @ (b'"' | b'\''), .., last] if quote == last => &raw[1..raw.len() - 1],
        _ => raw,
    };
    if !inner.as_bytes().contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        match rest.next() {
            Some(c @ ('"' | '\'' | '\\')) => value.push(c),
            Some('t') => value.push('\t'),
            Some('r') => value.push('\r'),
            Some('n') => value.push('\n'),
            Some(other) => value.extend(['\\', other]),
            None => value.push('\\'),
        }
    }
    Cow::Owned(value)
}

/// Iterates over the tokens of a text; see [`tokens`].
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    place: Position,
    failed: bool,
    /// Whether a backslash stands in the word that was read last.
    escaped: bool,
}

/// Where in a directive the next token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    Name,
    Argument { lua: bool },
    LuaBody,
}

impl<'a> Lexer<'a> {
    /// Starts at byte `at` on line `line`, where a directive may begin.
    pub(super) fn starting(text: &'a str, at: usize, line: u32) -> Self {
        Self {
            text,
            at,
            line,
            place: Position::Name,
            failed: false,
            escaped: false,
        }
    }

    /// Whether the token before was the brace that opens a block of Lua code.
    pub(super) fn at_lua_body(&self) -> bool {
        self.place == Position::LuaBody
    }

    /// Goes to the next token that is neither space nor comment.
    pub(super) fn skip_blank(&mut self) {
        if self.failed || self.place == Position::LuaBody {
            return;
        }
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(self.at) {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.at += 1;
                }
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'#' => self.at = self.run_of(self.at, |b| b != b'\n'),
                _ => return,
            }
        }
    }

    /// The next token; none at the end, and behind an error.
    pub(super) fn token(&mut self) -> Result<Option<Token>, SyntaxError> {
        let bytes = self.text.as_bytes();
        let Some(&first) = bytes.get(self.at).filter(|_| !self.failed) else {
            return Ok(None);
        };
        let (kind, end) = self.read(first).inspect_err(|_| self.failed = true)?;
        let token = Token {
            kind,
            span: self.at..end,
            line: self.line,
        };
        if self.may_span_lines(kind) {
            self.line += newlines(&self.text[self.at..end]);
        }
        self.at = end;
        Ok(Some(token))
    }

    /// The kind of the next token, and the byte behind it.
    fn read(&mut self, first: u8) -> Result<(TokenKind, usize), SyntaxError> {
        if self.place == Position::LuaBody {
            self.place = Position::Name;
            let end = lua::end_of_block(self.text, self.at).ok_or(self.error(Fault::OpenLua))?;
            if end > self.at {
                return Ok((TokenKind::Raw, end));
            }
        }
        let next = self.at + 1;
        Ok(match first {
            b' ' | b'\t' | b'\r' | b'\n' => (TokenKind::Space, self.run_of(next, is_space)),
            b'#' => (TokenKind::Comment, self.run_of(next, |b| b != b'\n')),
            b';' => {
                self.place = Position::Name;
                (TokenKind::Semicolon, next)
            }
            b'{' => {
                self.place = match self.place {
                    Position::Argument { lua: true } => Position::LuaBody,
                    _ => Position::Name,
                };
                (TokenKind::Open, next)
            }
            b'}' => {
                self.place = Position::Name;
                (TokenKind::Close, next)
            }
            b'"' | b'\'' => {
                let end = self.end_of_quoted(first)?;
                self.pass_word(end);
                (TokenKind::Quoted, end)
            }
            _ => {
                let end = self.end_of_word();
                self.pass_word(end);
                (TokenKind::Word, end)
            }
        })
    }

    fn pass_word(&mut self, end: usize) {
        const LUA: &str = "_by_lua_block";
        if self.place == Position::Name {
            // Most names are too short; nothing need be unquoted to see that.
            let word = &self.text[self.at..end];
            let lua = word.len() >= LUA.len() && unquoted(word).ends_with(LUA);
            self.place = Position::Argument { lua };
        }
    }

    fn run_of(&self, from: usize, keep: impl Fn(u8) -> bool) -> usize {
        let rest = &self.text.as_bytes()[from..];
        from + rest.iter().position(|b| !keep(*b)).unwrap_or(rest.len())
    }

    fn end_of_word(&mut self) -> usize {
        self.escaped = false;
        let bytes = self.text.as_bytes();
        let mut at = self.at;
        while let Some(rest) = bytes.get(at..) {
            let Some(plain) = rest.iter().position(|byte| is_special(*byte)) else {
                return bytes.len();
            };
            at += plain;
            match bytes[at] {
                b'\\' => {
                    self.escaped = true;
                    at += 2;
                }
                b'$' => at = self.run_of(at + 1, |byte| byte == b'{'),
                _ => return at,
            }
        }
        self.boundary(at)
    }

    fn end_of_quoted(&self, quote: u8) -> Result<usize, SyntaxError> {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        while let Some(&byte) = bytes.get(at) {
            if byte == quote {
                let end = at + 1;
                return match self.text[end..].chars().next() {
                    None | Some(' ' | '\t' | '\r' | '\n' | ';' | '{' | ')') => Ok(end),
                    Some(other) => Err(SyntaxError {
                        line: self.line + newlines(&self.text[self.at..end]),
                        fault: Fault::AfterQuote(other),
                    }),
                };
            }
            at += if byte == b'\\' { 2 } else { 1 };
        }
        Err(self.error(Fault::OpenQuote(char::from(quote))))
    }

    /// A word goes on in another line only where a backslash protects the end of its own.
    fn may_span_lines(&self, kind: TokenKind) -> bool {
        match kind {
            TokenKind::Semicolon | TokenKind::Open | TokenKind::Close => false,
            TokenKind::Word => self.escaped,
            _ => true,
        }
    }

    /// A backslash protects one byte, which may be the first of several of a character, or the
    /// one after the last of the text.
    fn boundary(&self, at: usize) -> usize {
        let at = at.min(self.text.len());
        (at..=self.text.len())
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or(self.text.len())
    }

    fn error(&self, fault: Fault) -> SyntaxError {
        SyntaxError {
            line: self.line,
            fault,
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Result<Token, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.token().transpose()
    }
}

/// Whether a byte in a word may end it, or protect the next one.
fn is_special(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b';' | b'{' | b'$' | b'\\')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// How many lines `text` ends.
pub(super) fn newlines(text: &str) -> u32 {
    let ends = text.bytes().filter(|byte| *byte == b'\n').count();
    u32::try_from(ends).unwrap_or(u32::MAX)
}
