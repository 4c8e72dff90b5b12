//! A configuration as it would be with other files in it.

use std::collections::BTreeMap;

use super::config::Config;
use super::glob::glob_match;
use super::load::{Files, LoadError};

impl Config {
    /// What nginx would read with these texts, by path, beside or in place of its files.
    pub fn overlaid(&self, texts: &BTreeMap<String, String>) -> Result<Config, LoadError> {
        let main = self.files.first().map_or("", |file| file.path.as_str());
        let mut config = Config::load(main, &Overlaid { below: self, texts })?;
        for file in &mut config.files {
            let inexact = |id| !self.file(id).exact;
            if !texts.contains_key(&file.path) && self.find_file(&file.path).is_some_and(inexact) {
                file.exact = false;
            }
        }
        Ok(config)
    }
}

struct Overlaid<'a> {
    below: &'a Config,
    texts: &'a BTreeMap<String, String>,
}

impl Files for Overlaid<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        if let Some(text) = self.texts.get(path) {
            return Ok(text.clone().into_bytes());
        }
        match self.below.find_file(path) {
            Some(id) => Ok(self.below.file(id).text.as_bytes().to_vec()),
            None => Err("it is not part of the configuration".to_owned()),
        }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, String> {
        let below = self.below.files.iter().map(|file| &file.path);
        let mut paths: Vec<String> = below
            .chain(self.texts.keys())
            .filter(|path| glob_match(pattern, path))
            .cloned()
            .collect();
        paths.sort_unstable();
        paths.dedup();
        Ok(paths)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn new_files_are_read_where_a_pattern_asks_for_them() {
        let texts = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
            pairs.iter().map(owned).collect()
        };
        let main = "/etc/nginx/nginx.conf";
        let empty = Config {
            files: Vec::new(),
            main: Vec::new(),
        };
        let today = texts(&[
            (main, "http { include conf.d/*.conf; }"),
            ("/etc/nginx/conf.d/m.conf", "server { listen 80; }"),
        ]);
        let today = Config::load(
            main,
            &Overlaid {
                below: &empty,
                texts: &today,
            },
        )
        .unwrap();
        let after = today
            .overlaid(&texts(&[
                ("/etc/nginx/conf.d/a.conf", "server { listen 81; }"),
                ("/etc/nginx/conf.d/m.conf", "server { listen 82; }"),
                ("/etc/nginx/conf.d/no", "server { listen 83; }"),
            ]))
            .unwrap();
        let ports: Vec<&str> = after.all(&["listen"]).filter_map(|at| at.arg(0)).collect();
        assert_eq!(ports, ["81", "82"]);
        assert_eq!(today.all(&["listen"]).count(), 1);
    }
}
