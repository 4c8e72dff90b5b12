#![expect(clippy::disallowed_methods, reason = "a test sets its own scene")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

use tempfile::TempDir;

use super::super::lab;
use super::super::old_workers::{Ending, end};
use super::log::MOST_LINES;
use super::*;
use crate::host::{Command, Local, Memory};

/// A real nginx of its own, ended with the test.
struct Running {
    folder: TempDir,
    host: Local,
    nginx: NginxCommand,
    address: SocketAddr,
}

impl Running {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Local::live().unwrap();
        let (main, pid, log) = ["nginx.conf", "nginx.pid", "error.log"]
            .map(|name| folder.path().join(name).to_string_lossy().into_owned())
            .into();
        let nginx = NginxCommand {
            binary: host.find("nginx").unwrap().to_string_lossy().into_owned(),
            args: vec!["-c".to_owned(), main],
            error_log: Some(log),
            listens: Vec::new(),
            ..lab::nginx()
        };
        let mut running = Self {
            folder,
            host,
            nginx,
            address: free_address(),
        };
        running.configure(&[running.address]);
        let args: Vec<&str> = running.nginx.args.iter().map(String::as_str).collect();
        let output = running
            .host
            .run(&Command::new(&running.nginx.binary, &args))
            .unwrap();
        assert!(output.success(), "{}", output.err());
        // The process that was started is gone before the one that stays has its name.
        for _ in 0..500 {
            let number = fs::read_to_string(&pid).unwrap_or_default();
            running.nginx.master = number.trim().parse().unwrap_or_default();
            let master = find_master(&running.host, &running.nginx).unwrap();
            if master.is_some_and(|master| workers(&running.host, &master).unwrap().len() == 2) {
                return running;
            }
            running.host.sleep(PAUSE);
        }
        panic!("nginx did not start")
    }

    fn configure(&self, listens: &[SocketAddr]) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let listens: Vec<String> = listens.iter().map(|at| format!("listen {at};")).collect();
        let listens = listens.join(" ");
        let text = format!(
            "pid {}; error_log {}; worker_processes 2; events {{}}\n\
             http {{ access_log off; client_body_temp_path {}; server {{ {listens} }} }}\n",
            path("nginx.pid"),
            path("error.log"),
            path("body"),
        );
        fs::write(self.folder.path().join("nginx.conf"), text).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(Some(master)) = find_master(&self.host, &self.nginx) {
            let _ = self.host.signal(&master, Signal::Kill);
            for worker in self.host.processes().unwrap_or_default() {
                if worker.parent == master.pid {
                    let _ = self.host.signal(&worker, Signal::Kill);
                }
            }
        }
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

