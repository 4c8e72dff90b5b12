//! NGINX Instance Manager 1: what its own file tells it.

use std::net::IpAddr;

use super::Known;
use crate::values::{AbsPath, Port};
use crate::yaml::Settings;

/// The settings of NGINX Instance Manager 1.
pub const MANAGER_FILE: &str = "/etc/nginx-manager/nginx-manager.conf";

/// How it is told, and who runs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagerSetup {
    pub file: Known<ManagerFile>,
    /// User and group, numeric: of the process that runs, else of the account that it would be
    /// started by. Absent: neither is known.
    pub runs_as: Known<(u32, u32)>,
}

impl ManagerSetup {
    /// Of a host without it, or of one that nobody has looked at.
    pub fn none() -> Self {
        Self {
            file: Known::Absent,
            runs_as: Known::Absent,
        }
    }
}

/// Its file, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagerFile {
    pub path: AbsPath,
    pub text: String,
    /// `None` where it cannot be read.
    settings: Option<Settings>,
}

impl ManagerFile {
    pub fn new(path: AbsPath, text: String) -> Self {
        let settings = Settings::read(&text);
        Self {
            path,
            text,
            settings,
        }
    }

    /// What the file says of a setting, where that is one plain value.
    pub fn value(&self, key: &str) -> Option<String> {
        self.settings.as_ref()?.value("", key)
    }

    /// Whether the file says anything of it.
    pub fn has(&self, key: &str) -> bool {
        let settings = self.settings.as_ref();
        settings.is_some_and(|settings| settings.has(key))
    }

    pub fn port(&self, key: &str) -> Option<Port> {
        self.value(key)?.parse().ok()
    }

    /// Whether it is told to listen on 127.0.0.1 alone. As it is shipped, it names no address, and
    /// does; a file that cannot be read may say anything.
    pub fn is_on_loopback(&self) -> bool {
        match self.value("bind_address").as_deref() {
            Some(address) => matches!(address, "localhost" | "127.0.0.1"),
            None => self.settings.is_some() && !self.has("bind_address"),
        }
    }

    /// The address that it is told to listen on, if it is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.value("bind_address")?.parse().ok()
    }
}
