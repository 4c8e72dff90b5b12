//! TCP: who listens, who is connected, what may be bound, and connections of our own.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::iter;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with};

use super::failure::{HostError, at};
use super::proc::pids;
use crate::values::{Gather as _, sort_by};

/// States of a TCP socket, as the kernel numbers them (`include/net/tcp_states.h`).
const ESTABLISHED: &str = "01";
const LISTEN: &str = "0A";

/// A TCP socket. An IPv4 peer of a socket that serves both families has its IPv4 address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Socket {
    pub local: SocketAddr,
    /// `None`: it listens.
    pub remote: Option<SocketAddr>,
    /// Processes that hold it open, by number; empty where that may not be seen.
    pub holders: Vec<u32>,
}

/// A connection whose reads and writes time out.
pub trait Wire: Read + Write + Send {
    fn local(&self) -> Option<SocketAddr>;
    /// How long ago it was opened.
    fn age(&self) -> Duration;
}

/// A connection made by the kernel.
struct Connection {
    stream: TcpStream,
    opened: Instant,
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Wire for Connection {
    fn local(&self) -> Option<SocketAddr> {
        self.stream.local_addr().ok()
    }

    fn age(&self) -> Duration {
        self.opened.elapsed()
    }
}

pub(super) fn sockets() -> Result<Vec<Socket>, HostError> {
    let mut holders = holders()?;
    let mut found = Vec::new();
    let six = uses_ipv6().then_some("/proc/net/tcp6");
    for table in iter::once("/proc/net/tcp").chain(six) {
        let Some(text) = connections(table)? else {
            continue;
        };
        for (mut socket, inode) in text.lines().skip(1).filter_map(table_line) {
            socket.holders = holders.remove(&inode).unwrap_or_default();
            found.push(socket);
        }
    }
    Ok(found)
}

/// Whether any socket of this host speaks IPv6 (`TCP6: inuse N`). To list them, even where there
/// is none, the kernel goes through its table of all connections, twice.
fn uses_ipv6() -> bool {
    let none = |text: String| text.lines().any(|line| line == "TCP6: inuse 0");
    !fs::read_to_string("/proc/net/sockstat6").is_ok_and(none)
}

pub(super) fn can_bind(address: SocketAddr) -> Result<bool, HostError> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let attempt = || -> rustix::io::Result<()> {
        let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        set_socket_reuseaddr(&socket, true)?;
        if address.is_ipv6() {
            set_ipv6_v6only(&socket, true)?;
        }
        bind(&socket, &address)?;
        listen(&socket, 1)
    };
    match attempt() {
        Ok(()) => Ok(true),
        Err(Errno::ADDRINUSE) => Ok(false),
        Err(error) => Err(network(&address, error.into())),
    }
}

pub(super) fn resolve(name: &str) -> Result<Vec<IpAddr>, HostError> {
    let found = (name, 0)
        .to_socket_addrs()
        .map_err(|error| network(&name, error))?;
    let mut addresses = Vec::new();
    for address in found.map(|found| found.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

pub(super) fn addresses() -> Result<Vec<IpAddr>, HostError> {
    let four = read_table("/proc/net/fib_trie")?.unwrap_or_default();
    let six = read_table("/proc/net/if_inet6")?.unwrap_or_default();
    let found: BTreeSet<IpAddr> = own_ipv4(&four)
        .map(IpAddr::V4)
        .chain(six.lines().filter_map(own_ipv6).map(IpAddr::V6))
        .gathered();
    Ok(found.into_iter().collect())
}

pub(super) fn connect(to: SocketAddr, timeout: Duration) -> Result<Box<dyn Wire>, HostError> {
    let opened = Instant::now();
    let attempt = || {
        let stream = TcpStream::connect_timeout(&to, timeout)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    };
    match attempt() {
        Ok(stream) => Ok(Box::new(Connection { stream, opened })),
        Err(error) => Err(network(&to, error)),
    }
}

fn network(to: &impl ToString, source: io::Error) -> HostError {
    HostError::Network {
        to: to.to_string(),
        source,
    }
}

/// A table of connections; `None` where the kernel has none, as without IPv6. It comes in pieces,
/// each filled until the next line does not fit into a page (`seq_read_iter` of Linux), so one
/// that has room left is the last. To be told so by the kernel is dear: it would go through its
/// table of all connections once more.
fn connections(path: &str) -> Result<Option<String>, HostError> {
    const SMALLEST_PAGE: usize = 4096;
    const LINES: usize = 2 * 150;
    let failed = at(Path::new(path));
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut text = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        match file.read(&mut piece) {
            Ok(length) => {
                text.extend_from_slice(&piece[..length]);
                if length + LINES < SMALLEST_PAGE {
                    return Ok(Some(String::from_utf8_lossy(&text).into_owned()));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
}

/// A table of the kernel; `None` where it has none, as without IPv6.
fn read_table(path: &str) -> Result<Option<String>, HostError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(Path::new(path))(error)),
    }
}

/// Which processes hold which sockets, by the number of the socket. Processes of others cannot
/// be looked into without being root, and one may end meanwhile: both are passed over.
fn holders() -> Result<HashMap<u64, Vec<u32>>, HostError> {
    let mut found: HashMap<u64, Vec<u32>> = HashMap::new();
    for pid in pids()? {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            continue;
        };
        for descriptor in descriptors.flatten() {
            let Ok(target) = fs::read_link(descriptor.path()) else {
                continue;
            };
            if let Some(inode) = target.to_str().and_then(socket_number) {
                let pids = found.entry(inode).or_default();
                if !pids.contains(&pid) {
                    pids.push(pid);
                }
            }
        }
    }
    for holders in found.values_mut() {
        sort_by(holders, Ord::cmp);
    }
    Ok(found)
}

fn socket_number(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?
        .strip_suffix(']')?
        .parse()
        .ok()
}

/// A line of `/proc/net/tcp` (`proc_net_tcp(5)`): local and remote address, state, and in the
/// tenth field the number of the socket.
fn table_line(line: &str) -> Option<(Socket, u64)> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let (local, remote) = (fields.get(1)?, fields.get(2)?);
    let remote = match *fields.get(3)? {
        LISTEN => None,
        ESTABLISHED => Some(hex_address(remote)?),
        _ => return None,
    };
    let inode = fields.get(9)?.parse().ok()?;
    Some((
        Socket {
            local: hex_address(local)?,
            remote,
            holders: Vec::new(),
        },
        inode,
    ))
}

