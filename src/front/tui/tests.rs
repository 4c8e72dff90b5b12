#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod keys;
mod random;
mod screens;

use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::key::Key;
use super::look::Look;
use super::message::{Effect, Message};
use super::model::Model;
use super::update::update;
use super::view;
use crate::answers::Entered;
use crate::facts::{Build, Facts, Known, Master, Nginx};
use crate::host::Local;
use crate::probe::{self, Wanted};
use crate::values::Port;

/// The sample host, looked at once for all tests.
fn facts() -> Facts {
    static FACTS: std::sync::LazyLock<Facts> = std::sync::LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sample-host");
        let host = Local::under(&root).unwrap();
        let wanted = Wanted {
            names: Vec::new(),
            addresses: Vec::new(),
            https_port: Port::HTTPS,
            files: Vec::new(),
            state: "/var/lib/nim-tls".parse().unwrap(),
        };
        let mut facts = probe::look(&host, &wanted);
        facts.looked_at = 1_790_000_000;
        facts.nginx = Known::Is(nginx());
        // How much room this machine has is not what is tested.
        facts.space.clear();
        facts
    });
    FACTS.clone()
}

fn nginx() -> Nginx {
    let options = ["ssl", "v2", "auth_request"];
    Nginx {
        binary: "/usr/sbin/nginx".to_owned(),
        build: Build {
            version: (1, 26, 3),
            plus: None,
            openssl: None,
            options: options
                .map(|name| format!("--with-http_{name}_module"))
                .to_vec(),
        },
        on_disk: None,
        main: "/etc/nginx/nginx.conf".to_owned(),
        args: Vec::new(),
        master: Some(Master {
            pid: 640,
            loaded_at: None,
        }),
        loads: Known::Is(Ok(())),
    }
}

/// The wizard as it is when the sample host was looked at.
fn begun() -> Model {
    let look = Look {
        colour: false,
        ascii: true,
    };
    let mut model = Model::new(look, (80, 24), Entered::default(), String::new());
    update(&mut model, Message::Looked(Box::new(facts())));
    model
}

fn press(model: &mut Model, keys: &[Key]) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys {
        effects.extend(update(model, Message::Key(*key)));
    }
    effects
}

fn typed(model: &mut Model, text: &str) {
    for letter in text.chars() {
        press(model, &[Key::Char(letter)]);
    }
}

fn drawn(model: &Model, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view::frame(model, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let mut text = String::new();
    for y in 0..rows {
        let line: String = (0..columns).map(|x| buffer[(x, y)].symbol()).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// From the first step to the question of the step Apply.
fn at_apply() -> Model {
    let mut model = begun();
    press(&mut model, &[Key::Enter, Key::Enter, Key::Enter]);
    typed(&mut model, "nim.example.com");
    press(&mut model, &[Key::Enter, Key::Enter]);
    typed(&mut model, "correct horse");
    press(&mut model, &[Key::Tab]);
    typed(&mut model, "correct horse");
    press(&mut model, &[Key::Enter]);
    press(&mut model, &[Key::Enter]);
    model
}
