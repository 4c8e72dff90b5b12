//! A real nginx, started for one test and ended with it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::super::look;
use super::scene::{path, wanted};
use crate::facts::Known;
use crate::host::Local;
use crate::values::Port;

const MAIN: &str = "pid nginx.pid;\nerror_log error.log;\nevents {}\nhttp {\n\
    access_log off;\n    client_body_temp_path body;\n    proxy_temp_path proxy;\n\
    fastcgi_temp_path fastcgi;\n    uwsgi_temp_path uwsgi;\n    scgi_temp_path scgi;\n\
    include sites/[a-m]*.conf;\n}\n";

struct Running {
    process: Child,
    folder: TempDir,
    at: SocketAddr,
}

impl Running {
    /// Everything is given relative to a working folder that no other process has.
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let at = listener.local_addr().unwrap();
        drop(listener);
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "conf/main.conf", MAIN);
        write(
            folder.path(),
            "conf/sites/a.conf",
            &format!("server {{ listen {at}; }}\n"),
        );
        write(folder.path(), "conf/sites/.b.conf", "never read");
        write(folder.path(), "conf/sites/z.conf", "never read either");
        let process = Command::new("nginx")
            .args([
                "-p",
                ".",
                "-c",
                "conf/main.conf",
                "-e",
                "error.log",
                "-g",
                "daemon off;",
            ])
            .current_dir(folder.path())
            .spawn()
            .expect("nginx must be installed for this test (apt-get install nginx)");
        Self {
            process,
            folder,
            at,
        }
    }

    /// A connection that a worker has answered on. The kernel alone would complete one, before
    /// there is a worker.
    fn connection(&self) -> TcpStream {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match TcpStream::connect(self.at) {
                Ok(mut connection) => {
                    connection
                        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                        .unwrap();
                    connection.read_exact(&mut [0; 12]).unwrap();
                    return connection;
                }
                Err(error) => assert!(Instant::now() < deadline, "nginx does not listen: {error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A master that is killed leaves its workers behind.
        let pid = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[test]
fn a_running_nginx_is_seen_as_it_was_started() {
    let running = Running::start();
    let connection = running.connection();
    let folder = running.folder.path().to_str().unwrap();
    let mut wanted = wanted();
    wanted.names.clear(); // no test waits for the network
    wanted.https_port = Port::try_from(i64::from(running.at.port())).unwrap();
    wanted.state = path(&format!("{folder}/state"));
    let facts = look(&Local::live().unwrap(), &wanted);

    let nginx = facts.nginx.is().unwrap();
    assert_eq!(nginx.main, format!("{folder}/conf/main.conf"));
    let main = nginx.main.as_str();
    assert_eq!(
        nginx.args,
        [
            "-p",
            folder,
            "-c",
            main,
            "-e",
            "error.log",
            "-g",
            "daemon off;"
        ]
    );
    assert_eq!(nginx.loads, Known::Is(Ok(())));
    let master = nginx.master.as_ref().unwrap();
    assert_eq!(master.pid, running.process.id());
    let age = facts.looked_at - master.loaded_at.unwrap();
    assert!((-2..60).contains(&age), "it serves since {age} s");

    // Nothing but agreement with nginx itself makes this known.
    let files: Vec<_> = facts
        .config
        .is()
        .unwrap()
        .files
        .iter()
        .map(|file| &file.path)
        .collect();
    assert_eq!(files, [main, &format!("{folder}/conf/sites/a.conf")]);

    let listeners = facts.listeners.is().unwrap();
    let listener = listeners
        .iter()
        .find(|found| found.at == running.at)
        .unwrap();
    assert!(listener.nginx);
    assert_eq!(listener.holders, [("nginx".to_owned(), master.pid)]);
    let peer = connection.local_addr().unwrap();
    assert!(
        facts
            .connected
            .is()
            .unwrap()
            .iter()
            .any(|client| client.from == peer),
        "{:?}",
        facts.connected
    );
}
