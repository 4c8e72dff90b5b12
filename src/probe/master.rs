//! The running master: which process it is, and how it was started.

use std::path::{Path, PathBuf};

use super::build;
use super::started::started_at;
use crate::facts::Build;
use crate::host::{Host, Kind, Process, Socket};

/// What nginx puts before its command line (`ngx_master_process_cycle`).
const TITLE: &str = "nginx: master process";
const WORKER: &str = "nginx: worker process";
const LEAVING: &str = "is shutting down";

/// The master that serves here, if one runs. The error says why it cannot be told.
pub(super) fn find<'a>(
    host: &dyn Host,
    processes: &'a [Process],
    sockets: &[Socket],
    port: u16,
) -> Result<Option<&'a Process>, String> {
    let masters: Vec<&Process> = processes
        .iter()
        .filter(|process| process.title.starts_with(TITLE) && is_of_this_system(host, process.pid))
        .collect();
    let holds_port = |master: &Process| {
        let listening = |socket: &&Socket| socket.remote.is_none() && socket.local.port() == port;
        sockets
            .iter()
            .filter(listening)
            .any(|socket| socket.holders.contains(&master.pid))
    };
    // While its executable is being exchanged a master has another one as its child.
    let is_first = |master: &Process| !masters.iter().any(|other| other.pid == master.parent);

    let mut left = masters.clone();
    for preferred in [&holds_port as &dyn Fn(&Process) -> bool, &is_first] {
        if left.iter().any(|master| preferred(master)) {
            left.retain(|master| preferred(master));
        }
    }
    match left.as_slice() {
        [] => Ok(None),
        [master] => Ok(Some(master)),
        several => {
            let pids: Vec<String> = several.iter().map(|one| one.pid.to_string()).collect();
            Err(format!(
                "several nginx masters run (processes {}), and which of them serves port {port} \
                 cannot be told",
                pids.join(", ")
            ))
        }
    }
}

/// Whether some nginx has not become a master yet: until it has read its configuration and opened
/// its ports, its title is the command line it was started with.
pub(super) fn is_starting(host: &dyn Host, processes: &[Process]) -> bool {
    let untitled = |process: &Process| {
        let name = process.exe.file_name().and_then(|name| name.to_str());
        matches!(name, Some("nginx" | "nginx-debug")) && !process.title.starts_with("nginx: ")
    };
    let mut starting = processes.iter().filter(|process| untitled(process));
    starting.any(|process| is_of_this_system(host, process.pid))
}

/// Whether any nginx runs with a master.
pub(super) fn is_there(processes: &[Process]) -> bool {
    processes
        .iter()
        .any(|process| process.title.starts_with(TITLE))
}

/// Whether the process has our own process numbers: one in a container has others.
fn is_of_this_system(host: &dyn Host, pid: u32) -> bool {
    let space = |process: &str| {
        let path = format!("/proc/{process}/ns/pid");
        match host.stat(Path::new(&path)) {
            Ok(Some(stat)) => match stat.kind {
                Kind::Link(to) => Some(to),
                _ => None,
            },
            _ => None,
        }
    };
    match (space("self"), space(&pid.to_string())) {
        (Some(ours), Some(other)) => ours == other,
        _ => true,
    }
}

/// When the configuration that is being served was loaded, in seconds since 1970: the start of
/// the oldest worker that is not on its way out. A later one only replaces one that crashed.
pub(super) fn loaded_at(host: &dyn Host, processes: &[Process], master: u32) -> Option<i64> {
    let workers = processes.iter().filter(|process| {
        process.parent == master
            && process.title.starts_with(WORKER)
            && !process.title.contains(LEAVING)
    });
    let ticks = workers.map(|worker| worker.started).min()?;
    started_at(host, ticks)
}

/// The options that matter of a master's command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) program: String,
    pub(super) prefix: Option<String>,
    pub(super) config: Option<String>,
    pub(super) error_log: Option<String>,
    pub(super) directives: Option<String>,
}

impl Options {
    /// From the title, in which blanks no longer tell arguments apart: a value goes on until
    /// something looks like an option.
    pub(super) fn of_title(title: &str) -> Self {
        let mut words = title.strip_prefix(TITLE).unwrap_or_default().split(' ');
        let program = words
            .find(|word| !word.is_empty())
            .unwrap_or_default()
            .to_owned();
        let mut options = Self {
            program,
            ..Self::default()
        };
        let mut taking = None;
        for word in words {
            let letter = word.strip_prefix('-').and_then(|rest| rest.chars().next());
            let letter = letter.filter(|c| c.is_ascii_alphabetic() || *c == '?');
            let text = if letter.is_some() { &word[2..] } else { word };
            taking = letter.or(taking);
            let Some(value) = taking.and_then(|letter| options.slot(letter)) else {
                continue;
            };
            if letter.is_some() {
                *value = None;
            }
            if !text.is_empty() {
                let value = value.get_or_insert_default();
                if !value.is_empty() {
                    value.push(' ');
                }
                value.push_str(text);
            }
        }
        options
    }

