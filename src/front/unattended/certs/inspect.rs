//! `nim-tls certs inspect`: what files of certificates and keys say, and what is wrong with them.

use std::path::{Path, PathBuf};

use serde::Serialize;
use zeroize::Zeroizing;

use crate::certificate::{Certificate, FileFlaw, Purpose, Standing, flaws, read_pem_chain};
use crate::error::{Exit, Problem};
use crate::host::{Host as _, Kind, Local};
use crate::pki::{KeyFact, inspect_key};
use crate::values::{escaped, moment, wrapped};

use super::super::super::output::Output;
use super::super::super::place::{Ground, absolute};
use super::super::super::typed::look_at;

/// A file of certificates is small; the largest trust stores have less than this.
const LIMIT: u64 = 4 << 20;
const DAY: i64 = 86_400;

#[derive(Serialize)]
struct Document {
    schema: u32,
    files: Vec<FileDocument>,
}

#[derive(Serialize)]
struct FileDocument {
    path: String,
    certificates: Vec<CertificateDocument>,
    key: Option<KeyDocument>,
    findings: Vec<FindingDocument>,
}

#[derive(Serialize)]
struct CertificateDocument {
    subject: String,
    issuer: String,
    serial: String,
    /// `server`, `agent`, `authority`.
    uses: Vec<&'static str>,
    names: Vec<String>,
    not_before: String,
    not_after: String,
    days_left: i64,
    key: String,
    sha256: String,
}

#[derive(Serialize)]
struct KeyDocument {
    kind: String,
    encrypted: bool,
    /// Which of the given certificates it belongs to, by their files.
    belongs_to: Vec<String>,
}

#[derive(Serialize)]
struct FindingDocument {
    cause: &'static str,
    severity: &'static str,
    text: String,
}

/// What one file holds.
struct Found {
    path: PathBuf,
    chain: Vec<Certificate>,
    key: Option<KeyFact>,
    flaws: Vec<FileFlaw>,
}

pub(super) fn inspect(ground: &Ground, files: &[PathBuf], output: &Output) -> Result<u8, Problem> {
    let now = ground.host().now();
    let mut found: Vec<Found> = Vec::new();
    for file in files {
        found.push(look(file, now)?);
    }
    pair_up(&mut found);
    let documents: Vec<FileDocument> = found.iter().map(|one| document(one, &found, now)).collect();
    if output.is_json() {
        output.document(&Document {
            schema: 1,
            files: documents,
        })?;
    } else {
        output.result(&text(&documents, output.width))?;
    }
    let stops = found
        .iter()
        .flat_map(|one| &one.flaws)
        .any(|flaw| flaw.stops);
    Ok(if stops { Exit::HostUnfit } else { Exit::Done } as u8)
}

/// The files are the operator's, on this machine: `--root` does not apply to them.
fn look(file: &Path, now: i64) -> Result<Found, Problem> {
    let path = absolute(file)?;
    let unreadable = |error: crate::host::HostError| {
        Problem::usage(escaped(&error.to_string())).remedy(look_at(&path))
    };
    let machine = Local::live().map_err(unreadable)?;
    // It may be a private key.
    let bytes = Zeroizing::new(machine.read(&path, LIMIT).map_err(unreadable)?);
    let chain = read_pem_chain(&bytes);
    let key = inspect_key(&bytes);
    let mut own = Vec::new();
    let mut not_pem = |words: String| {
        own.push(FileFlaw {
            cause: "file-not-pem",
            stops: true,
            words,
        });
    };
    // What it says that it holds is to be readable.
    let has = |label: &str| memchr::memmem::find(&bytes, label.as_bytes()).is_some();
    let (says_certificate, says_key) = (has("BEGIN CERTIFICATE-"), has("PRIVATE KEY-----"));
    match (&chain, &key) {
        (Err(error), _) if says_certificate => {
            not_pem(format!("its certificates cannot be read: {error}"));
        }
        (Err(_), Err(_)) if !says_key => {
            not_pem("it holds neither a certificate nor a private key in PEM".to_owned());
        }
        _ => {}
    }
    if let (Err(error), true) = (&key, says_key) {
        not_pem(format!("its private key cannot be read: {error}"));
    }
    let (chain, key) = (chain.unwrap_or_default(), key.ok());
    own.extend(flaws(&chain, now));
    // A link says nothing of who reads the key.
    let real = machine.real_path(&path).map_err(unreadable)?;
    let stat = machine
        .stat(real.as_deref().unwrap_or(&path))
        .map_err(unreadable)?;
    let open = stat.filter(|stat| stat.kind == Kind::File && stat.attributes.mode.0 & 0o007 != 0);
    if let (Some(_), Some(stat)) = (&key, open) {
        own.push(FileFlaw {
            cause: "key-readable-by-others",
            stops: true,
            words: format!(
                "it has mode {}: everybody here can read the key",
                stat.attributes.mode
            ),
        });
    }
    Ok(Found {
        path,
        chain,
        key,
        flaws: own,
    })
}

