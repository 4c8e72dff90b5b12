//! The services of this system.

use super::{Facts, Known};

/// As systemd tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `active`, `failed`, `inactive`, ...
    pub state: String,
    /// Why it would not come up with the system: `disabled`, `masked`, ... `None`: it would, or
    /// something else starts it.
    pub left_out: Option<String>,
}

impl Service {
    pub fn is_active(&self) -> bool {
        self.state == "active"
    }
}

impl Facts {
    /// Services that run now and would be missed after the next start of the system: what is to
    /// be said of them, without a full stop, and the command that helps.
    pub fn lost_at_boot(&self) -> Option<(String, String)> {
        let found = self.services.iter();
        let found = found.filter_map(|(name, service)| match service {
            Known::Is(service) if service.is_active() => {
                Some((name.as_str(), service.left_out.as_deref()?))
            }
            _ => None,
        });
        let (names, why): (Vec<_>, Vec<_>) = found.unzip();
        if names.is_empty() {
            return None;
        }
        let shown = names.iter().zip(&why);
        let shown: Vec<_> = shown.map(|(name, why)| format!("{name} ({why})")).collect();
        let names = names.join(" ");
        let masked = why.iter().any(|why| why.starts_with("masked"));
        let unmask = if masked {
            format!("systemctl unmask {names} && ")
        } else {
            String::new()
        };
        Some((
            format!(
                "{} would not be there after the next start of the system",
                shown.join(", ")
            ),
            format!("{unmask}systemctl enable {names}"),
        ))
    }
}
