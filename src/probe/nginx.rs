//! The nginx that serves here: the running one, or else the one that would be started.

use std::path::{Path, PathBuf};

use super::master::{self, Options, Start};
use super::wanted::{Ask, Question};
use super::{build, system::System};
use crate::facts::{Build, Known, Master, Nginx};
use crate::host::{Command, Host, Process};
use crate::nginx::Config;
use crate::values::{escaped, masked};

/// Where every package of nginx has its configuration.
const USUAL_MAIN: &str = "/etc/nginx/nginx.conf";
const USUAL_BINARIES: [&str; 3] = [
    "/usr/sbin/nginx",
    "/usr/local/sbin/nginx",
    "/usr/local/nginx/sbin/nginx",
];

pub(super) struct Found {
    pub(super) nginx: Known<Nginx>,
    /// The file that its configuration begins with.
    pub(super) main: Known<String>,
}

pub(super) fn look(host: &dyn Host, system: &System, port: u16) -> Found {
    if !host.is_live() {
        return offline(host);
    }
    let processes = match &system.processes {
        Ok(processes) => processes,
        Err(why) => return Found::unclear(why.clone()),
    };
    let sockets = system.sockets.as_deref().unwrap_or_default();
    let nginx = match master::find(host, processes, sockets, port) {
        Ok(Some(master)) => running(host, processes, master),
        Ok(None) => idle(host),
        Err(why) => Err(why),
    };
    match nginx {
        Ok(Some(nginx)) => Found {
            main: Known::Is(nginx.main.clone()),
            nginx: Known::Is(nginx),
        },
        Ok(None) => Found {
            nginx: Known::Absent,
            main: Known::Absent,
        },
        Err(why) => Found::unclear(why),
    }
}

impl Found {
    fn unclear(why: String) -> Self {
        Self {
            nginx: Known::Unclear(why.clone()),
            main: Known::Unclear(why),
        }
    }
}

/// A tree of files says where nginx is, but running its programs here would be asking another
/// system's.
fn offline(host: &dyn Host) -> Found {
    let exists = |path: &str| matches!(host.stat(Path::new(path)), Ok(Some(_)));
    let main = match host.stat(Path::new(USUAL_MAIN)) {
        Ok(Some(_)) => Known::Is(USUAL_MAIN.to_owned()),
        Ok(None) => Known::Absent,
        Err(error) => Known::Unclear(error.to_string()),
    };
    let binary = USUAL_BINARIES.into_iter().find(|path| exists(path));
    let nginx = match (binary, &main) {
        (Some(binary), _) => Known::Unclear(format!(
            "{binary} is there, but only a running system can say its version"
        )),
        (None, Known::Is(main)) => {
            Known::Unclear(format!("{main} is there, but no nginx to go with it"))
        }
        (None, Known::Absent) => Known::Absent,
        (None, Known::Unclear(why)) => Known::Unclear(why.clone()),
    };
    Found { nginx, main }
}

fn running(
    host: &dyn Host,
    processes: &[Process],
    master: &Process,
) -> Result<Option<Nginx>, String> {
    let options = Options::of_title(&master.title);
    let binary = executable(host, master, &options)
        .ok_or_else(|| format!("the executable of process {} may not be seen", master.pid))?;
    let build = ask_version(host, &binary)?;
    let on_disk = if master.exe_deleted {
        replacement(host, master, &build)
    } else {
        None
    };
    let start = Start::of(&build, &options, &master.cwd);
    if !start.main.starts_with('/') {
        return Err(format!(
            "the working folder of process {} may not be seen, and {} is relative to it",
            master.pid, start.main
        ));
    }
    let loaded_at = master::loaded_at(host, processes, master.pid);
    Ok(Some(Nginx {
        binary: binary.display().to_string(),
        build,
        on_disk,
        main: start.main,
        args: start.args,
        master: Some(Master {
            pid: master.pid,
            loaded_at,
        }),
        loads: Known::Absent,
    }))
}

/// The file that a master runs. One that was replaced since can still be reached through the
/// process: it is what will parse the next reload.
fn executable(host: &dyn Host, master: &Process, options: &Options) -> Option<PathBuf> {
    if master.exe_deleted {
        return Some(PathBuf::from(format!("/proc/{}/exe", master.pid)));
    }
    if !master.exe.as_os_str().is_empty() {
        return Some(master.exe.clone());
    }
    if options.program.starts_with('/') {
        return Some(PathBuf::from(&options.program));
    }
    host.find("nginx")
}

