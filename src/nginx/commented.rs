//! Directives that are switched off by a `#` before them.

use std::ops::Range;

use super::config::Config;
use super::edit::Edit;
use super::layout::Layout;
use super::lexer::{Lexer, Token, TokenKind, newlines, tokens, unquoted};
use super::tree::{Body, Directive, Place};

/// A comment that would be one simple directive without its `#`. Prose can look like that too
/// (`# listen to me;`), so it means something only for a name one is looking for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commented {
    /// From the `#` to the `;`, inclusive.
    pub at: Place,
    pub name: String,
    pub args: Vec<String>,
    /// The name's bytes in the file.
    pub name_span: Range<usize>,
    /// As [`Directive::args_span`].
    pub args_span: Range<usize>,
    /// What is missing before the `#` to align the directive with its siblings: nothing, unless
    /// the `#` stands at the very beginning of its line.
    indentation: String,
}

/// The comments directly in the block of `directive` (not in blocks within, not in included
/// files) that hold exactly one simple directive, in order.
pub fn commented(config: &Config, directive: &Directive) -> Vec<Commented> {
    let Body::Block(block) = &directive.body else {
        return Vec::new();
    };
    let text: &str = &config.file(directive.at.file).text;
    let before = directive.at.span.start()..block.inner.start();
    let line = directive.at.line + newlines(&text[before]);
    let indentation = Layout(text).inside(directive);

    let mut children = directive.children().iter().peekable();
    let mut found = Vec::new();
    let inner = &text[..block.inner.end()];
    for token in Lexer::starting(inner, block.inner.start(), line).flatten() {
        let start = token.span.start;
        while children
            .next_if(|child| child.at.span.end() <= start)
            .is_some()
        {}
        let within = children
            .peek()
            .is_some_and(|child| child.at.span.start() <= start);
        if token.kind != TokenKind::Comment || within {
            continue;
        }
        if let Some(mut commented) = read(text, directive, &token) {
            if Layout(text).line_start(start) == start {
                commented.indentation.clone_from(&indentation);
            }
            found.push(commented);
        }
    }
    found
}

/// Makes a commented directive a live one, with `new_args` (written as in the file) in place of
/// its arguments. Only the `#` and what separates it from the name goes; the rest of the line
/// stays, a comment behind it included.
pub fn uncomment<R>(config: &Config, commented: &Commented, new_args: &str, why: R) -> Edit<R> {
    let text = &config.file(commented.at.file).text;
    let args = &commented.args_span;
    let gap = match &text[commented.name_span.end..args.start] {
        "" if !new_args.is_empty() => " ",
        _ if new_args.is_empty() => "",
        gap => gap,
    };
    let with = format!("{}{}{gap}{new_args}", commented.indentation, commented.name);
    Edit {
        file: commented.at.file,
        span: commented.at.span.start()..args.end,
        with,
        why,
    }
}

fn read(text: &str, parent: &Directive, comment: &Token) -> Option<Commented> {
    let whole = &text[comment.span.clone()];
    let content = whole
        .trim_start_matches('#')
        .trim_start_matches([' ', '\t']);
    let start = comment.span.end - content.len();
    let mut parts = tokens(content)
        .map_while(Result::ok)
        .filter(|token| token.kind != TokenKind::Space);

    let name = parts.next().filter(|token| token.kind == TokenKind::Word)?;
    let name_text = &content[name.span.clone()];
    if !name_text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_')
    {
        return None;
    }
    let mut args = Vec::new();
    let mut args_span = name.span.end..name.span.end;
    let end = loop {
        let token = parts.next()?;
        match token.kind {
            TokenKind::Word | TokenKind::Quoted => {
                if args.is_empty() {
                    args_span.start = token.span.start;
                }
                args_span.end = token.span.end;
                args.push(unquoted(&content[token.span]).into_owned());
            }
            TokenKind::Semicolon => break token.span.end,
            _ => return None,
        }
    };
    if parts
        .next()
        .is_some_and(|token| token.kind != TokenKind::Comment)
    {
        return None;
    }
    // A word that cannot be read ends the tokens early: then this is not all there is.
    if tokens(content).any(|token| token.is_err()) {
        return None;
    }
    Some(Commented {
        at: Place {
            file: parent.at.file,
            line: comment.line,
            span: (comment.span.start..start + end).into(),
        },
        name: name_text.to_owned(),
        args,
        name_span: start + name.span.start..start + name.span.end,
        args_span: start + args_span.start..start + args_span.end,
        indentation: String::new(),
    })
}
