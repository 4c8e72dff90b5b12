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
    /// For each row, which of its cells show something.
    inked: Vec<Vec<bool>>,
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
            inked: Vec::new(),
            size,
        }
    }

    fn go(&mut self, to: Position) -> io::Result<()> {
        match self.at {
            Some(at) if at == to => {}
            // How far to the right takes half the bytes of a place.
            Some(at) if at.y == to.y && at.x < to.x => match to.x - at.x {
                1 => self.out.write_all(b"\x1b[C")?,
                right => write!(self.out, "\x1b[{right}C")?,
            },
            _ => write!(self.out, "\x1b[{};{}H", to.y + 1, to.x + 1)?,
        }
        self.at = Some(to);
        Ok(())
    }

    /// Takes in what a cell is to show.
    fn ink(&mut self, x: u16, y: u16, cell: &Cell) {
        let (x, y) = (usize::from(x), usize::from(y));
        if self.inked.len() <= y {
            self.inked.resize(y + 1, Vec::new());
        }
        // What a wide letter covers is no blank either.
        let end = x + Span::raw(cell.symbol()).width().max(1);
        let row = &mut self.inked[y];
        if row.len() < end {
            row.resize(end, false);
        }
        row[x..end].fill(!is_blank(cell));
    }

    /// Whether a row shows nothing from this column on.
    fn is_empty_from(&self, x: u16, y: u16) -> bool {
        let row = self.inked.get(usize::from(y));
        let rest = row.and_then(|row| row.get(usize::from(x)..));
        rest.is_none_or(|rest| !rest.contains(&true))
    }

    fn wear(&mut self, wanted: Dress, dress: &mut Dress) -> io::Result<()> {
        if wanted != *dress {
            self.out.write_all(wanted.sequence().as_bytes())?;
            *dress = wanted;
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

/// How many bytes it takes to erase the rest of a row.
const ERASING: usize = 3;

fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && !cell.modifier.contains(Modifier::REVERSED)
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
        let cells: Vec<_> = content.collect();
        for (x, y, cell) in &cells {
            self.ink(*x, *y, cell);
        }
        let mut erased = None;
        for (index, (x, y, cell)) in cells.iter().copied().enumerate() {
            if erased == Some(y) {
                continue;
            }
            self.go(Position { x, y })?;
            let reversed = dress.modifier.contains(Modifier::REVERSED);
            if is_blank(cell) {
                // What is reversed would be seen on a blank; any other dress is not.
                if reversed {
                    self.wear(PLAIN, &mut dress)?;
                }
                let more = cells.get(index + ERASING).is_some_and(|more| more.1 == y);
                if more && self.is_empty_from(x, y) {
                    self.out.write_all(b"\x1b[K")?;
                    erased = Some(y);
                    continue;
                }
            } else {
                self.wear(Dress::of(cell), &mut dress)?;
            }
            self.out.write_all(cell.symbol().as_bytes())?;
            // Beyond the last column a terminal may have gone on or not.
            let width = u16::try_from(Span::raw(cell.symbol()).width()).unwrap_or(0);
            self.at = (width == 1 && x + 1 < columns).then_some(Position { x: x + 1, y });
        }
        self.wear(PLAIN, &mut dress)
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
        self.inked.clear();
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
    fn further_right_in_a_row_is_told_as_a_distance() {
        let line = |text: &'static str| (Text::raw(text), None);
        let shown = written(&[line("abcdef\ng"), line("xbcxex\ng"), line("abcdef\nx")]);
        let there = "\x1b[1;1Hx\x1b[2Cx\x1b[Cx";
        let back = "\x1b[1;1Ha\x1b[2Cd\x1b[Cf\x1b[2;1Hx";
        assert_eq!(shown[1..], [there, back]);
    }

    #[test]
    fn a_blank_is_dressed_only_where_that_is_to_be_seen() {
        let line = Line::from(vec![
            "a".red(),
            " ".into(),
            "b".red(),
            " ".reversed(),
            " ".into(),
        ]);
        let shown = written(&[(Text::raw("xxxxx"), None), (Text::from(line), None)]);
        assert_eq!(shown[1], "\x1b[1;1H\x1b[;31ma b\x1b[;7m \x1b[m ");
    }

    #[test]
    fn the_blank_rest_of_a_row_is_erased_where_that_is_shorter() {
        let line = |text: &'static str| (Text::raw(text), None);
        let shown = written(&[line("abcdefgh\nx"), line("ab\nx"), line("abcd"), line("a")]);
        let erased = ["\x1b[1;3H\x1b[K", "cd\x1b[2;1H ", "\x1b[1;2H   "];
        assert_eq!(shown[1..], erased);
        let shown = written(&[line("abcdefgh"), line("abc    h"), line("        ")]);
        assert_eq!(shown[1..], ["\x1b[1;4H    ", "\x1b[1;1H\x1b[K"]);
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
