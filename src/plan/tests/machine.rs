//! The stand as a machine in memory, with an nginx that says what it was told to.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::authority::NOW;
use super::stand::Stand;
use crate::host::{Attributes, Command, Entry, Memory, Output, Owner, Process, Socket};
use crate::nginx::{Config, Files, glob_match};
use crate::plan::{FileChange, Status};
use crate::receipt::{After, Before, Change};
use crate::values::{Digest, Mode};

const MASTER: u32 = 100;

impl Stand {
    pub(super) fn host(&self) -> Memory {
        let this = self.clone();
        let mut memory = Memory::new()
            .with_program("/usr/sbin/nginx")
            .with_program("/usr/sbin/update-ca-certificates")
            .with_file("/proc/uptime", "1000.00 1000.00\n")
            .with_space(self.space)
            .answering(move |_, command| this.says(command));
        if self.resolves {
            memory = memory.with_name("nim.example.com", &[Ipv4Addr::LOCALHOST.into()]);
        }
        memory = memory.with_addresses(&self.addresses);
        for (name, addresses) in &self.names {
            memory = memory.with_name(name, addresses);
        }
        for (path, text) in &self.files {
            let mode = if path.contains(".key") { 0o600 } else { 0o644 };
            memory = memory.with(path, Entry::file(text.as_bytes(), Attributes::root(mode)));
        }
        for (path, target) in &self.links {
            memory = memory.with(path, Entry::link(target));
        }
        for (path, why) in &self.obstacles {
            memory = memory.with_obstacle(path, why);
        }
        memory.set_clock(NOW + self.passed);
        if !self.root {
            memory = memory.not_root();
        }
        if !self.live {
            return memory.not_live();
        }
        memory.set_processes(self.processes());
        memory.set_sockets(self.sockets());
        memory
    }

    fn processes(&self) -> Vec<Process> {
        let process = |pid, parent, title: &str, exe: &str| Process {
            stopped: false,
            pid,
            parent,
            started: 100,
            title: title.to_owned(),
            exe: exe.into(),
            exe_deleted: false,
            cwd: "/".into(),
            owner: Owner::ROOT,
        };
        let mut all = vec![process(7, 1, "/usr/bin/stranger", "/usr/bin/stranger")];
        if self.runs {
            let nginx = "/usr/sbin/nginx";
            let title = "nginx: master process /usr/sbin/nginx";
            let exe_deleted = self.running.is_some();
            all.push(Process {
                exe_deleted,
                ..process(MASTER, 1, title, nginx)
            });
            all.push(process(MASTER + 1, MASTER, "nginx: worker process", nginx));
        }
        all
    }

    fn sockets(&self) -> Vec<Socket> {
        let mut sockets = Vec::new();
        let listening = |local, holders| Socket {
            local,
            remote: None,
            holders,
        };
        for at in self.strangers.iter().chain(&self.services) {
            sockets.push(listening(*at, vec![7]));
        }
        // nginx holds what it could get.
        if self.runs && self.strangers.is_empty() {
            let workers = vec![MASTER + 1];
            for client in &self.clients {
                sockets.push(Socket {
                    local: "127.0.0.1:443".parse().unwrap(),
                    remote: Some(*client),
                    holders: workers.clone(),
                });
            }
            let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 443);
            sockets.push(listening(any, vec![MASTER, MASTER + 1]));
        }
        sockets
    }

    fn says(&self, command: &Command) -> Option<Output> {
        let asks = |option: &str| command.args.iter().any(|arg| arg == option);
        let deleted = command.program.starts_with("/proc");
        if !deleted && !command.program.ends_with("nginx") {
            return None;
        }
        if asks("-V") {
            let mut said = format!(
                "nginx version: {}\nbuilt with OpenSSL 3.0.19 27 Jan 2026\nTLS SNI support \
                 enabled\nconfigure arguments: --prefix=/usr/share/nginx \
                 --conf-path=/etc/nginx/nginx.conf --error-log-path=/var/log/nginx/error.log \
                 --pid-path=/run/nginx.pid",
                self.running.filter(|_| deleted).unwrap_or(&self.version)
            );
            for module in &self.modules {
                write!(said, " --with-{module}").unwrap();
            }
            return Some(Output {
                code: Some(0),
                stderr: said.into_bytes(),
                ..Output::default()
            });
        }
        match (self.complaint, Config::load("/etc/nginx/nginx.conf", self)) {
            (None, Ok(config)) => {
                let dump = config.files.iter().fold(String::new(), |mut dump, file| {
                    let (path, text) = (&file.path, &file.text);
                    write!(dump, "# configuration file {path}:\n{text}\n").unwrap();
                    dump
                });
                Some(Output {
                    code: Some(0),
                    stdout: dump.into_bytes(),
                    ..Output::default()
                })
            }
            (complaint, loaded) => {
                let words =
                    complaint.map_or_else(|| loaded.unwrap_err().to_string(), str::to_owned);
                let said = format!("nginx: [emerg] {words}\n");
                Some(Output {
                    code: Some(1),
                    stderr: said.into_bytes(),
                    ..Output::default()
                })
            }
        }
    }
}

/// As nginx reaches them.
impl Files for Stand {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let real = self.links.get(path).map_or(path, String::as_str);
        let text = self
            .files
            .get(real)
            .ok_or_else(|| format!("there is no {real}"))?;
        Ok(text.clone().into_bytes())
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        let mut paths: Vec<&String> = self.files.keys().chain(self.links.keys()).collect();
        paths.sort();
        Ok(paths
            .into_iter()
            .filter(|path| glob_match(pattern, path))
            .cloned()
            .collect())
    }
}

/// As a run would have noted it.
pub(super) fn receipt_of(file: &FileChange, text: &str) -> Change {
    let owner = Owner {
        user: file.owner.0,
        group: file.owner.1,
    };
    assert!(file.status != Status::Unchanged);
    Change {
        path: file.path.to_string(),
        before: Before::Nothing,
        after: match file.status {
            Status::Remove => After::Nothing,
            _ => After::File {
                digest: Digest::of(text.as_bytes()),
                mode: Mode(file.mode.0),
                owner,
            },
        },
        secret: file.is_sensitive(),
    }
}
