//! How things are drawn on this terminal: colours or none, glyphs or letters.

use ratatui::style::{Color, Modifier, Style};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) colour: bool,
    pub(super) ascii: bool,
}

impl Look {
    fn coloured(self, colour: Color) -> Style {
        if self.colour {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    /// What the keyboard acts on. Reversed, so that it shows on every background.
    pub(super) fn focus(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Second to what stands beside it.
    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    pub(super) fn warning(self) -> Style {
        self.coloured(Color::Yellow)
    }

    pub(super) fn bad(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub(super) fn added(self) -> Style {
        self.coloured(Color::Green)
    }

    pub(super) fn removed(self) -> Style {
        self.coloured(Color::Red)
    }

    pub(super) fn keyword(self) -> Style {
        self.coloured(Color::Cyan)
    }

    pub(super) fn rule(self) -> &'static str {
        if self.ascii { "-" } else { "─" }
    }

    pub(super) fn done(self) -> &'static str {
        if self.ascii { "ok" } else { "✓" }
    }

    /// How something came out; `None`: it was not tried.
    pub(super) fn mark(self, ok: Option<bool>) -> (&'static str, Style) {
        match ok {
            Some(true) => (self.done(), self.good()),
            Some(false) => ("NOT", self.bad()),
            None => ("--", self.dim()),
        }
    }

    pub(super) fn here(self) -> &'static str {
        if self.ascii { ">" } else { "▸" }
    }

    pub(super) fn arrow(self) -> &'static str {
        if self.ascii { "==>" } else { "══▶" }
    }
}
