//! The terminal: taken for the screen, and given back on every way out.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use crossterm::{cursor, execute};
use ratatui::Terminal;

use super::backend::Lean;

/// Frames are gathered and written at once: a slow line shows each as a whole.
pub(super) type Screen = Terminal<Lean<BufWriter<Stdout>>>;

/// Whether the terminal is ours now.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Gives the terminal back when it goes out of scope.
pub(super) struct Taken;

impl Taken {
    pub(super) fn take() -> io::Result<(Self, Screen)> {
        give_back_on_panic();
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let taken = Self;
        let mut out = BufWriter::with_capacity(64 * 1024, io::stdout());
        execute!(out, EnterAlternateScreen, EnableBracketedPaste)?;
        let screen = Terminal::new(Lean::new(out, size))?;
        Ok((taken, screen))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// Harmless where it was given back already, and where nobody is there any more.
pub(super) fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(
        out,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = disable_raw_mode();
    let _ = out.flush();
}

/// A panic in whichever thread first gives the terminal back, so that its words can be read.
fn give_back_on_panic() {
    static SET: AtomicBool = AtomicBool::new(false);
    if SET.swap(true, Ordering::SeqCst) {
        return;
    }
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        usual(panic);
    }));
}
