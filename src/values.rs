//! The small values everything else is made of. Each is valid by construction: whoever holds
//! a [`HostName`] may write it into nginx configuration, YAML or a certificate without a
//! second look.

mod text;

mod abs_path;
mod attributes;
mod digest;
mod gather;
mod host_name;
mod moment;
mod order;
mod port;
mod peer;
mod secret;
mod run_id;
mod unit;
mod word;
mod wrap;

#[cfg(test)]
mod tests;

pub use abs_path::AbsPath;
pub use attributes::{Attributes, Mode, Owner};
pub use digest::Digest;
pub use gather::Gather;
pub use host_name::{HostName, SubjectName};
pub use moment::{date_of_http, instant, moment};
pub use order::{sort_by, sort_by_key};
pub use peer::Peer;
pub use port::Port;
pub use run_id::RunId;
pub use secret::{masked, masked_lines};
pub use text::{Invalid, escaped, is_hidden, quotable, shown, shown_json};
pub use unit::{in_unit, out_of_unit};
pub use word::path_word;
pub use wrap::{USUAL_WIDTH, advised, cell, is_command, with_command, wrapped};
