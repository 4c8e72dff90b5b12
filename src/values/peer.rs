//! Where somebody else listens.

use std::fmt;
use std::str::FromStr;

use super::host_name::SubjectName;
use super::port::Port;
use super::text::{Invalid, invalid, quotable};

/// A host by its name or address, and a port: `nim.example.com:443`, `[2001:db8::5]:443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub name: SubjectName,
    pub port: Port,
}

impl FromStr for Peer {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let other = || format!("\"{}\" is not HOST:PORT", quotable(text));
        let Some((name, port)) = text.rsplit_once(':') else {
            return invalid(other());
        };
        let bare = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'));
        // Of an address with colons, the last part could be a port.
        if bare.is_none() && name.contains(':') || bare.is_some_and(|name| !name.contains(':')) {
            return invalid(format!("{}, as in [2001:db8::5]:443", other()));
        }
        let digits = port.chars().all(|c| c.is_ascii_digit());
        let port = port.parse::<u16>().ok().filter(|_| digits);
        let port = port.and_then(|port| Port::try_from(i64::from(port)).ok());
        let Some(port) = port else {
            return invalid(format!("{}: a port is 1 to 65535", other()));
        };
        let name = bare.unwrap_or(name).parse()?;
        Ok(Self { name, port })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.to_string();
        if name.contains(':') {
            write!(f, "[{name}]:{}", self.port)
        } else {
            write!(f, "{name}:{}", self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port_is_what_it_says() {
        for text in [
            "nim.example.com:443",
            "10.0.0.5:1",
            "[2001:db8::5]:65535",
            "nim:10443",
        ] {
            let peer = text.parse::<Peer>().map(|peer| peer.to_string());
            assert_eq!(peer.as_deref(), Ok(text));
        }
        for text in [
            "",
            "nim",
            "nim:",
            ":443",
            "nim:0",
            "nim:65536",
            "nim:+1",
            "nim: 1",
            "nim:443 ",
            "nim:http",
            "2001:db8::5:443",
            "[nim]:443",
            "[::1]",
            "a b:443",
            "https://nim:443",
            "nim:443/x",
            "10.0.0:443",
        ] {
            assert!(text.parse::<Peer>().is_err(), "{text}");
        }
    }
}
