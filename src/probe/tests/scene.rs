//! A manager as its packages leave it, in memory.

use super::super::Wanted;
use crate::host::{Command, Memory, Output, Owner, Process, Socket};
use crate::values::{AbsPath, Port};

pub(super) const MAIN: &str = "events {}\nhttp {\n    include /etc/nginx/conf.d/*.conf;\n}\n";
pub(super) const NMS_HTTP: &str = "server {\n    listen 443 ssl;\n\
    ssl_certificate /etc/nms/certs/manager-server.pem;\n\
    ssl_certificate_key certs/manager-server.key;\n}\n";
const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n\
    VERSION_ID=\"12\"\n";

/// What programs of this machine say.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    /// `nginx -V`, on disk and of a master whose executable was replaced.
    pub(super) version: String,
    pub(super) replaced: String,
    /// `nginx -T`: exit code, standard output, standard error.
    pub(super) judged: (i32, String, String),
    pub(super) packages: String,
}

pub(super) fn banner(version: &str) -> String {
    format!(
        "nginx version: nginx/{version}\nconfigure arguments: --prefix=/usr/share/nginx \
         --conf-path=/etc/nginx/nginx.conf --with-http_v2_module\n"
    )
}

/// What `nginx -T` prints of these files.
pub(super) fn dump(files: &[(&str, &str)]) -> String {
    let parts = files
        .iter()
        .map(|(path, text)| ["# configuration file ", path, ":\n", text, "\n"]);
    parts.flatten().collect()
}

impl Scene {
    pub(super) fn stock() -> Self {
        let files = [
            ("/etc/nginx/nginx.conf", MAIN),
            ("/etc/nginx/conf.d/nms-http.conf", NMS_HTTP),
        ];
        Self {
            version: banner("1.22.1"),
            replaced: banner("1.20.0"),
            judged: (0, dump(&files), "test is successful\n".to_owned()),
            packages: "ii \tnms-instance-manager\t2.22.2-1~bookworm\n".to_owned(),
        }
    }

    pub(super) fn host(self) -> Memory {
        let programs = [
            "/usr/sbin/nginx",
            "/usr/bin/dpkg-query",
            "/usr/bin/nginx-agent",
            "/usr/bin/systemctl",
            "/usr/bin/timedatectl",
            "/usr/sbin/update-ca-certificates",
        ];
        let host = Memory::new()
            .with_file("/etc/os-release", OS_RELEASE)
            .with_file("/etc/nginx/nginx.conf", MAIN)
            .with_file("/etc/nginx/conf.d/nms-http.conf", NMS_HTTP)
            .with_file("/etc/nginx/conf.d/nms-http.conf.bak", "not loaded")
            .with_file("/etc/ufw/ufw.conf", "ENABLED=yes\n")
            .with_file("/run/systemd/system/x", "")
            .with_file("/proc/uptime", "1000.42 3000.00\n")
            .with_name("nim.example.com", &[addr("10.0.0.5"), addr("192.0.2.99")])
            .with_addresses(&[addr("10.0.0.5"), addr("127.0.0.1")]);
        let host = programs.into_iter().fold(host, Memory::with_program);
        host.set_processes(processes());
        host.set_sockets(sockets());
        host.answering(move |_, command| self.answer(command))
    }

    fn answer(&self, command: &Command) -> Option<Output> {
        let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
        let program = command.program.to_str()?;
        let known = "LoadState=loaded\nActiveState=active\n\n".repeat(4);
        let missing = "LoadState=not-found\nActiveState=inactive\n\n".repeat(4);
        match (program, args.as_slice()) {
            ("/usr/sbin/nginx", ["-V"]) => Some(output(0, "", &self.version)),
            ("/proc/100/exe", ["-V"]) => Some(output(0, "", &self.replaced)),
            (_, [.., "-T"]) => Some(output(self.judged.0, &self.judged.1, &self.judged.2)),
            ("/usr/bin/dpkg-query", _) => Some(output(1, &self.packages, "no packages found")),
            ("/usr/bin/nginx-agent", _) => {
                Some(output(0, "nginx-agent version v2.46.7-abc1234\n", ""))
            }
            ("/usr/bin/systemctl", _) => Some(output(0, &format!("{known}{missing}"), "")),
            ("/usr/bin/timedatectl", _) => Some(output(0, "yes\n", "")),
            _ => None,
        }
    }
}

fn output(code: i32, stdout: &str, stderr: &str) -> Output {
    Output {
        code: Some(code),
        timed_out: false,
        stdout: stdout.into(),
        stderr: stderr.into(),
    }
}

fn addr(text: &str) -> std::net::IpAddr {
    text.parse().unwrap()
}

pub(super) fn process(pid: u32, parent: u32, title: &str) -> Process {
    Process {
        stopped: false,
        pid,
        parent,
        started: 0,
        title: title.to_owned(),
        exe: "/usr/sbin/nginx".into(),
        exe_deleted: false,
        cwd: "/".into(),
        owner: Owner::ROOT,
    }
}

fn processes() -> Vec<Process> {
    let title = "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;";
    let worker = |pid, started, title: &str| Process {
        started,
        ..process(pid, 100, title)
    };
    vec![
        Process {
            exe: "/usr/sbin/sshd".into(),
            ..process(7, 1, "sshd: /usr/sbin/sshd -D")
        },
        process(100, 1, title),
        worker(101, 10_000, "nginx: worker process is shutting down"),
        worker(102, 30_000, "nginx: worker process"),
        worker(103, 40_000, "nginx: worker process"),
    ]
}

fn sockets() -> Vec<Socket> {
    let socket = |local: &str, remote: Option<&str>, holders: &[u32]| Socket {
        local: local.parse().unwrap(),
        remote: remote.map(|remote| remote.parse().unwrap()),
        holders: holders.to_vec(),
    };
    vec![
        socket("0.0.0.0:443", None, &[100, 102, 103]),
        socket("0.0.0.0:22", None, &[7]),
        socket("10.0.0.5:443", Some("192.0.2.7:50000"), &[102]),
        socket("10.0.0.5:443", Some("192.0.2.8:50001"), &[7]),
        socket("10.0.0.5:22", Some("192.0.2.9:50002"), &[102]),
    ]
}

pub(super) fn path(text: &str) -> AbsPath {
    text.parse().unwrap()
}

pub(super) fn wanted() -> Wanted {
    Wanted {
        names: vec!["nim.example.com".parse().unwrap()],
        addresses: vec![addr("192.0.2.98")],
        https_port: Port::HTTPS,
        agents_port: None,
        files: Vec::new(),
        state: path("/var/lib/nim-tls"),
    }
}
