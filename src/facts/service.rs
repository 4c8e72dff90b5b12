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
    /// Services that run now and would be missed after the next start of the system, each with
    /// the word for why.
    fn missed_at_boot(&self) -> impl Iterator<Item = (&str, &str)> {
        let found = self.services.iter();
        found.filter_map(|(name, service)| match service {
            Known::Is(service) if service.is_active() => {
                Some((name.as_str(), service.left_out.as_deref()?))
            }
            _ => None,
        })
    }

    /// Those of them that `systemctl enable` brings up with the system. What somebody has masked
    /// is theirs to unmask.
    pub fn to_enable(&self) -> Vec<String> {
        let found = self.missed_at_boot().filter(|(_, why)| !is_masked(why));
        found.map(|(name, _)| name.to_owned()).collect()
    }

    /// What is to be said of all of them, without a full stop, and the command that helps. Of
    /// those that a plan enables (`but`), nothing is.
    pub fn lost_at_boot(&self, but: &[String]) -> Option<(String, String)> {
        let found = self.missed_at_boot();
        let found = found.filter(|(name, _)| !but.iter().any(|one| one == name));
        let (names, why): (Vec<_>, Vec<_>) = found.unzip();
        if names.is_empty() {
            return None;
        }
        let shown = names.iter().zip(&why);
        let shown: Vec<_> = shown.map(|(name, why)| format!("{name} ({why})")).collect();
        let names = names.join(" ");
        let unmask = if why.iter().any(|why| is_masked(why)) {
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

fn is_masked(why: &str) -> bool {
    why.starts_with("masked")
}
