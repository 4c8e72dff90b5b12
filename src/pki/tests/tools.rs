//! Other people's programs, run on files in a folder of their own.

#![expect(clippy::disallowed_methods, reason = "a test sets its own scene")]

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::*;
use crate::certificate::pem_chain;

pub(super) struct Folder(tempfile::TempDir);

/// How a program ended, and everything it printed.
pub(super) struct Outcome {
    pub(super) success: bool,
    pub(super) text: String,
}

/// The machine's clock, for the sake of programs that judge by it.
pub(super) fn clock() -> i64 {
    let elapsed = std::time::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(elapsed.as_secs()).unwrap()
}

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn write(&self, file: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(file);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(file)).unwrap()
    }

    /// Runs a command line whose words hold no spaces, with the folder as its current one.
    pub(super) fn run(&self, line: &str) -> Outcome {
        let mut words = line.split_whitespace();
        let output = Command::new(words.next().unwrap())
            .args(words)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        Outcome {
            success: output.status.success(),
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }

    pub(super) fn must(&self, line: &str) -> String {
        let outcome = self.run(line);
        assert!(outcome.success, "{line}: {}", outcome.text);
        outcome.text
    }

    /// `root.pem`, `int.pem` and `leaf.pem`: what OpenSSL is asked about below.
    pub(super) fn with_chain(authority: &Authority, leaf: &Issued) -> Self {
        let folder = Self::new();
        let chain = authority.chain();
        folder.write("root.pem", chain[1].pem());
        folder.write("int.pem", chain[0].pem());
        folder.write("leaf.pem", leaf.certificate.pem());
        folder.write(
            "gnutls.pem",
            pem_chain([&leaf.certificate, &chain[0], &chain[1]]),
        );
        folder
    }

    /// `openssl verify` with only the root trusted, strictly, at [`NOW`].
    pub(super) fn verify(&self, options: &str) -> Outcome {
        self.run(&format!(
            "openssl verify -x509_strict -no-CApath -no-CAstore -attime {NOW} \
             -CAfile root.pem -untrusted int.pem {options} leaf.pem"
        ))
    }
}
