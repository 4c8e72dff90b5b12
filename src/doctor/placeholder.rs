//! `FILE` in a command stands for the file that was seen: it is put in where it is known.

use super::finding::{Evidence, Finding};
use super::rule::Rule;

const FILE: &str = "FILE";

pub(super) fn filled(rules: &[Rule], findings: &mut [Finding]) {
    for finding in findings {
        let commands = &mut finding.fix.commands;
        if !commands.iter().any(|command| names_file(command)) {
            continue;
        }
        let rule = rules.iter().find(|rule| rule.id == finding.id);
        let is_of_line = rule.is_some_and(|rule| rule.first_word().is_some());
        let of = if is_of_line { path_in } else { own_path };
        let Some(path) = finding.evidence.iter().find_map(of) else {
            continue;
        };
        for command in commands {
            let words = command.split(' ');
            let words = words.map(|word| if word == FILE { path } else { word });
            *command = words.collect::<Vec<_>>().join(" ");
        }
    }
}

fn names_file(command: &str) -> bool {
    command.split(' ').any(|word| word == FILE)
}

/// The file itself was looked at.
fn own_path(seen: &Evidence) -> Option<&str> {
    is_plain(&seen.file).then_some(seen.file.as_str())
}

/// A log names it.
fn path_in(seen: &Evidence) -> Option<&str> {
    let words = seen
        .text
        .split(|letter: char| letter.is_whitespace() || "\"'()=,".contains(letter));
    let mut paths = words.map(|word| word.trim_end_matches([':', '.', ';', '\\']));
    paths.find(|word| is_plain(word))
}

/// A whole path that a shell takes as it is written.
fn is_plain(path: &str) -> bool {
    let is_one = |letter: char| letter.is_ascii_alphanumeric() || "/._-+@".contains(letter);
    path.len() > 1 && path.starts_with('/') && !path.starts_with("//") && path.chars().all(is_one)
}

#[cfg(test)]
mod tests {
    use super::super::rule::rules;
    use super::*;

    fn commands(id: &str, file: &str, text: &str) -> String {
        let rules = rules();
        let rule = rules.iter().find(|rule| rule.id == id).expect("the rule");
        let mut finding = rule.finding();
        finding.evidence.push(Evidence {
            file: file.to_owned(),
            line: None,
            text: text.to_owned(),
        });
        let mut findings = [finding];
        filled(&rules, &mut findings);
        findings[0].fix.commands.join("; ")
    }

    #[test]
    fn the_file_of_a_line_or_the_one_looked_at_is_put_in_and_no_other() {
        let log = "/var/log/nginx/error.log";
        let line = "1#1: cannot load certificate key \"/etc/pki/nim/a.key\": BIO_new_file() failed \
                    (SSL: error:8000000D:system library::Permission denied:calling fopen";
        let told = commands("certificate-file-unreadable", log, line);
        assert!(told.contains("ls -lZ /etc/pki/nim/a.key"), "{told}");
        let line = "could not read CA file (/opt/agent/tls/ca.pem): open: permission denied";
        let told = commands("agent-file-unreadable", log, line);
        assert_eq!(told, "ls -l /opt/agent/tls/ca.pem");
        let told = commands(
            "agents-authority-incomplete",
            "/srv/ca.pem",
            "lacks the root",
        );
        assert_eq!(told, "nim-tls certs inspect /srv/ca.pem");
        // What a shell would take apart stays the operator's to write.
        for path in ["/a b;reboot", "/a$(reboot)", "/a;reboot", "relative"] {
            let told = commands("agents-authority-incomplete", path, "x");
            assert_eq!(told, "nim-tls certs inspect FILE");
        }
    }
}
