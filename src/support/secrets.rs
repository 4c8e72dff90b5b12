//! The private keys and passphrases that are known of on a host, and whether a text holds one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};

use memchr::memmem;
use serde_yaml::Value;
use zeroize::Zeroizing;

use super::{Ingredients, LeftOut};
use crate::facts::{FoundContent, Known};
use crate::host::{Host, HostError, Kind};
use crate::pki::{PIECE, secret_pieces};
use crate::worker::Runs;
use crate::yaml::{nests_deeply, value_of};

/// A file of keys or passphrases is small.
const LIMIT: u64 = 1 << 20;
/// What is looked through below the state folder.
const MOST_FILES: usize = 10_000;
const DEEPEST: usize = 5;
/// A shorter passphrase is found by chance in any text.
const SHORTEST: usize = 4;
/// What begins and ends a private key in PEM.
const MARK: &[u8] = b"PRIVATE KEY-----";
/// Directives of nginx that name keys, and passphrases of keys.
const KEYS: [&str; 4] = [
    "ssl_certificate_key",
    "proxy_ssl_certificate_key",
    "grpc_ssl_certificate_key",
    "uwsgi_ssl_certificate_key",
];
const PASSPHRASES: [&str; 4] = [
    "ssl_password_file",
    "proxy_ssl_password_file",
    "grpc_ssl_password_file",
    "uwsgi_ssl_password_file",
];

/// Where each of them is kept, so that it can be told without being shown.
#[derive(Default)]
pub(super) struct Secrets {
    /// Pieces of keys, by their hash alone.
    pieces: HashMap<u64, usize>,
    hashing: RandomState,
    passphrases: Vec<(Zeroizing<Vec<u8>>, usize)>,
    kept_in: Vec<String>,
}

impl Secrets {
    /// All that can be read; of the others it is said that nothing was searched for them.
    pub(super) fn of(of: &Ingredients<'_>, left_out: &mut Vec<LeftOut>) -> Self {
        let mut secrets = Self::default();
        let mut told = BTreeMap::new();
        for path in keys(of, &mut told) {
            secrets.take(of.host, &path, true, &mut told);
        }
        // What answers name is the operator's, on the machine on which this runs.
        for path in named_in_answers(of, &["passphrase_file"]) {
            secrets.take(of.machine, &path, false, &mut told);
        }
        for path in passphrases_of_nginx(of) {
            secrets.take(of.host, &path, false, &mut told);
        }
        left_out.extend(told.into_iter().map(|(path, why)| {
            let why = format!("the archive could not be searched for what is in it: {why}");
            LeftOut::new(&path, &why)
        }));
        secrets
    }

    fn take(
        &mut self,
        host: &dyn Host,
        path: &Path,
        is_key: bool,
        told: &mut BTreeMap<String, String>,
    ) {
        let name = path.to_string_lossy().into_owned();
        match host.read(path, LIMIT).map(Zeroizing::new) {
            Ok(bytes) if is_key => {
                for piece in secret_pieces(&bytes).iter() {
                    let piece = self.hashing.hash_one(piece.as_slice());
                    self.pieces.insert(piece, self.kept_in.len());
                }
            }
            Ok(bytes) => {
                let lines = bytes.split(|byte| *byte == b'\n');
                for line in lines
                    .map(<[u8]>::trim_ascii)
                    .filter(|line| !line.is_empty())
                {
                    if line.len() < SHORTEST {
                        let why = format!("it has fewer than {SHORTEST} characters");
                        told.insert(name.clone(), why);
                        continue;
                    }
                    let line = Zeroizing::new(line.to_vec());
                    self.passphrases.push((line, self.kept_in.len()));
                }
            }
            // What is not there can be nowhere else.
            Err(_) if matches!(host.stat(path), Ok(None)) => {}
            Err(error) => {
                told.insert(name.clone(), words(&error, &name));
            }
        }
        self.kept_in.push(name);
    }

    /// What the text holds that it must not, by the place where that is kept.
    pub(super) fn found_in(&self, text: &[u8]) -> Option<String> {
        if memmem::find(text, MARK).is_some() {
            return Some("a private key".to_owned());
        }
        for (passphrase, at) in &self.passphrases {
            if memmem::find(text, passphrase).is_some() {
                return Some(format!(
                    "the passphrase that is kept in {}",
                    self.kept_in[*at]
                ));
            }
        }
        if self.pieces.is_empty() {
            return None;
        }
        // A key may stand there in lines of another length, or in one with `\n` between.
        let joined = Zeroizing::new(joined(text));
        let windows = joined.windows(PIECE);
        let mut found =
            windows.filter_map(|window| self.pieces.get(&self.hashing.hash_one(window)));
        let at = found.next()?;
        Some(format!("a part of the private key {}", self.kept_in[*at]))
    }
}

/// Without what breaks lines.
fn joined(text: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        let is_break = |next: &u8| matches!(next, b'n' | b'r' | b't');
        if byte == b'\\' && rest.next_if(is_break).is_some() || byte.is_ascii_whitespace() {
            continue;
        }
        joined.push(byte);
    }
    joined
}

fn words(error: &HostError, name: &str) -> String {
    let words = error.to_string();
    let told = words
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix(": "));
    told.unwrap_or(&words).to_owned()
}

