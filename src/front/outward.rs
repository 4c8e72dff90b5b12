//! Remedies name files as the host does. Where the host is a tree (`--root`) or its state lies
//! elsewhere, a command that is pasted acts on the machine around, which names them otherwise.

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::error::{Exit, Problem};
use crate::prerequisites::Check;
use crate::values::path_word;

/// Folders of the kernel's: the machine around has them, a tree has not.
const OF_THE_KERNEL: [&str; 3] = ["/proc/", "/dev/", "/sys/"];

/// Within which quotes of a shell a character stands.
#[derive(Clone, Copy)]
enum Quotes {
    None,
    /// `'...'`
    Plain,
    /// `$'...'`, in which a backslash takes its next character along.
    Escaping,
}

/// From words of a host to words for the machine around it.
#[derive(Debug, Clone, Default)]
pub(super) struct Outward {
    root: Option<String>,
    /// What makes a command of ours act on the same place, with a blank before it.
    options: String,
}

impl Outward {
    pub(super) fn new(root: Option<String>, options: String) -> Self {
        let root = root.map(|root| root.trim_end_matches('/').to_owned());
        Self { root, options }
    }

    pub(super) fn options(&self) -> &str {
        &self.options
    }

    pub(super) fn problem(&self, problem: &Problem) -> Problem {
        let mut problem = problem.clone();
        // What was typed was typed on the machine around.
        if problem.exit != Exit::Usage {
            problem.remedy = problem.remedy.map(|remedy| self.remedy(&remedy));
        }
        problem
    }

    /// The prerequisites, each with what helps from outside.
    pub(super) fn checks(&self, mut checks: Vec<Check>) -> Vec<Check> {
        for check in &mut checks {
            check.remedy = check.remedy.take().map(|remedy| self.remedy(&remedy));
        }
        checks
    }

    /// The same of a problem that was written down as text.
    pub(super) fn text(&self, problem: &str) -> String {
        let problem = Problem::of_text(Exit::HostUnfit, problem);
        self.problem(&problem).to_string()
    }

    pub(super) fn remedy(&self, remedy: &str) -> String {
        self.with_options(&self.rooted(remedy))
    }

    /// Paths as the machine around has them; those that begin with the root stay. A path is a whole
    /// word, bare or in quotes: what looks like one within a name is left alone.
    fn rooted(&self, text: &str) -> String {
        let Some(root) = self.root.as_deref().filter(|root| !root.is_empty()) else {
            return text.to_owned();
        };
        let mut rooted = String::new();
        // Where the word begins, until its first character has come.
        let mut begins = Some(0);
        let mut quotes = Quotes::None;
        let mut escaped = false;
        let mut last = ' ';
        for (at, c) in text.char_indices() {
            let first = begins;
            match (c, quotes) {
                _ if escaped => escaped = false,
                ('\\', Quotes::None | Quotes::Escaping) => (escaped, begins) = (true, None),
                ('\'', Quotes::Plain | Quotes::Escaping) => (quotes, begins) = (Quotes::None, None),
                // In a sentence it may be an apostrophe.
                ('\'', Quotes::None) if !last.is_alphanumeric() => {
                    quotes = if last == '$' {
                        Quotes::Escaping
                    } else {
                        Quotes::Plain
                    };
                }
                ('"' | '$', Quotes::None) if first.is_some() => {}
                (' ' | '(' | ';' | '=', Quotes::None) => begins = Some(rooted.len() + 1),
                _ => begins = None,
            }
            last = c;
            if let Some(begin) = first
                && c == '/'
                && !is_outside(&text[at..], root)
            {
                // Before the quotes, so that each part keeps its own.
                rooted.insert_str(begin, &path_word(root));
            }
            rooted.push(c);
        }
        rooted
    }

