//! Processes, signals, sockets, the clock.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::thread;
use std::time::Duration;

use super::super::machine::Host;
use super::super::{HostError, Owner, Process, Signal};
use super::live;

fn found(pid: u32) -> Option<Process> {
    live()
        .processes()
        .expect("listed")
        .into_iter()
        .find(|process| process.pid == pid)
}

#[test]
fn this_process_is_found_with_its_start_time() {
    let own = found(std::process::id()).expect("we run");
    // Measured another way: `ps` prints the age in seconds, and a tick is 1/100 s everywhere.
    let uptime = std::fs::read_to_string("/proc/uptime").expect("readable");
    let uptime: f64 = uptime
        .split(' ')
        .next()
        .and_then(|n| n.parse().ok())
        .expect("seconds");
    let age = std::process::Command::new("ps")
        .args(["-o", "etimes=", "-p", &own.pid.to_string()])
        .output()
        .expect("ps runs");
    let age: f64 = String::from_utf8_lossy(&age.stdout)
        .trim()
        .parse()
        .expect("seconds");
    #[expect(clippy::cast_precision_loss, reason = "a start time is far below 2^52")]
    let started = own.started as f64 / 100.0;
    assert!(
        (uptime - started - age).abs() < 3.0,
        "{uptime} {started} {age}"
    );
    assert_eq!(own.parent, std::os::unix::process::parent_id());
    assert_eq!(own.exe, std::env::current_exe().expect("this test"));
    assert_eq!(own.cwd, std::env::current_dir().expect("a folder"));
    assert!(!own.exe_deleted);
    assert_eq!(own.owner, Owner::ROOT);
    let words: Vec<String> = std::env::args().collect();
    assert_eq!(own.title, words.join(" "));
}

#[test]
fn owner_and_title_of_another_process_are_its_own() {
    let mut child = std::process::Command::new("sleep")
        .arg0("nginx: worker (odd) ) process")
        .arg("60")
        .uid(12)
        .gid(34)
        .spawn()
        .expect("started");
    let process = found(child.id()).expect("it runs");
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert_eq!(
        process.owner,
        Owner {
            user: 12,
            group: 34
        }
    );
    assert_eq!(process.title, "nginx: worker (odd) ) process 60");
    assert_eq!(process.parent, std::process::id());
    assert_eq!(found(process.pid).map(|process| process.started), None);
}

#[test]
fn a_signal_reaches_only_the_process_that_was_meant() {
    let mut child = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .expect("started");
    let process = found(child.id()).expect("it runs");
    let host = live();
    let earlier = Process {
        started: process.started - 1,
        ..process.clone()
    };
    let error = host
        .signal(&earlier, Signal::Kill)
        .expect_err("another process");
    assert!(
        matches!(error, HostError::Process { pid, .. } if pid == process.pid),
        "{error}"
    );
    assert!(
        error.to_string().contains("another process's now"),
        "{error}"
    );
    assert!(child.try_wait().expect("asked").is_none(), "it was hit");

    host.signal(&process, Signal::Terminate).expect("sent");
    let status = child.wait().expect("ended");
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(15)
    );
    let error = host.signal(&process, Signal::Kill).expect_err("gone");
    assert!(error.to_string().ends_with("is gone"), "{error}");
    for pid in [0, 1, u32::MAX] {
        let process = Process {
            pid,
            ..process.clone()
        };
        host.signal(&process, Signal::Hangup).expect_err("never");
    }
}

