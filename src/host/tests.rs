//! The real machine, tried in temporary folders. These tests are run as root, as the tool is:
//! where the system has to refuse something, it has to refuse it to root.

mod commands;
mod files;
mod obstacles;
mod placing;
mod roots;
mod running;

use std::path::{Path, PathBuf};

use super::machine::Host;
use super::{Attributes, Command, Local, Output};

fn live() -> Local {
    Local::live().expect("the root folder can be opened")
}

/// A folder of its own for a test, gone with it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().canonicalize().expect("its real path");
    (folder, path)
}

fn sh(script: &str, args: &[&Path]) -> Output {
    let args = args.iter().map(|path| path.to_str().expect("UTF-8"));
    let args: Vec<&str> = ["-euc", script, "sh"].into_iter().chain(args).collect();
    live()
        .run(&Command::new("/bin/sh", &args))
        .expect("a shell runs")
}

/// Runs a script that has to succeed, and returns what it printed.
fn done(script: &str, args: &[&Path]) -> String {
    let output = sh(script, args);
    assert!(output.success(), "{script}: {}", output.err());
    output.out()
}

fn private() -> Attributes {
    Attributes::root(0o600)
}

fn names(folder: &Path) -> Vec<String> {
    live().list(folder).expect("a folder")
}