    fn slot(&mut self, letter: char) -> Option<&mut Option<String>> {
        match letter {
            'p' => Some(&mut self.prefix),
            'c' => Some(&mut self.config),
            'e' => Some(&mut self.error_log),
            'g' => Some(&mut self.directives),
            _ => None,
        }
    }
}

/// Where a process of this build, with these options and this working folder, begins to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) main: String,
    pub(super) args: Vec<String>,
}

impl Start {
    /// As `ngx_process_options` does it: `-p` or the prefix of the build, and relative to that
    /// `-c` or the path of the build.
    pub(super) fn of(build: &Build, options: &Options, cwd: &Path) -> Self {
        let default = build::value(build, "--prefix").unwrap_or("/usr/local/nginx");
        let prefix = cwd.join(options.prefix.as_deref().unwrap_or(default));
        let conf = options
            .config
            .as_deref()
            .or_else(|| build::value(build, "--conf-path"));
        let main = prefix.join(conf.unwrap_or("conf/nginx.conf"));

        let mut args = Vec::new();
        let mut add = |option: &str, value: String| args.extend([option.to_owned(), value]);
        // Another process has another working folder.
        if options.prefix.is_some() || !default.starts_with('/') {
            add("-p", shown(&prefix));
        }
        if options.config.is_some() {
            add("-c", shown(&main));
        }
        if let Some(log) = &options.error_log {
            add("-e", log.clone());
        }
        if let Some(directives) = &options.directives {
            add("-g", directives.clone());
        }
        Self {
            main: shown(&main),
            args,
        }
    }
}

/// Without `.` and doubled slashes.
fn shown(path: &Path) -> String {
    path.components().collect::<PathBuf>().display().to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail so")]
    use super::*;

    fn options(title: &str) -> Options {
        Options::of_title(&format!("{TITLE} {title}"))
    }

    fn start(configured: &str, title: &str, cwd: &str) -> (String, String) {
        let said = format!("nginx version: nginx/1.22.1\nconfigure arguments: {configured}\n");
        let build = build::read(&said).unwrap();
        let start = Start::of(&build, &options(title), Path::new(cwd));
        (start.main, start.args.join(" "))
    }

    #[test]
    fn options_are_found_in_the_title() {
        let found = options("/usr/sbin/nginx -g daemon on; master_process on; -c /a/b.conf -p/x");
        assert_eq!(found.program, "/usr/sbin/nginx");
        assert_eq!(
            found.directives.as_deref(),
            Some("daemon on; master_process on;")
        );
        assert_eq!(found.config.as_deref(), Some("/a/b.conf"));
        assert_eq!(found.prefix.as_deref(), Some("/x"));
        assert_eq!(found.error_log, None);
        let found = options("nginx -q -e stderr -c /etc/my nginx/nginx.conf");
        assert_eq!(found.error_log.as_deref(), Some("stderr"));
        assert_eq!(found.config.as_deref(), Some("/etc/my nginx/nginx.conf"));
        assert_eq!(
            options("nginx -c"),
            Options {
                program: "nginx".into(),
                ..Options::default()
            }
        );
        assert_eq!(Options::of_title(TITLE), Options::default());
    }

    #[test]
    fn the_main_file_follows_from_build_options_and_working_folder() {
        let debian = "--prefix=/usr/share/nginx --conf-path=/etc/nginx/nginx.conf";
        for (configured, title, cwd, main, args) in [
            (debian, "nginx", "/", "/etc/nginx/nginx.conf", ""),
            (
                debian,
                "nginx -c x.conf",
                "/r",
                "/usr/share/nginx/x.conf",
                "-c /usr/share/nginx/x.conf",
            ),
            (
                debian,
                "nginx -p . -c c/n.conf",
                "/srv/a",
                "/srv/a/c/n.conf",
                "-p /srv/a -c /srv/a/c/n.conf",
            ),
            (
                debian,
                "nginx -g daemon off;",
                "/",
                "/etc/nginx/nginx.conf",
                "-g daemon off;",
            ),
            ("", "nginx", "/", "/usr/local/nginx/conf/nginx.conf", ""),
            (
                "--prefix=. --conf-path=nginx.conf",
                "./nginx",
                "/w",
                "/w/nginx.conf",
                "-p /w",
            ),
            (
                "--prefix= --conf-path=n.conf",
                "./nginx -e stderr",
                "/w",
                "/w/n.conf",
                "-p /w -e stderr",
            ),
        ] {
            let found = start(configured, title, cwd);
            assert_eq!(
                found,
                (main.to_owned(), args.to_owned()),
                "{configured} / {title}"
            );
        }
    }
}