/// Files that hold keys, or may.
fn keys(of: &Ingredients<'_>, told: &mut BTreeMap<String, String>) -> BTreeSet<PathBuf> {
    let facts = of.facts;
    let is_key = |content: &FoundContent| matches!(content, FoundContent::Key { .. });
    let looked_at = facts.files.iter();
    let looked_at =
        looked_at.filter(|(_, fact)| fact.file().is_some_and(|file| is_key(&file.content)));
    let mut keys: BTreeSet<PathBuf> = looked_at
        .map(|(path, _)| path.as_path().to_owned())
        .collect();
    if let Known::Is(config) = &facts.config {
        for line in config.all(&KEYS) {
            let files = line.arg(0).filter(|name| !name.contains(['$', ':']));
            keys.extend(files.map(|name| PathBuf::from(config.resolved(name))));
        }
    }
    if let Known::Is(file) = &facts.agent_setup.file {
        keys.extend(value_of(&file.text, "tls", "key").map(PathBuf::from));
    }
    if let Known::Is(file) = &facts.manager_setup.file {
        keys.extend(file.value("key").map(PathBuf::from));
    }
    keys.extend(named_in_answers(of, &["key", "ca_key"]));
    keys.retain(|path| path.is_absolute());
    let mut left = MOST_FILES;
    below(
        of.host,
        facts.state.folder.as_path(),
        DEEPEST,
        &mut left,
        &mut keys,
        told,
    );
    keys
}

/// Every file of a folder that holds a private key.
fn below(
    host: &dyn Host,
    folder: &Path,
    deep: usize,
    left: &mut usize,
    keys: &mut BTreeSet<PathBuf>,
    told: &mut BTreeMap<String, String>,
) {
    let names = match host.list(folder) {
        Ok(names) => names,
        Err(error) => {
            let name = folder.to_string_lossy().into_owned();
            let why = words(&error, &name);
            told.insert(name, why);
            return;
        }
    };
    for name in names {
        let path = folder.join(name);
        let Ok(Some(stat)) = host.stat(&path) else {
            continue;
        };
        if *left == 0 {
            let why = format!("no more than {MOST_FILES} files are looked through");
            told.insert(folder.to_string_lossy().into_owned(), why);
            return;
        }
        *left -= 1;
        match stat.kind {
            Kind::Folder if deep > 0 => below(host, &path, deep - 1, left, keys, told),
            Kind::File => {
                let bytes = host.read(&path, LIMIT).map(Zeroizing::new);
                if bytes.is_ok_and(|bytes| memmem::find(&bytes, MARK).is_some()) {
                    keys.insert(path);
                }
            }
            _ => {}
        }
    }
}

fn passphrases_of_nginx(of: &Ingredients<'_>) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    if let Known::Is(config) = &of.facts.config {
        let named = config.all(&PASSPHRASES).filter_map(|line| line.arg(0));
        files.extend(named.map(|name| PathBuf::from(config.resolved(name))));
    }
    files
}

/// What the answers of all runs that were kept name by one of these words, whatever else they are.
fn named_in_answers(of: &Ingredients<'_>, names: &[&str]) -> BTreeSet<PathBuf> {
    let mut files = BTreeSet::new();
    let runs = Runs::new(of.host, &of.facts.state.folder);
    for run in runs.list().unwrap_or_default() {
        let request = runs.open(&run).request().ok().flatten();
        let text = request.and_then(|request| request.answers);
        let text = text.filter(|text| !nests_deeply(text));
        let value = text.and_then(|text| serde_yaml::from_str::<Value>(&text).ok());
        if let Some(value) = value {
            named_in(&value, names, &mut files);
        }
    }
    files.retain(|path| path.is_absolute());
    files
}

fn named_in(value: &Value, names: &[&str], files: &mut BTreeSet<PathBuf>) {
    let Value::Mapping(mapping) = value else {
        return;
    };
    for (name, value) in mapping {
        match value {
            Value::String(path) if name.as_str().is_some_and(|name| names.contains(&name)) => {
                files.insert(PathBuf::from(path));
            }
            value => named_in(value, names, files),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::certificate::KeyKind;
    use crate::host::Memory;
    use crate::pki::SecretKey;
    use crate::values::Attributes;

    fn known(path: &str, text: &str, is_key: bool) -> Secrets {
        let machine = Memory::new();
        let path = Path::new(path);
        machine
            .place(path, text.as_bytes(), &Attributes::root(0o600))
            .unwrap();
        let mut secrets = Secrets::default();
        secrets.take(&machine, path, is_key, &mut BTreeMap::new());
        secrets
    }

    /// Red where a key is looked for as it stands in its file alone.
    #[test]
    fn a_part_of_a_key_is_found_however_its_lines_are_broken() {
        let key = SecretKey::generate(KeyKind::EcdsaP256).unwrap();
        let pem = key.to_pem().unwrap();
        let secrets = known("/k", &pem, true);
        let lines: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
        for text in [
            lines[0].to_owned(),
            format!("x {} y", lines[1]),
            lines.concat(),
            lines.join("\\n"),
            lines.concat().split_at(30).0.to_owned(),
            lines.concat().chars().map(|c| format!("{c}\n")).collect(),
        ] {
            let found = secrets.found_in(text.as_bytes()).unwrap();
            assert_eq!(found, "a part of the private key /k", "{text}");
        }
        let other = SecretKey::generate(KeyKind::Rsa2048)
            .unwrap()
            .to_pem()
            .unwrap();
        let lines: String = other
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        assert_eq!(secrets.found_in(lines.as_bytes()), None);
        assert_eq!(
            secrets.found_in(other.as_bytes()).as_deref(),
            Some("a private key")
        );
    }

    #[test]
    fn a_passphrase_is_told_by_its_file() {
        let secrets = known("/p", "zebra zephyr\n\nab\n", false);
        let found = secrets.found_in(b"x=zebra zephyr;");
        assert_eq!(found.as_deref(), Some("the passphrase that is kept in /p"));
        assert_eq!(secrets.found_in(b"zebra, zephyr and ab"), None);
    }
}
