//! How a text is laid out around a place: its lines, their indentation and their endings.

use super::lexer::{TokenKind, tokens};
use super::tree::Directive;

/// A text, asked about its layout. Offsets are bytes.
#[derive(Clone, Copy)]
pub(super) struct Layout<'a>(pub(super) &'a str);

impl<'a> Layout<'a> {
    /// Where the line begins that `at` lies on.
    pub(super) fn line_start(self, at: usize) -> usize {
        self.0[..at].rfind('\n').map_or(0, |feed| feed + 1)
    }

    /// Behind the line feed of the line that `at` lies on, or the end of the text.
    pub(super) fn next_line(self, at: usize) -> usize {
        self.0[at..]
            .find('\n')
            .map_or(self.0.len(), |feed| at + feed + 1)
    }

    /// The white space that the line of `at` begins with.
    pub(super) fn indentation(self, at: usize) -> &'a str {
        let line = &self.0[self.line_start(at)..];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    /// Whether only white space stands before `at` on its line.
    pub(super) fn is_first(self, at: usize) -> bool {
        is_blank(&self.0[self.line_start(at)..at])
    }

    /// The rest of the line of `at`, without its ending.
    pub(super) fn rest(self, at: usize) -> &'a str {
        self.0[at..self.next_line(at)].trim_end_matches(['\r', '\n'])
    }

    /// Whether nothing but a comment follows on the line. `at` is where a directive may begin.
    pub(super) fn is_last(self, at: usize) -> bool {
        let rest = self.rest(at).trim_start_matches([' ', '\t', '\r']);
        rest.is_empty() || rest.starts_with('#')
    }

    /// How lines end around `at`: as its own does, else the one before, else the first.
    pub(super) fn ending(self, at: usize) -> &'static str {
        let next = self.next_line(at);
        let line = &self.0[self.line_start(at)..next];
        let near = if line.ends_with('\n') {
            line
        } else {
            &self.0[..self.line_start(at)]
        };
        if near.ends_with("\r\n") { "\r\n" } else { "\n" }
    }

    /// The indentation of what stands directly in the block of `directive`: that of the first
    /// of it on a line of its own, else one step more than the block's.
    pub(super) fn inside(self, directive: &Directive) -> String {
        let own_line = |child: &&Directive| self.is_first(child.at.span.start());
        if let Some(child) = directive.children().iter().find(own_line) {
            return self.indentation(child.at.span.start()).to_owned();
        }
        let outer = self.indentation(directive.at.span.start());
        let tabs = if outer.is_empty() {
            let indented = |line: &&str| line.starts_with([' ', '\t']) && !is_blank(line);
            self.0
                .lines()
                .find(indented)
                .is_some_and(|line| line.starts_with('\t'))
        } else {
            outer.contains('\t')
        };
        format!("{outer}{}", if tabs { "\t" } else { "    " })
    }
}

/// `lines` one below the other, each indented by `indentation` (their own four-space steps
/// become tabs where that has tabs), each closed by `ending`.
pub(super) fn whole_lines(lines: &[String], indentation: &str, ending: &str) -> String {
    let mut text = String::new();
    for line in lines.iter().flat_map(|line| line.split('\n')) {
        let content = line.trim_start_matches(' ');
        if !content.is_empty() {
            text.push_str(indentation);
            let own = line.len() - content.len();
            if indentation.contains('\t') {
                text.push_str(&"\t".repeat(own / 4));
                text.push_str(&" ".repeat(own % 4));
            } else {
                text.push_str(&line[..own]);
            }
            text.push_str(content);
        }
        text.push_str(ending);
    }
    text
}

/// `lines` as a part of one line; None where that would change their meaning, because a comment
/// or Lua code among them needs its line feed, or a quoted word holds one.
pub(super) fn in_line(lines: &[String]) -> Option<String> {
    let joined = lines.join("\n");
    let mut text = String::with_capacity(joined.len());
    for token in tokens(&joined) {
        let token = token.ok()?;
        let part = &joined[token.span];
        match token.kind {
            TokenKind::Space if text.is_empty() => {}
            TokenKind::Space if part.contains('\n') => text.push(' '),
            TokenKind::Comment | TokenKind::Raw => return None,
            TokenKind::Word | TokenKind::Quoted if part.contains('\n') => return None,
            _ => text.push_str(part),
        }
    }
    text.truncate(text.trim_end().len());
    Some(text)
}

/// Whether it is nothing but what nginx takes for white space.
pub(super) fn is_blank(text: &str) -> bool {
    text.bytes()
        .all(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
}
