//! Questions at a terminal, in two forms: by inquire where the cursor can be addressed, and as
//! plain lines, without one ESC byte, where it cannot.

use std::io::{self, BufRead as _, IsTerminal, Write as _};
use std::sync::{Mutex, PoisonError};

use inquire::ui::RenderConfig;
use inquire::{InquireError, Password, PasswordDisplayMode, Text};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::error::{Exit, Problem};
use crate::values::{escaped, shown};

use super::leaving::{HUNG_UP, INTERRUPTED};

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Esc.
    Back,
    Interrupted,
    /// End of input.
    Ended,
    Failed(io::Error),
}

impl Unanswered {
    /// How the process ends, where there is nothing to go back to and nothing was begun.
    pub(super) fn code(&self) -> Result<u8, Problem> {
        match self {
            Self::Back => Ok(Exit::Done as u8),
            Self::Interrupted => Ok(INTERRUPTED),
            Self::Ended => Ok(HUNG_UP),
            Self::Failed(error) => Err(Problem::usage(format!("the question failed: {error}"))),
        }
    }
}

/// What can be said in answer to a question.
#[derive(Clone, Copy)]
pub(super) enum Choices<'a> {
    /// Anything.
    Open,
    /// These words, to be named with the question.
    Of(&'a [&'a str]),
    /// These words, which were named just before, each with what it means.
    Named(&'a [&'a str]),
    /// These words and no beginnings of them, because a slip of a finger must not be one.
    InFull(&'a [&'a str]),
}

impl<'a> Choices<'a> {
    pub(super) fn words(self) -> &'a [&'a str] {
        match self {
            Self::Open => &[],
            Self::Of(words) | Self::Named(words) | Self::InFull(words) => words,
        }
    }

    /// The word that was said: in full, or the beginning of it and of no other.
    pub(super) fn meant(self, said: &str) -> Option<&'a str> {
        let words = self.words();
        if let Some(word) = words.iter().find(|word| **word == said) {
            return Some(word);
        }
        let mut begun = words.iter().filter(|word| word.starts_with(said));
        match (self, begun.next(), begun.next()) {
            (Self::InFull(_), ..) => None,
            (_, Some(word), None) if !said.is_empty() => Some(word),
            _ => None,
        }
    }
}

/// Somebody who can be asked.
pub(super) trait Ask {
    /// One line. `shown` is what an empty line stands for; `choices`, where there are some, are
    /// what can be said.
    fn line(
        &mut self,
        label: &str,
        shown: &str,
        choices: Choices<'_>,
    ) -> Result<String, Unanswered>;
    /// One line that is neither shown nor kept.
    fn secret(&mut self, label: &str) -> Result<Zeroizing<String>, Unanswered>;
    /// Words on the way, with their line ends.
    fn say(&mut self, text: &str);
}

