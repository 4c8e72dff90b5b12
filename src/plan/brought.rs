//! Certificates and keys that were brought from elsewhere, judged where they lie.

use super::file::{Content, FileChange, Piece, Status};
use crate::answers::CertificateFiles;
use crate::bundle;
use crate::certificate::{Certificate, Purpose};
use crate::error::Problem;
use crate::facts::{Facts, FileFact, FoundContent, FoundFile};
use crate::values::{AbsPath, Digest, Mode};

/// Where they are looked for, and the answer that names them.
#[derive(Clone, Copy)]
pub(super) struct Brought<'a> {
    pub(super) facts: &'a Facts,
    pub(super) field: &'static str,
    /// Who will use them: `the agent`, `nginx`.
    pub(super) user: &'static str,
}

impl<'a> Brought<'a> {
    pub(super) fn readable(&self, path: &AbsPath) -> Result<&'a FoundFile, Problem> {
        let why = match self.facts.file(path) {
            FileFact::File(file) => return Ok(file),
            FileFact::Nothing { .. } => "is not there".to_owned(),
            FileFact::NotAFile(what) => format!("is {what}"),
            FileFact::Unclear(why) => format!("could not be read: {why}"),
        };
        let what = format!("{}: {path} {why}", self.field);
        let archive = bundle::inside(path).map(|(archive, _)| archive);
        let archive = archive.filter(|archive| self.facts.file(archive).file().is_some());
        Err(Problem::host(what).remedy(match archive {
            Some(archive) => format!("tar -tzf {archive}"),
            None => format!("ls -l {path}"),
        }))
    }

    pub(super) fn certificates(&self, path: &AbsPath) -> Result<&'a [Certificate], Problem> {
        match &self.readable(path)?.content {
            FoundContent::Certificates(chain) if !chain.is_empty() => Ok(chain),
            FoundContent::Key { .. } => {
                Err(self.refused(path, "holds a private key, and no certificate"))
            }
            FoundContent::Request(_) => {
                Err(self.refused(path, "holds a signing request, and no certificate"))
            }
            _ => Err(Problem::host(format!(
                "{}: {path} holds no certificate in PEM; one in DER, or in PKCS#7, has to be made \
                 one first",
                self.field
            ))
            .remedy(format!(
                "openssl x509 -inform DER -in {path} -out {path}.pem || openssl pkcs7 \
                 -print_certs -in {path} -out {path}.pem"
            ))),
        }
    }

    pub(super) fn refused(&self, path: &AbsPath, why: &str) -> Problem {
        Problem::host(format!("{}: {path} {why}", self.field))
            .remedy(format!("openssl x509 -noout -text -in {path}"))
    }

    /// A leaf with its chain behind it, for this purpose, and valid now.
    pub(super) fn serves(
        &self,
        path: &AbsPath,
        chain: &[Certificate],
        purpose: Purpose,
    ) -> Result<(), Problem> {
        let leaf = &chain[0];
        let subject = &leaf.subject;
        let now = self.facts.looked_at;
        let other = match purpose {
            Purpose::Agent => {
                "is not made for clients (its extended key usage lacks clientAuth): nginx refuses it"
            }
            _ => {
                "is not made for servers (its extended key usage lacks serverAuth): browsers and \
                 agents refuse it"
            }
        };
        let flaw = if leaf.is_authority() {
            "is an authority: the certificate itself comes first in its file, and its issuers after it"
        } else if now > leaf.validity.not_after {
            "has expired"
        } else if now < leaf.validity.not_before {
            "is not valid yet: look at the clock of this host, too"
        } else if !leaf.serves(purpose) {
            other
        } else if leaf.weak_key || leaf.weak_signature {
            "is too weak for today's TLS"
        } else if chain
            .windows(2)
            .any(|pair| !pair[0].names_as_issuer(&pair[1]))
        {
            "is followed by certificates that are not in order: each has to be followed by its issuer"
        } else {
            return Ok(());
        };
        Err(self.refused(path, &format!("holds {subject}, which {flaw}")))
    }

    pub(super) fn key_matches(
        &self,
        source: &CertificateFiles,
        leaf: &Certificate,
    ) -> Result<(), Problem> {
        let path = &source.key;
        if !self.is_encrypted(path, &source.cert, leaf)? {
            return Ok(());
        }
        let what = format!(
            "{}: {path} is encrypted, and {} asks nobody for a passphrase",
            self.field, self.user
        );
        let remedy = format!("(umask 077 && openssl pkey -in {path} -out NEW_FILE)");
        Err(Problem::host(what).remedy(remedy))
    }

    /// Whether a passphrase is needed for the key of that certificate; whose it is then shows only
    /// once it is open.
    pub(super) fn is_encrypted(
        &self,
        path: &AbsPath,
        cert: &AbsPath,
        leaf: &Certificate,
    ) -> Result<bool, Problem> {
        let compare =
            format!("openssl pkey -pubout -in {path}; openssl x509 -noout -pubkey -in {cert}");
        let (why, remedy) = match &self.readable(path)?.content {
            FoundContent::Key {
                encrypted: true, ..
            } => return Ok(true),
            FoundContent::Key { public, .. } => match public {
                Some(public) if *public == leaf.public_key => return Ok(false),
                Some(_) => (
                    "is not the key of the certificate beside it".to_owned(),
                    compare,
                ),
                None => ("is of a kind that could not be read".to_owned(), compare),
            },
            FoundContent::Certificates(_) => (
                "holds certificates: name a file with the key alone".to_owned(),
                compare,
            ),
            FoundContent::Request(_) | FoundContent::Other => {
                ("holds no private key in PEM".to_owned(), compare)
            }
        };
        let what = format!("{}: {path} {why}", self.field);
        Err(Problem::host(what).remedy(remedy))
    }

    /// A key put to its place as it is, and where it is fetched from if that is yet to be done.
    pub(super) fn carried(
        &self,
        source: &AbsPath,
        path: &AbsPath,
        (mode, owner): (Mode, (u32, u32)),
    ) -> Result<(FileChange, Option<(AbsPath, Digest)>), Problem> {
        let found = self.readable(source)?;
        let there = self.facts.file(path).file();
        let same = there.is_some_and(|there| {
            (&there.digest, there.mode, there.owner) == (&found.digest, mode, owner)
        });
        let status = match there {
            None => Status::Create,
            Some(_) if same => Status::Unchanged,
            Some(_) => Status::Change,
        };
        let fetch = (!same).then(|| (source.clone(), found.digest.clone()));
        let change = FileChange {
            path: path.clone(),
            status,
            mode,
            owner,
            content: Content::Issued(Piece::CarriedKey),
            before: there.map(|there| there.digest.clone()),
            text_before: None,
            reasons: Vec::new(),
        };
        Ok((change, fetch))
    }
}
