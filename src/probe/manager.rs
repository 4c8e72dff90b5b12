//! The settings of NGINX Instance Manager 1.

use super::reader::Reader;
use crate::facts::{Known, MANAGER_FILE, ManagerFile};

pub(super) fn file(reader: &Reader<'_>) -> Known<ManagerFile> {
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
    Known::Is(ManagerFile {
        path: MANAGER_FILE.parse().expect("a literal path"),
        text: text.to_owned(),
    })
}
