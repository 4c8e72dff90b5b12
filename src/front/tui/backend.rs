//! From cells to the fewest bytes that draw them: on a slow line every byte can be seen. It
//! speaks only what every terminal since the VT100 knows, and the sixteen colours of most.

use std::fmt::Write as _;
use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};
use ratatui::style::{Color, Modifier};
use ratatui::text::Span;

/// Writes to a terminal, and knows what that shows.
pub(super) struct Lean<W: Write> {
    out: W,
    /// Where the terminal's cursor is, where that is certain.
    at: Option<Position>,
    cursor_shown: Option<bool>,
    /// Columns and rows, asked of the terminal's driver.
    size: fn() -> io::Result<(u16, u16)>,
}

/// What of a cell is no text.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Dress {
    /// The number that selects it; `None`: as the terminal has it.
    colour: Option<u8>,
    modifier: Modifier,
}

const PLAIN: Dress = Dress {
    colour: None,
    modifier: Modifier::empty(),
};

impl<W: Write> Lean<W> {
    pub(super) fn new(out: W, size: fn() -> io::Result<(u16, u16)>) -> Self {
        Self {
            out,
            at: None,
            cursor_shown: None,
            size,
        }
    }

    fn go(&mut self, to: Position) -> io::Result<()> {
        if self.at != Some(to) {
            write!(self.out, "\x1b[{};{}H", to.y + 1, to.x + 1)?;
            self.at = Some(to);
        }
        Ok(())
    }

    fn show(&mut self, shown: bool) -> io::Result<()> {
        if self.cursor_shown != Some(shown) {
            let sequence = if shown { "\x1b[?25h" } else { "\x1b[?25l" };
            self.out.write_all(sequence.as_bytes())?;
            self.cursor_shown = Some(shown);
        }
        Ok(())
    }
}

impl Dress {
    fn of(cell: &Cell) -> Self {
        Self {
            colour: code_of(cell.fg),
            modifier: cell.modifier,
        }
    }

    /// Select Graphic Rendition (ECMA-48), from nothing: shorter than telling what changes.
    fn sequence(self) -> String {
        let mut codes = String::new();
        for (flag, code) in [
            (Modifier::BOLD, 1),
            (Modifier::DIM, 2),
            (Modifier::REVERSED, 7),
        ] {
            if self.modifier.contains(flag) {
                let _ = write!(codes, ";{code}");
            }
        }
        if let Some(code) = self.colour {
            let _ = write!(codes, ";{code}");
        }
        format!("\x1b[{codes}m")
    }
}

/// Colours beyond the sixteen are not drawn.
fn code_of(colour: Color) -> Option<u8> {
    const DARK: [Color; 8] = [
        Color::Black,
        Color::Red,
        Color::Green,
        Color::Yellow,
        Color::Blue,
        Color::Magenta,
        Color::Cyan,
        Color::Gray,
    ];
    (30..)
        .zip(DARK)
        .find_map(|(code, known)| (known == colour).then_some(code))
}

impl<W: Write> Backend for Lean<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let columns = self.size()?.width;
        let mut dress = PLAIN;
        for (x, y, cell) in content {
            self.go(Position { x, y })?;
            let wanted = Dress::of(cell);
            if wanted != dress {
                self.out.write_all(wanted.sequence().as_bytes())?;
                dress = wanted;
            }
            self.out.write_all(cell.symbol().as_bytes())?;
            // Beyond the last column a terminal may have gone on or not.
            let width = u16::try_from(Span::raw(cell.symbol()).width()).unwrap_or(0);
            self.at = (width == 1 && x + 1 < columns).then_some(Position { x: x + 1, y });
        }
        if dress != PLAIN {
            self.out.write_all(PLAIN.sequence().as_bytes())?;
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.show(false)
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.show(true)
    }

    /// The terminal is never asked: over a slow line its answer would come among the keys.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.at.unwrap_or(Position::ORIGIN))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.go(position.into())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.at = None;
        self.out.write_all(b"\x1b[m\x1b[2J")
    }

    fn clear_region(&mut self, _: ClearType) -> io::Result<()> {
        // Only the whole screen is ever cleared.
        self.clear()
    }

    fn size(&self) -> io::Result<Size> {
        let (width, height) = (self.size)()?;
        Ok(Size { width, height })
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize {
            columns_rows: self.size()?,
            pixels: Size::ZERO,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use ratatui::Terminal;
    use ratatui::style::{Style, Stylize};
    use ratatui::text::{Line, Text};

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as the driver is asked")]
    fn ten_by_two() -> io::Result<(u16, u16)> {
        Ok((10, 2))
    }

    /// What each of these screens costs after the one before it.
    fn written(screens: &[(Text<'_>, Option<Position>)]) -> Vec<String> {
        let mut terminal = Terminal::new(Lean::new(Vec::new(), ten_by_two)).unwrap();
        let mut all = Vec::new();
        for (text, cursor) in screens {
            let draw = |frame: &mut ratatui::Frame<'_>| {
                frame.render_widget(text, frame.area());
                if let Some(position) = cursor {
                    frame.set_cursor_position(*position);
                }
            };
            terminal.draw(draw).unwrap();
            let bytes = std::mem::take(&mut terminal.backend_mut().out);
            all.push(String::from_utf8(bytes).unwrap());
        }
        all
    }

    #[test]
    fn only_what_is_new_is_written() {
        let line = |text: &'static str| (Text::raw(text), None);
        let shown = written(&[line("ab"), line("ab"), line("abc"), line("xbc")]);
        assert_eq!(shown, ["\x1b[1;1Hab\x1b[?25l", "", "c", "\x1b[1;1Hx"]);
    }

    #[test]
    fn a_letter_where_the_cursor_is_costs_a_letter() {
        let line = |text: &'static str, x| (Text::raw(text), Some(Position { x, y: 0 }));
        let shown = written(&[line("a", 1), line("ab", 2), line("a", 1)]);
        assert_eq!(shown, ["\x1b[1;1Ha\x1b[?25h", "b", "\x1b[1;2H \x1b[1;2H"]);
    }

    #[test]
    fn a_style_is_told_once_and_taken_back() {
        let bold = Line::from(vec![
            "a".bold(),
            "b".bold(),
            "c".into(),
            "d".red().reversed(),
        ]);
        let shown = written(&[(Text::from(bold), None)]);
        assert_eq!(
            shown,
            ["\x1b[1;1H\x1b[;1mab\x1b[mc\x1b[;7;31md\x1b[m\x1b[?25l"]
        );
        let beyond = Style::new().fg(Color::Rgb(1, 2, 3));
        let line = Line::from(Span::styled("a", beyond));
        let shown = written(&[(Text::from(line), None)]);
        assert_eq!(shown, ["\x1b[1;1Ha\x1b[?25l"]);
    }

    #[test]
    fn after_the_last_column_and_after_a_wide_letter_nothing_is_taken_for_granted() {
        let shown = written(&[(Text::raw("0123456789\n日b"), None)]);
        assert_eq!(shown, ["\x1b[1;1H0123456789\x1b[2;1H日\x1b[2;3Hb\x1b[?25l"]);
    }
}
