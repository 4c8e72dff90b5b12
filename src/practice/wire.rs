//! Connections within this process: a pair of sockets, and a thread that serves the other end.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::Practice;
use super::master::MASTER;
use super::server::{Client, Logs, Shown, Visit, serve};
use super::stock::ADDRESS;
use crate::host::{Host, HostError, Wire};

/// The first port that our own end is said to have.
const FIRST_PORT: u64 = 49_152;
const LARGEST_PAGE: u64 = 1 << 20;

struct Pair {
    stream: UnixStream,
    local: SocketAddr,
    opened: Duration,
    host: Practice,
}

impl Practice {
    pub(super) fn dial(
        &self,
        to: SocketAddr,
        timeout: Duration,
    ) -> Result<Box<dyn Wire>, HostError> {
        let failed = |source: io::Error| HostError::Network {
            to: to.to_string(),
            source,
        };
        let refused = || failed(io::ErrorKind::ConnectionRefused.into());
        let ours = to.ip().is_loopback() || to.ip() == std::net::IpAddr::from(ADDRESS);
        let loaded = self.loaded().filter(|_| ours).ok_or_else(refused)?;
        let takes = |at: &SocketAddr| {
            at.port() == to.port()
                && at.is_ipv4() == to.is_ipv4()
                && (at.ip().is_unspecified() || at.ip() == to.ip())
        };
        if !loaded.listens().iter().any(takes) {
            return Err(refused());
        }
        let number = {
            let mut master = self.master();
            master.connections += 1;
            master.connections
        };
        let port = FIRST_PORT + number % 16_000;
        // From itself, a host is seen under the address that it calls.
        let local = SocketAddr::new(to.ip(), u16::try_from(port).unwrap_or(u16::MAX));
        let (stream, served) = UnixStream::pair().map_err(failed)?;
        for end in [&stream, &served] {
            end.set_read_timeout(Some(timeout)).map_err(failed)?;
            end.set_write_timeout(Some(timeout)).map_err(failed)?;
        }
        let client = Client {
            from: local,
            to,
            number,
            tls: false,
            sni: None,
            sni_known: false,
            certificate: Shown::default(),
        };
        let host = self.clone();
        thread::spawn(move || {
            let visit = Visit {
                loaded: &loaded,
                logs: &host,
            };
            serve(&visit, client, served);
        });
        Ok(Box::new(Pair {
            stream,
            local,
            opened: self.uptime(),
            host: self.clone(),
        }))
    }

    /// As a service writes its log.
    pub(super) fn append_line(&self, path: &str, line: &str) {
        // Who cannot log goes on without.
        let _ = Host::append(self, Path::new(path), line.as_bytes());
    }
}

impl Logs for Practice {
    fn append(&self, path: &str, line: &str) {
        self.append_line(path, line);
    }

    fn now(&self) -> i64 {
        Host::now(self)
    }

    fn process(&self) -> u32 {
        MASTER + 1
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        Host::read(self, Path::new(path), LARGEST_PAGE).ok()
    }
}

impl Read for Pair {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Pair {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Wire for Pair {
    fn local(&self) -> Option<SocketAddr> {
        Some(self.local)
    }

    fn age(&self) -> Duration {
        self.host.uptime().saturating_sub(self.opened)
    }
}
