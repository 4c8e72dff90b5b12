//! What goes to somebody who is to help: one archive of what was found on a host, what it is set
//! up like, and the ends of its logs.
//!
//! Secrets are masked line by line while it is made. What was made is unpacked again and searched
//! for every private key and passphrase that is known of here; where one is found, there is no
//! archive.

mod archive;
mod secrets;
mod masking;
mod host_text;
mod configuration;
mod history;
mod logs;

use std::path::PathBuf;

use serde::Serialize;

use crate::doctor::Diagnosis;
use crate::facts::Facts;
use crate::host::Host;
use crate::values::escaped;

use archive::Packer;
use secrets::Secrets;

/// What all members hold together, unpacked.
const MOST_OF_ALL: usize = 24 << 20;
/// What one of them holds.
const MOST_OF_ONE: usize = 4 << 20;
const ABOUT: &str = "\
What nim-tls doctor found on a host, and what it looked at. Values that a word such as token or
password announces are masked, and private keys are left out. It was searched for the private keys
and passphrases that are known of on that host, and none is in it. Names, addresses and lines of
logs are as they are there: look at all of it before you give it to anybody.
";

/// What it is made from.
pub struct Ingredients<'a> {
    pub host: &'a dyn Host,
    /// The machine on which this runs, and the logs that were named there.
    pub machine: &'a dyn Host,
    pub logs: &'a [PathBuf],
    pub facts: &'a Facts,
    pub diagnosis: &'a Diagnosis,
    /// What a front says of it, by the name of the file.
    pub told: &'a [(&'static str, String)],
}

pub struct Bundle {
    pub archive: Vec<u8>,
    pub members: Vec<Member>,
    /// In the order in which they were met.
    pub left_out: Vec<LeftOut>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    pub name: String,
    /// Unpacked.
    pub bytes: usize,
    /// What of it is there, where that is not all.
    pub cut: Option<String>,
}

/// What is not in it, or was not searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub what: String,
    pub why: String,
}

/// Why there is no archive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The secret is told by where it is kept, never by itself.
    #[error("{member} would hold {secret}")]
    Secret { member: String, secret: String },
    #[error("it could not be packed: {0}")]
    NotPacked(String),
}

/// Makes it, and searches it.
pub fn bundle(of: &Ingredients<'_>) -> Result<Bundle, Refused> {
    let mut packer = Packer::new(of.host.now());
    let mut left_out = Vec::new();
    for (name, text) in of.told {
        packer.add(name, text)?;
    }
    packer.add("host.txt", &host_text::text(of.facts))?;
    history::add(of, &mut packer, &mut left_out)?;
    configuration::add(of, &mut packer, &mut left_out)?;
    logs::add(of, &mut packer, &mut left_out)?;
    let secrets = Secrets::of(of, &mut left_out);
    left_out.extend(packer.passed_over());
    let about = about(&packer, &left_out);
    packer.add_in_any_case("ABOUT.txt", &about)?;
    let (archive, members) = packer.finish()?;
    archive::each(&archive, &mut |name, bytes| {
        let found = secrets.found_in(name.as_bytes());
        match found.or_else(|| secrets.found_in(bytes)) {
            None => Ok(()),
            Some(secret) => Err(Refused::Secret {
                member: name.to_owned(),
                secret,
            }),
        }
    })?;
    Ok(Bundle {
        archive,
        members,
        left_out,
    })
}

fn about(packer: &Packer, left_out: &[LeftOut]) -> String {
    let mut text = format!("{ABOUT}\nIn it:\n");
    for member in packer.members() {
        let cut = member.cut.as_ref();
        let cut = cut.map_or_else(String::new, |cut| format!(" ({cut})"));
        text.push_str(&format!("  {} {} bytes{cut}\n", member.name, member.bytes));
    }
    text.push_str("\nNot in it:\n");
    for LeftOut { what, why } in left_out {
        text.push_str(&format!("  {what}: {why}\n"));
    }
    if left_out.is_empty() {
        text.push_str("  nothing was left out\n");
    }
    text
}

impl LeftOut {
    fn new(what: &str, why: &str) -> Self {
        let told = why
            .strip_prefix(what)
            .and_then(|rest| rest.strip_prefix(": "));
        Self {
            what: escaped(what),
            why: escaped(told.unwrap_or(why)),
        }
    }
}
