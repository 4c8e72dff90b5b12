//! The system's trust store: our root is dropped as an anchor, and the system's own command
//! takes it over. What that command rewrites is journalled, and undone from the journal: run
//! a second time, it would not bring back what was there (measured on Debian: hash links and
//! Java's store differ).

use std::path::Path;

use crate::certificate::{PemFault, pem_blocks};
use crate::host::{Command, Host, HostError};
use crate::plan::TrustChange;

use super::journal::Journal;
use super::listing;

/// 140 certificates in PEM have about 220 KB.
const MOST_BYTES: u64 = 16 << 20;

#[derive(Debug, thiserror::Error)]
pub(super) enum TrustError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("{0} is not installed")]
    NoCommand(String),
    #[error("{command} failed: {said}")]
    Failed {
        command: String,
        said: String,
        /// Where it works.
        folder: String,
    },
    #[error("{path}: {fault}")]
    Unreadable { path: String, fault: PemFault },
    #[error("{command} ran, but {bundle} does not hold {anchor}")]
    Ineffective {
        command: String,
        bundle: String,
        anchor: String,
    },
}

/// Runs the command and sees that the anchor has arrived. By `mark` the command is found again
/// where this process is killed meanwhile.
pub(super) fn trust(
    host: &dyn Host,
    journal: &mut Journal<'_>,
    change: &TrustChange,
    mark: &str,
) -> Result<(), TrustError> {
    let mut words = change.command.split_whitespace();
    let program = words.next().unwrap_or_default();
    let path = host
        .find(program)
        .ok_or_else(|| TrustError::NoCommand(program.to_owned()))?;
    let command = Command::new(path, &words.collect::<Vec<_>>()).marked(mark);

    listing::record(host, journal, &change.rewrites)?;
    let output = host.run(&command);
    listing::settle(host, journal)?;

    let output = output?;
    if !output.success() {
        return Err(TrustError::Failed {
            command: command.to_string(),
            said: output.why_failed(),
            folder: change.rewrites.first().cloned().unwrap_or_default(),
        });
    }
    if holds(host, &change.bundle, change.anchor.as_str())? {
        Ok(())
    } else {
        Err(TrustError::Ineffective {
            command: command.to_string(),
            bundle: change.bundle.clone(),
            anchor: change.anchor.to_string(),
        })
    }
}

/// Whether `bundle` holds the certificate in `anchor`, whatever the text around it.
pub(super) fn holds(host: &dyn Host, bundle: &str, anchor: &str) -> Result<bool, TrustError> {
    let certificates = |path: &str| -> Result<Vec<Vec<u8>>, TrustError> {
        let bytes = host.read(Path::new(path), MOST_BYTES)?;
        let blocks = pem_blocks(&bytes).map_err(|fault| TrustError::Unreadable {
            path: path.to_owned(),
            fault,
        })?;
        Ok(blocks
            .into_iter()
            .map(|block| block.contents.to_vec())
            .collect())
    };
    let anchors = certificates(anchor)?;
    let trusted = certificates(bundle)?;
    Ok(!anchors.is_empty() && anchors.iter().all(|anchor| trusted.contains(anchor)))
}
