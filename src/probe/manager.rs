//! The settings of NGINX Instance Manager 1.

use super::reader::Reader;
use super::system::System;
use crate::facts::{Known, MANAGER_FILE, ManagerFile, ManagerSetup};
use crate::host::Host;

/// `account`: by which systemd starts it.
pub(super) fn look(
    host: &dyn Host,
    reader: &Reader<'_>,
    system: &System,
    account: Option<&str>,
) -> ManagerSetup {
    let runs_as = match &system.processes {
        Err(why) => Known::Unclear(why.clone()),
        Ok(processes) => {
            let mut managers = processes.iter();
            let found = managers.find(|process| process.is_called("nginx-manager"));
            let owner = found.map(|process| process.owner);
            let owner = owner.or_else(|| host.user(account?));
            owner.map_or(Known::Absent, |owner| Known::Is((owner.user, owner.group)))
        }
    };
    ManagerSetup {
        file: file(reader),
        runs_as,
    }
}

fn file(reader: &Reader<'_>) -> Known<ManagerFile> {
    let bytes = match reader.read(MANAGER_FILE.as_ref()) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Known::Absent,
        Err(why) => return Known::Unclear(why),
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Known::Unclear(format!(
            "{MANAGER_FILE} is not UTF-8 text: file {MANAGER_FILE}"
        ));
    };
    let path = MANAGER_FILE.parse().expect("a literal path");
    Known::Is(ManagerFile::new(path, text.to_owned()))
}