#[test]
fn listeners_and_connections_are_found_with_their_holder() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let listener = TcpListener::bind(address).expect("bound");
        let local = listener.local_addr().expect("an address");
        let mut wire = live()
            .connect(local, Duration::from_secs(5))
            .expect("connected");
        let (mut accepted, peer) = listener.accept().expect("accepted");
        assert_eq!(wire.local(), Some(peer));

        let sockets = live().sockets().expect("listed");
        let listening = sockets
            .iter()
            .find(|s| s.local == local && s.remote.is_none());
        assert_eq!(listening.expect("it listens").holders, [std::process::id()]);
        for (local, remote) in [(local, peer), (peer, local)] {
            let found = sockets
                .iter()
                .find(|s| s.local == local && s.remote == Some(remote));
            assert_eq!(found.expect("connected").holders, [std::process::id()]);
        }
        accepted.write_all(b"hello").expect("sent");
        let mut buffer = [0; 5];
        wire.read_exact(&mut buffer).expect("received");
        assert_eq!(&buffer, b"hello");
    }
}

#[test]
fn a_table_of_many_pieces_is_read_to_its_end() {
    let listeners: Vec<TcpListener> = (0..120)
        .map(|_| TcpListener::bind("127.0.0.1:0").expect("bound"))
        .collect();
    // The kernel lists connections after all listeners.
    let open = listeners.iter().take(40).map(|listener| {
        let address = listener.local_addr().expect("an address");
        std::net::TcpStream::connect(address).expect("connected")
    });
    let open: Vec<_> = open.collect();
    let sockets = live().sockets().expect("listed");
    for listener in &listeners {
        let local = listener.local_addr().expect("an address");
        let mut found = sockets.iter();
        assert!(found.any(|s| s.local == local && s.remote.is_none()));
    }
    for stream in &open {
        let local = stream.local_addr().expect("an address");
        let mut found = sockets.iter();
        assert!(found.any(|s| s.local == local && s.remote.is_some()));
    }
}

#[test]
fn a_connection_gives_up_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let local = listener.local_addr().expect("an address");
    let mut wire = live()
        .connect(local, Duration::from_millis(100))
        .expect("connected");
    let error = wire.read(&mut [0]).expect_err("nobody sends");
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    drop(listener);
    match live().connect(local, Duration::from_secs(1)) {
        Err(HostError::Network { to, .. }) => assert_eq!(to, local.to_string()),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("connected to nobody"),
    }
}

#[test]
fn a_port_is_free_unless_somebody_listens_there_on_the_same_family() {
    let host = live();
    let four = TcpListener::bind("127.0.0.1:0").expect("bound");
    let taken = four.local_addr().expect("an address");
    let any = SocketAddr::new("0.0.0.0".parse().expect("an address"), taken.port());
    assert!(!host.can_bind(taken).expect("tried"));
    assert!(!host.can_bind(any).expect("tried"));
    let six = SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), taken.port());
    assert!(
        host.can_bind(six).expect("tried"),
        "nginx listens on [::] apart from 0.0.0.0"
    );
    drop(four);
    assert!(host.can_bind(taken).expect("tried"));
    let foreign = "203.0.113.7:80".parse().expect("an address");
    host.can_bind(foreign)
        .expect_err("not an address of this host");
}

#[test]
fn own_addresses_are_those_that_can_be_bound() {
    let addresses = live().addresses().expect("listed");
    assert!(addresses.contains(&IpAddr::from([127, 0, 0, 1])));
    assert!(addresses.is_sorted());
    for address in addresses {
        assert!(TcpListener::bind((address, 0)).is_ok(), "{address}");
    }
    assert_eq!(
        live().resolve("127.0.0.1").expect("a number"),
        [IpAddr::from([127, 0, 0, 1])]
    );
    assert!(
        live()
            .resolve("localhost")
            .expect("known")
            .iter()
            .all(IpAddr::is_loopback)
    );
    live().resolve("no such name").expect_err("not a name");
}

#[test]
fn time_passes() {
    let host = live();
    let (now, uptime) = (host.now(), host.uptime());
    host.sleep(Duration::from_millis(20));
    assert!(host.uptime() >= uptime + Duration::from_millis(20));
    assert!(host.now() >= now && now > 1_700_000_000);
    // A host can be shared between threads, as a front and its probe do.
    thread::scope(|scope| scope.spawn(|| host.is_root()).join().expect("asked"));
}