/// Whether the terminal says that its cursor can be moved.
pub(super) fn addresses_cursor() -> bool {
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// The form that this terminal can show. `to_result`: plain lines go to standard output, where
/// the answers are what this command is about.
pub(super) fn at_terminal(colour: bool, to_result: bool) -> Box<dyn Ask> {
    // inquire writes to standard error.
    if addresses_cursor() && io::stderr().is_terminal() {
        if !colour {
            inquire::set_global_render_config(RenderConfig::empty());
        }
        Box::new(ByInquire)
    } else {
        Box::new(InLines { to_result })
    }
}

struct ByInquire;

impl Ask for ByInquire {
    fn line(
        &mut self,
        label: &str,
        shown: &str,
        choices: Choices<'_>,
    ) -> Result<String, Unanswered> {
        let label = headed(label);
        let default = escaped(shown);
        let mut text = Text::new(&label);
        let words = choices.words();
        if !shown.is_empty() {
            // Not typed in advance: a word such as back would be glued to it.
            text = text.with_default(&default);
        }
        if !words.is_empty() {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            let named = matches!(choices, Choices::Named(_));
            text = text.with_autocomplete(move |typed: &str| {
                let fits = |word: &&String| word.starts_with(typed) && !(named && typed.is_empty());
                Ok(words.iter().filter(fits).cloned().collect())
            });
            if named {
                text = text.with_help_message("type one of them, tab to complete, enter to submit");
            }
        }
        text.prompt().map_err(unanswered)
    }

    fn secret(&mut self, label: &str) -> Result<Zeroizing<String>, Unanswered> {
        let label = headed(label);
        let question = Password::new(&label)
            .with_display_mode(PasswordDisplayMode::Hidden)
            .without_confirmation();
        question.prompt().map(Zeroizing::new).map_err(unanswered)
    }

    fn say(&mut self, text: &str) {
        let mut out = io::stdout().lock();
        let text = shown(text, true);
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

/// A question is none the more for a colon.
fn headed(label: &str) -> String {
    let colon = if label.ends_with('?') { "" } else { ":" };
    format!("{label}{colon}")
}

fn unanswered(error: InquireError) -> Unanswered {
    match error {
        InquireError::OperationCanceled => Unanswered::Back,
        InquireError::OperationInterrupted => Unanswered::Interrupted,
        // A line that was hung up.
        InquireError::IO(error) if error.raw_os_error() == Some(5) => Unanswered::Ended,
        InquireError::IO(error) => Unanswered::Failed(error),
        error => Unanswered::Failed(io::Error::other(error)),
    }
}

struct InLines {
    to_result: bool,
}

impl Ask for InLines {
    fn line(
        &mut self,
        label: &str,
        shown: &str,
        choices: Choices<'_>,
    ) -> Result<String, Unanswered> {
        let choices = match choices {
            Choices::Of(words) | Choices::InFull(words) if words.len() > 1 => {
                format!(" ({})", words.join(", "))
            }
            _ => String::new(),
        };
        let shown = escaped(shown);
        let offered = if shown.is_empty() {
            String::new()
        } else {
            format!(" [{shown}]")
        };
        self.say(&format!("{label}{choices}{offered}: "));
        let line = read_line()?;
        let line = line.trim();
        Ok(if line.is_empty() { &shown } else { line }.to_owned())
    }

    fn secret(&mut self, label: &str) -> Result<Zeroizing<String>, Unanswered> {
        self.say(&format!("{label} (it is not shown): "));
        hide().map_err(Unanswered::Failed)?;
        let line = read_line();
        give_back();
        let line = line?;
        Ok(Zeroizing::new(
            line.trim_end_matches(['\r', '\n']).to_owned(),
        ))
    }

    fn say(&mut self, text: &str) {
        let text = shown(text, true);
        let write =
            |out: &mut dyn io::Write| out.write_all(text.as_bytes()).and_then(|()| out.flush());
        // Where nobody reads it any more, the next read ends.
        let _ = if self.to_result {
            write(&mut io::stdout().lock())
        } else {
            write(&mut io::stderr().lock())
        };
    }
}

/// A longer line is no answer to anything here; also, what is read may be a secret, and a buffer
/// that grows leaves copies behind.
const LONGEST: usize = 4096;

fn read_line() -> Result<Zeroizing<String>, Unanswered> {
    let mut line = Zeroizing::new(String::with_capacity(LONGEST));
    match io::stdin().lock().read_line(&mut line) {
        Ok(0) => Err(Unanswered::Ended),
        Ok(_) => Ok(line),
        // The terminal is gone.
        Err(error) if error.raw_os_error() == Some(5) => Err(Unanswered::Ended),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Ok(Zeroizing::new("\u{fffd}".to_owned()))
        }
        Err(error) => Err(Unanswered::Failed(error)),
    }
}

/// The terminal as it was before what is typed was hidden.
static SHOWING: Mutex<Option<Termios>> = Mutex::new(None);

fn hide() -> io::Result<()> {
    let before = tcgetattr(io::stdin())?;
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    // The line end is shown all the same.
    hidden.local_modes.insert(LocalModes::ECHONL);
    *SHOWING.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
    tcsetattr(io::stdin(), OptionalActions::Now, &hidden)?;
    Ok(())
}

/// Leaves the terminal as it was found, whichever question was open.
pub(super) fn give_back() {
    let shown = SHOWING
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(before) = shown {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    }
    if crossterm::terminal::is_raw_mode_enabled().unwrap_or(false) {
        use crossterm::{cursor, event, execute};
        let _ = execute!(io::stderr(), event::DisableBracketedPaste, cursor::Show);
        let _ = crossterm::terminal::disable_raw_mode();
    }
}
