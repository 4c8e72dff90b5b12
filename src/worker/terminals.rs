//! A line to everybody who is logged in on another terminal: a change waits for somebody's word.

use std::time::Duration;

use crate::host::{Command, Host};

const PATIENCE: Duration = Duration::from_secs(5);
/// More are not told: it is a line, not a campaign.
const MOST: usize = 32;

/// Tells them, except on the terminal `own`, which shows it already. Whoever cannot be told
/// (nobody is logged in, `who` or `write` is not here) is not worse off than without.
pub(super) fn tell(host: &dyn Host, own: &str, text: &str) {
    let (Some(who), Some(write)) = (host.find("who"), host.find("write")) else {
        return;
    };
    let Ok(said) = host.run(&Command::new(who, &[]).timeout(PATIENCE)) else {
        return;
    };
    let others = sessions(&said.out()).into_iter();
    let others = others.filter(|(_, terminal)| format!("/dev/{terminal}") != own);
    for (user, terminal) in others.take(MOST) {
        let command = Command::new(&write, &[&user, &terminal]).timeout(PATIENCE);
        let _ = host.run_with_input(&command, format!("{text}\n").as_bytes());
    }
}

/// User and terminal of each line of `who`; what looks like neither is passed over.
fn sessions(said: &str) -> Vec<(String, String)> {
    let plain = |word: &str| {
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
        word.bytes().all(usual) && !word.starts_with('-')
    };
    let lines = said.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (user, terminal) = (words.next()?, words.next()?);
        let known = terminal.starts_with("pts/") || terminal.starts_with("tty");
        (known && plain(user) && plain(terminal)).then(|| (user.to_owned(), terminal.to_owned()))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Change, Memory, Output};

    #[test]
    fn everybody_is_told_but_whoever_sees_it_already() {
        let machine = Memory::new()
            .with_program("/usr/bin/who")
            .with_program("/usr/bin/write")
            .answering(|_, command| {
                let who = command.program.ends_with("who");
                let text = "root     pts/0        2026-11-26 14:00 (10.0.0.1)\n\
                    alice    pts/3        2026-11-26 14:01 (10.0.0.2)\n\
                    root     tty1         2026-11-26 14:02\n\
                    -n       pts/4        2026-11-26 14:03\n\
                    (unknown) :0          2026-11-26 14:04\n";
                let stdout = if who {
                    text.as_bytes().to_vec()
                } else {
                    Vec::new()
                };
                Some(Output {
                    code: Some(0),
                    stdout,
                    ..Output::default()
                })
            });
        tell(&machine, "/dev/pts/3", "it waits");
        let ran = [
            "/usr/bin/who",
            "/usr/bin/write root pts/0",
            "/usr/bin/write root tty1",
        ];
        assert_eq!(
            machine.changes(),
            ran.map(|ran| Change::Ran(ran.to_owned()))
        );
    }
}