    /// Commands of ours with the options that lead to this place.
    fn with_options(&self, text: &str) -> String {
        const PROGRAM: &str = "nim-tls ";
        if self.options.is_empty() {
            return text.to_owned();
        }
        let ours = Cli::command();
        let mut parts = text.split(PROGRAM);
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            whole.push_str(PROGRAM);
            let end = part.find([' ', ';', ',', '.']).unwrap_or(part.len());
            let (word, rest) = part.split_at(end);
            whole.push_str(word);
            let led = rest.contains("--root ") || rest.contains("--state-dir ");
            if ours.find_subcommand(word).is_some() && !led {
                whole.push_str(&self.options);
            }
            whole.push_str(rest);
        }
        whole
    }
}

/// Whether what begins with this path is told as the machine around has it already.
fn is_outside(path: &str, root: &str) -> bool {
    let rest = path.strip_prefix(root);
    let ends = |rest: &str| rest.is_empty() || rest.starts_with(['/', '\'', '"', ' ', ';', ')']);
    rest.is_some_and(ends) || OF_THE_KERNEL.iter().any(|folder| path.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outward(root: &str) -> Outward {
        let options = format!(" --root {}", path_word(root));
        Outward::new(Some(root.to_owned()), options)
    }

    /// Red where a path is passed over, or one that is outside already gets the root twice.
    #[test]
    fn a_pasted_command_acts_on_the_tree() {
        let tree = outward("/mnt/image");
        for (inside, outside) in [
            ("chattr -i /etc/a", "chattr -i /mnt/image/etc/a"),
            (
                "cp -a /etc/a /etc/a.new && mv /etc/a.new /etc/a",
                "cp -a /mnt/image/etc/a /mnt/image/etc/a.new && mv /mnt/image/etc/a.new \
                 /mnt/image/etc/a",
            ),
            ("mv '/etc/a b' /c", "mv /mnt/image'/etc/a b' /mnt/image/c"),
            ("rm $'/a\\012b'", "rm /mnt/image$'/a\\012b'"),
            ("rm '/a\\' /b", "rm /mnt/image'/a\\' /mnt/image/b"),
            ("the plan's /a", "the plan's /mnt/image/a"),
            ("rm '/a /b' /c", "rm /mnt/image'/a /b' /mnt/image/c"),
            (
                "rm $'/a\\' /b' '/c '\\'' /d'",
                "rm /mnt/image$'/a\\' /b' /mnt/image'/c '\\'' /d'",
            ),
            (
                "mount -o remount,rw \"$(findmnt -n -o TARGET -T /etc)\"",
                "mount -o remount,rw \"$(findmnt -n -o TARGET -T /mnt/image/etc)\"",
            ),
            ("ls -l /mnt/image/etc", "ls -l /mnt/image/etc"),
            ("ls -ld /", "ls -ld /mnt/image/"),
            ("ls -l /mnt/images", "ls -l /mnt/image/mnt/images"),
            ("cat /proc/sys/fs/file-nr", "cat /proc/sys/fs/file-nr"),
            (
                "nim-tls rollback 2026 --yes",
                "nim-tls rollback --root /mnt/image 2026 --yes",
            ),
            (
                "nim-tls watch --root /mnt/image",
                "nim-tls watch --root /mnt/image",
            ),
            ("nim-tls --help", "nim-tls --help"),
        ] {
            assert_eq!(tree.remedy(inside), outside);
        }
        assert_eq!(
            outward("/my image").remedy("mv '/a b' /c"),
            "mv '/my image''/a b' '/my image'/c"
        );
    }

    #[test]
    fn what_is_about_words_that_were_typed_stays_and_so_does_a_running_host() {
        let typed = Problem::usage("no such file").remedy("ls -la /home/me");
        assert_eq!(outward("/x").problem(&typed), typed);
        let found = Problem::host("locked").remedy("chattr -i /etc/a; nim-tls history");
        assert_eq!(Outward::default().problem(&found), found);
        let written = outward("/x").text(&found.to_string());
        assert!(written.ends_with("\n  do: chattr -i /x/etc/a; nim-tls history --root /x"));
    }
}
