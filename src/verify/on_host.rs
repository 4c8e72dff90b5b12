//! Dialling from a host.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::wire::{Dial, Wire};
use crate::host::{self, Host, HostError};

/// Connections made by the machine itself.
pub(super) struct OnHost<'a>(pub(super) &'a dyn Host);

impl Dial for OnHost<'_> {
    fn dial(&self, address: SocketAddr, timeout: Duration) -> io::Result<Box<dyn Wire>> {
        match self.0.connect(address, timeout) {
            Ok(wire) => Ok(Box::new(HostWire(wire))),
            Err(HostError::Network { source, .. }) => Err(source),
            Err(error) => Err(io::Error::other(error.to_string())),
        }
    }
}

struct HostWire(Box<dyn host::Wire>);

impl io::Read for HostWire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl io::Write for HostWire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Wire for HostWire {
    fn local_port(&self) -> Option<u16> {
        self.0.local().map(|address| address.port())
    }

    fn age(&self) -> Duration {
        self.0.age()
    }
}
