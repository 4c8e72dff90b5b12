//! The ends of the logs that the doctor has read.

use std::path::Path;

use super::archive::Packer;
use super::masking;
use super::{Ingredients, LeftOut, Refused};
use crate::doctor::{tail, tail_of_journal};
use crate::values::escaped;

/// Of each log.
const MOST: usize = 256 << 10;

pub(super) fn add(
    of: &Ingredients<'_>,
    packer: &mut Packer,
    left_out: &mut Vec<LeftOut>,
) -> Result<(), Refused> {
    for source in &of.diagnosis.sources {
        let path = source.path.as_str();
        if !source.read {
            left_out.push(LeftOut::new(path, &source.why));
            continue;
        }
        let is_it = |log: &&std::path::PathBuf| escaped(&log.to_string_lossy()) == path;
        let named = of.logs.iter().find(is_it);
        let end = match named {
            Some(log) => tail(of.machine, log, MOST),
            None => tail_of_journal(of.host, path, MOST)
                .unwrap_or_else(|| tail(of.host, Path::new(path), MOST)),
        };
        match end {
            Ok(end) => {
                let text = masking::log(&String::from_utf8_lossy(&end.text));
                packer.add_end(&format!("logs/{path}"), &text, end.cut)?;
            }
            Err(why) => left_out.push(LeftOut::new(path, &why)),
        }
    }
    Ok(())
}