/// `0100007F:1F90`: words of four bytes, each printed as the number that it is on this machine;
/// then the port.
fn hex_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for start in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(start..start + 8)?, 16).ok()?;
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    let address = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(four) => IpAddr::from(four),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
    };
    Some(SocketAddr::new(address, port))
}

/// In the kernel's table of IPv4 routes an address of this host is a line with the address
/// after `|--`, followed by one that says that it is local, alone, on this host.
fn own_ipv4(trie: &str) -> impl Iterator<Item = Ipv4Addr> + '_ {
    let mut leaf = None;
    trie.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse().ok();
            None
        } else if line == "/32 host LOCAL" {
            leaf
        } else {
            None
        }
    })
}

/// A line of `/proc/net/if_inet6`: 32 digits, interface, prefix length, scope, flags, name.
fn own_ipv6(line: &str) -> Option<Ipv6Addr> {
    let digits = line.split_ascii_whitespace().next()?;
    let address = Ipv6Addr::from(u128::from_str_radix(digits, 16).ok()?);
    (!address.is_unicast_link_local()).then_some(address)
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_are_read_and_mapped_ones_are_ipv4() {
        for (text, address) in [
            ("0100007F:1F90", "127.0.0.1:8080"),
            ("00000000:01BB", "0.0.0.0:443"),
            (
                "B80D01200000000067452301EFCDAB89:01BB",
                "[2001:db8::123:4567:89ab:cdef]:443",
            ),
            ("0000000000000000FFFF00000100007F:0050", "127.0.0.1:80"),
        ] {
            assert_eq!(
                hex_address(text).map(|found| found.to_string()).as_deref(),
                Some(address)
            );
        }
        for text in [
            "",
            "0100007F",
            "0100:1F90",
            "0100007F:1F901",
            "01\u{fc}07F00:1F90",
        ] {
            assert_eq!(hex_address(text), None, "{text}");
        }
    }

    #[test]
    fn only_listeners_and_connections_count() {
        let line = |state| {
            format!("0: 0100007F:0050 0200007F:1000 {state} 0:0 00:0 00000000 33 0 4711 1 0 20")
        };
        let (listening, inode) = table_line(&line("0A")).expect("it listens");
        assert_eq!((listening.remote, inode), (None, 4711));
        let (connected, _) = table_line(&line("01")).expect("connected");
        assert_eq!(
            connected.remote.map(|peer| peer.to_string()).as_deref(),
            Some("127.0.0.2:4096")
        );
        // Waiting for its end: nobody holds it any more.
        assert_eq!(table_line(&line("06")), None);
    }

    #[test]
    fn addresses_of_networks_and_of_one_link_are_left_out() {
        let trie = "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.0.0.0\n        /24 link UNICAST\n     \
                    |-- 10.0.0.5\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\n";
        let found: Vec<String> = own_ipv4(trie).map(|address| address.to_string()).collect();
        assert_eq!(found, ["10.0.0.5"]);
        let line = |digits: &str| own_ipv6(&format!("{digits} 04 40 00 82     eth0"));
        assert_eq!(
            line("fd000000000000000000000000000002"),
            "fd00::2".parse().ok()
        );
        assert_eq!(line("fe8000000000000000fc00fffe000001"), None);
    }
}
