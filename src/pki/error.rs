//! Why nothing was issued.

use super::key::KeyError;
use crate::certificate::{ChainFault, Purpose};

/// Why nothing was issued. Each is a sentence that names what is wrong.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("a recipe for {found} was used where one for {wanted} belongs")]
    WrongPurpose {
        found: Purpose,
        wanted: &'static str,
    },
    #[error("the authority's key does not belong to its certificate")]
    NotItsKey,
    #[error("the file of the authority's key was changed since the plan was made")]
    OtherFile,
    #[error("the authority has no certificate")]
    NoAuthority,
    #[error("the authority {0} may not have another authority below it")]
    NoRoom(String),
    #[error("the authority {0} is not valid at this time")]
    AuthorityNotValid(String),
    /// rcgen keeps one attribute of a kind, so a subject with two of them cannot be repeated.
    #[error("the authority's name ({0}) has a form in which this program cannot issue")]
    AuthorityName(String),
    #[error("the new certificate would not be accepted: {0}")]
    Refused(#[from] ChainFault),
    #[error("the date is out of range")]
    Date,
    #[error("the certificate could not be made: {0}")]
    NotMade(String),
}
