//! Where each family of systems keeps the certificates it trusts: data, not branches.

use super::Family;

/// How a root certificate is added to the trust of the whole system. Sources: the manual pages
/// `update-ca-trust(8)` (RHEL family), `update-ca-certificates(8)` (Debian, SUSE, Alpine).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustStore {
    /// Where anchors are dropped. One certificate a file: Debian's tool makes no hash link for
    /// a file with two.
    pub anchors: &'static str,
    /// The name of our anchor; Debian's tool ignores every suffix but `.crt`.
    pub file: &'static str,
    /// The command that takes anchors over.
    pub command: &'static str,
    /// Its options.
    pub options: &'static str,
    /// Folders which that command rewrites; they are recorded before it runs.
    pub rewrites: &'static [&'static str],
    /// The file in which the anchor must be found afterwards.
    pub bundle: &'static str,
}

const FILE: &str = "nim-tls-root.crt";

const RED_HAT: TrustStore = TrustStore {
    anchors: "/etc/pki/ca-trust/source/anchors",
    file: FILE,
    command: "update-ca-trust",
    options: "",
    rewrites: &["/etc/pki/ca-trust/extracted"],
    bundle: "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
};

const DEBIAN: TrustStore = TrustStore {
    anchors: "/usr/local/share/ca-certificates",
    file: FILE,
    command: "update-ca-certificates",
    // Without the hooks of other packages: that of Java sets triggers in the package database
    // (measured), which nobody may put back later without breaking what dpkg did meanwhile.
    options: "--hooksdir /dev/null",
    rewrites: &["/etc/ssl/certs"],
    bundle: "/etc/ssl/certs/ca-certificates.crt",
};

const ALPINE: TrustStore = TrustStore {
    options: "",
    ..DEBIAN
};

const SUSE: TrustStore = TrustStore {
    anchors: "/etc/pki/trust/anchors",
    file: FILE,
    command: "update-ca-certificates",
    options: "",
    rewrites: &["/var/lib/ca-certificates", "/etc/ssl/certs"],
    bundle: "/var/lib/ca-certificates/ca-bundle.pem",
};

impl TrustStore {
    pub fn of(family: Family) -> Option<&'static TrustStore> {
        match family {
            Family::RedHat => Some(&RED_HAT),
            Family::Debian => Some(&DEBIAN),
            Family::Suse => Some(&SUSE),
            Family::Alpine => Some(&ALPINE),
            Family::Other => None,
        }
    }
}
