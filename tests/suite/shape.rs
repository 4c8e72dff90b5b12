//! The layout shows the architecture; these tests keep it so.

use std::fs;
use std::path::{Path, PathBuf};

/// Files of over 400 lines without their tests, each with the reason.
const LONG: [&str; 0] = [];
const LIMIT: usize = 400;

/// What only the shell may name.
const MACHINE: [&str; 5] = [
    "std::fs",
    "std::process::Command",
    "SystemTime::now",
    "Instant::now",
    "TcpStream",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn is_test(path: &Path) -> bool {
    let shown = path.to_string_lossy();
    shown.contains("/tests") || shown.ends_with("/lab.rs") || shown.contains("/lab/")
}

/// The text of a file without its test module, which stands last.
fn without_tests(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].to_owned()
}

/// The modules of the crate in the order of `lib.rs`.
fn modules() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let names = text
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

/// `src/plan/site.rs` belongs to `plan`.
fn module_of(path: &Path) -> String {
    let inner = path.strip_prefix(root().join("src")).unwrap();
    let first = inner
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

#[test]
fn a_module_uses_those_above_it_and_never_those_below() {
    let modules = modules();
    assert!(modules.len() > 15, "lib.rs could not be read: {modules:?}");
    let place = |name: &str| modules.iter().position(|module| module == name);
    let mut wrong = Vec::new();
    for path in sources(&root().join("src"))
        .iter()
        .filter(|path| !is_test(path))
    {
        let Some(own) = place(&module_of(path)) else {
            continue;
        };
        let text = without_tests(path);
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for used in line.split("crate::").skip(1) {
                let name: String = used
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if place(&name).is_some_and(|used| used > own) {
                    wrong.push(format!("{}: {}", path.display(), line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_of_a_folder_never_uses_the_face_of_the_folder() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src"))
        .iter()
        .filter(|path| !is_test(path))
    {
        let inner = path.strip_prefix(root().join("src")).unwrap();
        if inner.components().count() < 2 {
            continue;
        }
        let face = format!("crate::{}::", module_of(path));
        // A folder may hold deeper faces; those are reached by `super`.
        let text = without_tests(path);
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let hits = code.filter(|line| line.contains(&face));
        wrong.extend(hits.map(|line| format!("{}: {}", path.display(), line.trim())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_host_touches_the_machine() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src"))
        .iter()
        .filter(|path| !is_test(path))
    {
        if module_of(path) == "host" {
            continue;
        }
        let text = without_tests(path);
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let hits = code.filter(|line| MACHINE.iter().any(|word| line.contains(word)));
        wrong.extend(hits.map(|line| format!("{}: {}", path.display(), line.trim())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_readable() {
    let mut long = Vec::new();
    for path in sources(&root().join("src"))
        .iter()
        .filter(|path| !is_test(path))
    {
        let lines = without_tests(path).lines().count();
        let shown = path
            .strip_prefix(root())
            .unwrap()
            .to_string_lossy()
            .into_owned();
        if lines > LIMIT && !LONG.contains(&shown.as_str()) {
            long.push(format!("{shown}: {lines} lines"));
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn the_top_level_holds_what_was_asked_for_and_nothing_else() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "src",
        "assets",
        "tests",
        "screenshots",
        "target",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(
            name.starts_with('.') || allowed.contains(&name.as_str()),
            "{name}"
        );
    }
}
