//! The border to the network: who dials, and how much time and how many bytes one exchange
//! may cost.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use super::fault::{Fault, TooMuch};

/// Bytes read for one exchange, handshake included. An answer to the proof has under 4 KiB,
/// a certificate chain under 20 KiB.
pub(super) const READ_LIMIT: usize = 1 << 20;

/// Opens TCP connections.
pub trait Dial {
    /// Connects within `timeout`. The connection's reads and writes each give up after
    /// `timeout` too.
    fn dial(&self, address: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Wire>>;
}

/// One TCP connection.
pub trait Wire: Read + Write + Send {
    /// The port on our side: how a connection is found again in nginx's logs.
    fn local_port(&self) -> Option<u16>;

    /// How long ago we began to open it.
    fn age(&self) -> Duration;
}

/// A connection with a deadline and a byte budget. The deadline is looked at before each read
/// and write, so a peer that sends one byte at a time cannot stretch it by more than one of
/// the dialler's own timeouts.
pub(super) struct Guarded {
    wire: Box<dyn Wire>,
    /// Against the age of the connection.
    deadline: Duration,
    bytes_left: usize,
}

impl Guarded {
    pub(super) fn dial(
        dial: &dyn Dial,
        address: SocketAddr,
        patience: Duration,
    ) -> Result<Self, Fault> {
        let wire = dial
            .dial(address, patience)
            .map_err(|error| Fault::Unreachable(error.kind()))?;
        Ok(Self {
            wire,
            deadline: patience,
            bytes_left: READ_LIMIT,
        })
    }

    /// A new deadline and a new budget, for the next exchange on the same connection.
    pub(super) fn renew(&mut self, patience: Duration) {
        self.deadline = self.wire.age() + patience;
        self.bytes_left = READ_LIMIT;
    }

    pub(super) fn local_port(&self) -> Option<u16> {
        self.wire.local_port()
    }

    fn in_time(&self) -> io::Result<()> {
        if self.wire.age() < self.deadline {
            Ok(())
        } else {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.in_time()?;
        if self.bytes_left == 0 {
            return Err(io::Error::other(TooMuch));
        }
        let room = buffer.len().min(self.bytes_left);
        let read = uninterrupted(|| self.wire.read(&mut buffer[..room]))?;
        self.bytes_left -= read;
        Ok(read)
    }
}

impl Write for Guarded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.in_time()?;
        uninterrupted(|| self.wire.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wire.flush()
    }
}

/// Sockets with a time limit are interrupted by every signal, such as that of a resized window.
fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