/// A key that was named beside certificates is to belong to one of them.
fn pair_up(found: &mut [Found]) {
    let leaves: Vec<_> = found.iter().filter_map(|one| one.chain.first()).collect();
    let publics: Vec<_> = leaves.iter().map(|leaf| leaf.public_key.clone()).collect();
    for one in found.iter_mut() {
        let public = one.key.as_ref().and_then(|key| key.public.as_ref());
        if let Some(public) = public
            && !publics.is_empty()
            && !publics.contains(public)
        {
            one.flaws.push(FileFlaw {
                cause: "key-mismatch",
                stops: true,
                words: "it holds the key of none of the certificates that were named with it"
                    .to_owned(),
            });
        }
    }
}

fn document(one: &Found, all: &[Found], now: i64) -> FileDocument {
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    let certificates = one.chain.iter().map(|one| CertificateDocument {
        subject: one.subject.clone(),
        issuer: one.issuer.clone(),
        serial: one.serial.clone(),
        uses: uses(one),
        names: one.names.iter().map(ToString::to_string).collect(),
        not_before: moment(one.validity.not_before),
        not_after: moment(one.validity.not_after),
        days_left: (one.validity.not_after - now).div_euclid(DAY),
        key: one.key_kind.clone(),
        sha256: one.fingerprint.to_string(),
    });
    let key = one.key.as_ref().map(|key| KeyDocument {
        kind: key.kind.clone(),
        encrypted: key.encrypted,
        belongs_to: all
            .iter()
            .filter(|other| {
                let leaf = other.chain.first().map(|leaf| &leaf.public_key);
                leaf.is_some() && leaf == key.public.as_ref()
            })
            .map(|other| shown(&other.path))
            .collect(),
    });
    FileDocument {
        path: shown(&one.path),
        certificates: certificates.collect(),
        key,
        findings: one
            .flaws
            .iter()
            .map(|flaw| FindingDocument {
                cause: flaw.cause,
                severity: if flaw.stops { "error" } else { "warning" },
                text: flaw.words.clone(),
            })
            .collect(),
    }
}

fn uses(one: &Certificate) -> Vec<&'static str> {
    if one.standing != Standing::Leaf {
        return vec!["authority"];
    }
    let uses = [(Purpose::Server, "server"), (Purpose::Agent, "agent")];
    let fit = uses.into_iter().filter(|(purpose, _)| one.serves(*purpose));
    fit.map(|(_, word)| word).collect()
}

fn text(files: &[FileDocument], width: usize) -> String {
    let mut text = String::new();
    for file in files {
        text.push_str(&format!("{}:\n", escaped(&file.path)));
        for (number, one) in (1..).zip(&file.certificates) {
            let uses = match one.uses.as_slice() {
                [] => "no use of TLS".to_owned(),
                uses => uses.join(" and "),
            };
            let head = format!("  {number}. ");
            text.push_str(&wrapped(
                &head,
                &format!("{}, for: {uses}", one.subject),
                width,
            ));
            let mut line = |head: &str, words: &str| {
                text.push_str(&wrapped(&format!("     {head:<8} "), words, width));
            };
            line("issuer", &one.issuer);
            if !one.names.is_empty() {
                line("names", &escaped(&one.names.join(", ")));
            }
            let (from, to) = (&one.not_before, &one.not_after);
            line(
                "valid",
                &format!("{from} to {to} ({} days left)", one.days_left),
            );
            line("key", &one.key);
            line("serial", &one.serial);
            line("sha256", &one.sha256);
        }
        if let Some(key) = &file.key {
            let state = if key.encrypted && key.kind != "encrypted" {
                ", encrypted"
            } else {
                ""
            };
            let whose = match key.belongs_to.as_slice() {
                [] => String::new(),
                files => format!("; the key of {}", escaped(&files.join(", "))),
            };
            let words = format!("private key, {}{state}{whose}", key.kind);
            text.push_str(&wrapped("  - ", &words, width));
        }
        for one in &file.findings {
            let words = format!("{}: {}", one.cause, escaped(&one.text));
            let head = if one.severity == "error" {
                "  ! "
            } else {
                "  ~ "
            };
            text.push_str(&wrapped(head, &words, width));
        }
    }
    text
}
