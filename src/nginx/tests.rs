#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod editing;
mod fuzz;
mod lexing;
mod loading;
mod manager;
mod meaning;
mod passing;
mod random;
mod skimming;

use std::collections::BTreeMap;

use super::{Config, Directive, Files, LoadError, glob_match};

/// Files in memory.
#[derive(Default)]
struct Shelf(BTreeMap<String, Vec<u8>>);

impl Shelf {
    fn of(files: &[(&str, &str)]) -> Self {
        let entry = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        Self(files.iter().map(entry).collect())
    }

    fn load(&self) -> Result<Config, LoadError> {
        Config::load("/etc/nginx/nginx.conf", self)
    }
}

impl Files for Shelf {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or("no such file".to_owned())
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        let paths = self.0.keys().filter(|path| glob_match(pattern, path));
        Ok(paths.cloned().collect())
    }
}

/// A configuration of one file.
fn one(text: &str) -> Config {
    Shelf::of(&[("/etc/nginx/nginx.conf", text)])
        .load()
        .unwrap()
}

/// The first directive of that name, anywhere.
fn find<'a>(config: &'a Config, name: &str) -> &'a Directive {
    fn search<'a>(level: &'a [Directive], name: &str) -> Option<&'a Directive> {
        super::flat(level).find_map(|directive| {
            if directive.name == name {
                return Some(directive);
            }
            search(directive.children(), name)
        })
    }
    search(&config.main, name).unwrap_or_else(|| panic!("no {name}"))
}