#[test]
fn a_reload_is_seen_and_the_worker_that_somebody_holds_on_to_is_ended() {
    let mut running = Running::start();
    running.nginx.listens = vec![running.address];
    let mut stream = TcpStream::connect(running.address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    // Accepted before the reload, or the new workers would take it over.
    std::thread::sleep(Duration::from_millis(100));
    let reloaded = reload(&running.host, &running.nginx).unwrap();
    assert_eq!(
        (reloaded.workers.len(), reloaded.master.pid),
        (2, running.nginx.master)
    );
    let alive = old_workers(&running.host, &reloaded.master, reloaded.since).unwrap();
    assert_eq!(alive.len(), 1, "{alive:?}");
    let ending = end(&running.host, &reloaded, Duration::from_millis(200)).unwrap();
    assert_eq!(ending, Ending::Ended(1));
    let serving = workers(&running.host, &reloaded.master).unwrap();
    assert_eq!(
        serving.len(),
        2,
        "those that serve the new rules are left alone"
    );
}

#[test]
fn nobody_has_to_be_ended_where_nobody_is_connected() {
    let running = Running::start();
    let reloaded = reload(&running.host, &running.nginx).unwrap();
    let ending = end(&running.host, &reloaded, Duration::from_secs(5)).unwrap();
    assert_eq!(ending, Ending::ByThemselves);
}

#[test]
fn a_port_of_somebody_else_is_found_before_or_else_in_the_log() {
    let mut running = Running::start();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    running.configure(&[running.address, address]);
    running.nginx.listens = vec![running.address, address];
    match reload(&running.host, &running.nginx) {
        Err(ReloadError::PortTaken {
            address: named,
            holders,
        }) => {
            assert_eq!(named, address);
            assert!(
                holders.contains(&std::process::id().to_string()),
                "{holders}"
            );
        }
        other => panic!("{other:?}"),
    }
    running.nginx.listens = Vec::new();
    match reload(&running.host, &running.nginx) {
        Err(ReloadError::NoEffect(lines)) => {
            assert!(lines.0.len() <= MOST_LINES && lines.to_string().contains("bind() to"));
        }
        other => panic!("{other:?}"),
    }
}

/// Two workers that look new are no reload if one that serves the old rules lives on.
#[test]
fn a_worker_that_died_and_came_back_is_no_reload() {
    let machine = lab::machine().on_signal(|machine, _, _| {
        let mut processes = machine.processes().unwrap();
        processes.push(lab::process(102, 100, "nginx: worker process"));
        machine.set_processes(processes);
    });
    let error = reload(&machine, &lab::nginx()).unwrap_err();
    assert!(matches!(error, ReloadError::NoEffect(_)), "{error}");
    assert!(machine.uptime() < Duration::from_secs(6));
}

#[test]
fn without_a_master_nginx_is_not_running() {
    let machine: Memory = lab::machine();
    machine.set_processes(vec![lab::process(100, 1, "postgres: master process")]);
    let error = reload(&machine, &lab::nginx()).unwrap_err();
    assert!(matches!(error, ReloadError::NotRunning), "{error}");
}

#[test]
fn another_configuration_s_master_is_not_ours() {
    let machine = lab::machine();
    let title = |file| format!("nginx: master process /usr/sbin/nginx -c {file}");
    let other = lab::process(500, 1, &title("/opt/other.conf"));
    machine.set_processes(vec![other.clone()]);
    assert_eq!(find_master(&machine, &lab::nginx()).unwrap(), None);
    let ours = lab::process(600, 1, &title("/etc/nginx/nginx.conf"));
    machine.set_processes(vec![other, ours.clone()]);
    assert_eq!(find_master(&machine, &lab::nginx()).unwrap(), Some(ours));
}

/// Until the workers that the reload started are gone, and the master has started others.
fn kill_workers(running: &Running, reloaded: &Reloaded) {
    for worker in &reloaded.workers {
        running.host.signal(worker, Signal::Kill).unwrap();
    }
    for _ in 0..500 {
        let now = workers(&running.host, &reloaded.master).unwrap();
        if now.len() == 2 && !now.iter().any(|worker| has(&reloaded.workers, worker)) {
            return;
        }
        running.host.sleep(PAUSE);
    }
    panic!("nginx did not start them again");
}

#[test]
fn workers_that_die_after_it_are_seen_with_what_nginx_says_of_them() {
    let running = Running::start();
    let reloaded = reload(&running.host, &running.nginx).unwrap();
    goes_on(&running.host, &reloaded).unwrap();
    kill_workers(&running, &reloaded);
    let error = goes_on(&running.host, &reloaded).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("died after it"), "{said}");
    assert!(said.contains("exited on signal 9"), "{said}");
    assert!(!error.changed_nothing());
}

#[test]
fn a_reload_of_somebody_else_is_no_death_and_an_end_of_nginx_is_one() {
    let running = Running::start();
    let reloaded = reload(&running.host, &running.nginx).unwrap();
    reload(&running.host, &running.nginx).unwrap();
    goes_on(&running.host, &reloaded).unwrap();
    running
        .host
        .signal(&reloaded.master, Signal::Terminate)
        .unwrap();
    for _ in 0..500 {
        if !has(&running.host.processes().unwrap(), &reloaded.master) {
            break;
        }
        running.host.sleep(PAUSE);
    }
    let error = goes_on(&running.host, &reloaded).unwrap_err();
    assert!(matches!(error, ReloadError::Ended(_)), "{error}");
}

#[test]
fn it_is_looked_at_again_ten_seconds_after() {
    let machine = lab::machine();
    let reloaded = reload(&machine, &lab::nginx()).unwrap();
    let began = machine.uptime();
    lasts(&machine, &reloaded).unwrap();
    assert!(machine.uptime() >= reloaded.at + LASTING);
    assert!(machine.uptime() <= began + LASTING + GLANCE);
}