/// What a restart would start, where that is another build.
fn replacement(host: &dyn Host, master: &Process, running: &Build) -> Option<Build> {
    let same_place = matches!(host.stat(&master.exe), Ok(Some(_)));
    let path = if same_place {
        Some(master.exe.clone())
    } else {
        host.find("nginx")
    };
    let build = ask_version(host, &path?).ok()?;
    (build != *running).then_some(build)
}

fn idle(host: &dyn Host) -> Result<Option<Nginx>, String> {
    let Some(binary) = host.find("nginx") else {
        return Ok(None);
    };
    let build = ask_version(host, &binary)?;
    let start = Start::of(&build, &Options::default(), Path::new("/"));
    Ok(Some(Nginx {
        binary: binary.display().to_string(),
        build,
        on_disk: None,
        main: start.main,
        args: start.args,
        master: None,
        loads: Known::Absent,
    }))
}

fn ask_version(host: &dyn Host, binary: &Path) -> Result<Build, String> {
    let command = Command::new(binary, &["-V"]);
    let output = host.run(&command).map_err(|error| error.to_string())?;
    // nginx writes this to its standard error.
    let said = output.err();
    build::read(&said).ok_or_else(|| {
        let first = escaped(said.lines().next().unwrap_or_default());
        format!("{command} does not say a version but \"{first}\"")
    })
}

/// Lets nginx judge what is on disk; gives back what it printed of it.
pub(super) fn judge(
    host: &dyn Host,
    nginx: &mut Nginx,
    config: Option<&Config>,
    ask: Ask<'_>,
) -> Option<Vec<u8>> {
    let mut command = Command::new(&nginx.binary, &[]);
    command.args.clone_from(&nginx.args);
    command.args.push("-T".to_owned());
    let question = Question {
        command: &command,
        nginx,
        config,
    };
    let output = match ask(&question) {
        Ok(output) => output,
        Err(why) => {
            nginx.loads = Known::Unclear(why);
            return None;
        }
    };
    if output.success() {
        nginx.loads = Known::Is(Ok(()));
        return Some(output.stdout);
    }
    let complaint = complaint(&output.err());
    nginx.loads = match complaint {
        _ if output.timed_out => Known::Unclear(format!(
            "{command} did not end within {} s",
            command.timeout.as_secs()
        )),
        Some(words) if !host.is_root() => Known::Unclear(format!(
            "only root can ask nginx to read its configuration: {words}"
        )),
        Some(words) => Known::Is(Err(words)),
        None => Known::Unclear(format!("{command} failed without a word")),
    };
    None
}

/// The first error that ends the reading, the place before the words: `path:line: words`.
fn complaint(said: &str) -> Option<String> {
    let emergency = said.lines().find_map(|line| line.split_once("[emerg] "));
    let words = match emergency {
        Some((_, words)) => words,
        None => said.lines().find(|line| !line.is_empty())?,
    };
    let placed = words.rsplit_once(" in /").and_then(|(words, place)| {
        let (path, line) = place.rsplit_once(':')?;
        line.parse::<u32>()
            .ok()
            .map(|line| format!("/{path}:{line}: {words}"))
    });
    Some(escaped(&masked(
        &placed.unwrap_or_else(|| words.to_owned()),
    )))
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn the_complaint_begins_with_its_place() {
        for (said, words) in [
            (
                "nginx: [warn] x in /etc/nginx/a.conf:1\n\
                 nginx: [emerg] unknown directive \"http2\" in /etc/nginx/conf.d/b.conf:5\n\
                 nginx: configuration file /etc/nginx/nginx.conf test failed\n",
                Some("/etc/nginx/conf.d/b.conf:5: unknown directive \"http2\""),
            ),
            (
                "2026/11/23 10:00:00 [emerg] 12#12: bind() to 0.0.0.0:443 failed (98: Address)",
                Some("12#12: bind() to 0.0.0.0:443 failed (98: Address)"),
            ),
            (
                "nginx: [emerg] cannot load certificate \"/c\": BIO_new_file() failed in /x",
                Some("cannot load certificate \"/c\": BIO_new_file() failed in /x"),
            ),
            (
                "nginx: invalid option: \"-T\"\n",
                Some("nginx: invalid option: \"-T\""),
            ),
            ("", None),
        ] {
            assert_eq!(complaint(said).as_deref(), words);
        }
    }
}
