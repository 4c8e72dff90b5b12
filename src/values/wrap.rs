//! Lines that fit a terminal. Words are never broken: a path, and a command that stands in a
//! line of its own, can be copied as they are.

/// The width to write for where nobody knows better.
pub const USUAL_WIDTH: usize = 80;

/// `head` and then `text`, broken between words before `width`; what follows the first line is
/// indented by as much as `head` takes. Ends with a line end.
pub fn wrapped(head: &str, text: &str, width: usize) -> String {
    let hang = head.chars().count();
    let mut lines = cell(text, width.saturating_sub(hang)).into_iter();
    let mut all = format!("{head}{}", lines.next().unwrap_or_default());
    all.truncate(all.trim_end().len());
    all.push('\n');
    for line in lines {
        all.push_str(&" ".repeat(hang));
        all.push_str(&line);
        all.push('\n');
    }
    all
}

/// The lines of a text in a column of `width`, at least one.
pub fn cell(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let long = word.chars().count();
        if used > 0 && used + 1 + long > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += long;
    }
    lines.push(line);
    lines
}

/// Whether advice is a command to paste, which no line end may break.
pub fn is_command(advice: &str) -> bool {
    const PROGRAMS: [&str; 30] = [
        "(umask",
        "apt-get",
        "chattr",
        "chmod",
        "chown",
        "cp",
        "df",
        "dmesg",
        "findmnt",
        "getent",
        "grep",
        "kill",
        "ls",
        "mount",
        "mv",
        "namei",
        "nginx",
        "nim-tls",
        "openssl",
        "rm",
        "scp",
        "sed",
        "shred",
        "ss",
        "sudo",
        "systemctl",
        "timedatectl",
        "umount",
        "update-ca-certificates",
        "update-ca-trust",
    ];
    match advice.split_once(' ') {
        // Sentences begin with these as well: "nginx is not reloaded".
        Some(("nginx" | "install", rest)) => rest.starts_with('-'),
        Some((program, _)) => PROGRAMS.contains(&program),
        None => PROGRAMS.contains(&advice),
    }
}

/// "What is wrong: a command that helps", taken apart.
pub fn with_command(words: &str) -> (&str, Option<&str>) {
    match words.split_once(": ") {
        Some((what, command)) if is_command(command) => (what, Some(command)),
        Some((head, rest)) => match with_command(rest) {
            (what, Some(command)) => (&words[..head.len() + 2 + what.len()], Some(command)),
            _ => (words, None),
        },
        None => (words, None),
    }
}

/// `do: ` and advice: a command stays whole, a sentence is wrapped.
pub fn advised(indent: &str, advice: &str, width: usize) -> String {
    if is_command(advice) {
        format!("{indent}do: {advice}\n")
    } else {
        wrapped(&format!("{indent}do: "), advice, width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hang_under_their_head_and_words_stay_whole() {
        let text = wrapped(
            "ok  ",
            "one two three /a/path/that/is/longer/than/that x",
            16,
        );
        assert_eq!(
            text,
            "ok  one two\n    three\n    /a/path/that/is/longer/than/that\n    x\n"
        );
        assert_eq!(wrapped("head ", "", 10), "head\n");
    }

    #[test]
    fn commands_are_not_broken() {
        let long = "chmod o-w /a/folder && chmod o-w /another/folder";
        assert_eq!(advised("  ", long, 20), format!("  do: {long}\n"));
        assert!(
            advised("  ", "say keep: plaintext, or discard", 20)
                .lines()
                .count()
                > 1
        );
        assert_eq!(
            with_command("everybody may replace files in /a: b: chmod o-w /a"),
            ("everybody may replace files in /a: b", Some("chmod o-w /a"))
        );
        let sentence = "this is a folder: nginx is not reloaded";
        assert_eq!(with_command(sentence), (sentence, None));
        assert_eq!(with_command("see: nginx -T"), ("see", Some("nginx -T")));
        assert_eq!(with_command("it is: so"), ("it is: so", None));
    }
}
