//! What the package databases say is installed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::reader::Reader;
use crate::host::{Command, Host};
use crate::values::{Gather as _, escaped};

/// The packages that matter here.
pub(super) const NIM_2: &str = "nms-instance-manager";
pub(super) const NIM_1: &str = "nginx-manager";
pub(super) const AGENT: &str = "nginx-agent";
const ASKED: [&str; 3] = [NIM_2, NIM_1, AGENT];

const DPKG_STATUS: &str = "/var/lib/dpkg/status";
/// What a dpkg that was cut short has not yet written into its status.
const DPKG_UPDATES: &str = "/var/lib/dpkg/updates";

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Packages {
    /// Name and version.
    pub(super) installed: BTreeMap<String, String>,
    /// Databases that are there and could not be read, and why.
    pub(super) unread: Vec<String>,
}

impl Packages {
    pub(super) fn version(&self, package: &str) -> Option<&String> {
        self.installed.get(package)
    }
}

/// A system may have both: a Debian with `rpm` for building packages is common.
pub(super) fn look(reader: &Reader<'_>) -> Packages {
    let mut packages = Packages::default();
    for database in [dpkg(reader), rpm(reader.host())] {
        match database {
            Ok(found) => packages.installed.extend(found),
            Err(why) => packages.unread.push(why),
        }
    }
    packages
}

type Found = Result<BTreeMap<String, String>, String>;

/// dpkg's own file says the same as dpkg, and sooner; where it may not be the whole truth, dpkg
/// itself is asked.
fn dpkg(reader: &Reader<'_>) -> Found {
    let status = reader.pass_on(Path::new(DPKG_STATUS));
    let whole = matches!(reader.names(Path::new(DPKG_UPDATES)), Ok(names) if names.is_empty());
    if let (Ok(Some(status)), true) = (&status, whole) {
        return Ok(installed_of_status(&as_text(status)));
    }
    if let Some(program) = program(reader.host(), "dpkg-query") {
        let format = "--showformat=${db:Status-Abbrev}\\t${Package}\\t${Version}\\n";
        let mut args = vec!["--show", format];
        args.extend(ASKED);
        // It exits with 1 as soon as one of them is unknown, and still tells of the others.
        return answer(reader.host(), &program, &args, 1).map(|text| installed_of_dpkg(&text));
    }
    let status = status?.unwrap_or_default();
    Ok(installed_of_status(&as_text(&status)))
}

/// It is UTF-8, and seeing that is quicker than looking for what is not.
fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn rpm(host: &dyn Host) -> Found {
    let Some(program) = program(host, "rpm") else {
        return Ok(BTreeMap::new());
    };
    let mut args = vec![
        "--query",
        "--queryformat",
        "%{NAME}\\t%{VERSION}-%{RELEASE}\\n",
    ];
    args.extend(ASKED);
    // It exits with the number of those that are not installed.
    answer(host, &program, &args, 3).map(|text| installed_of_rpm(&text))
}

fn program(host: &dyn Host, name: &str) -> Option<PathBuf> {
    if host.is_live() {
        host.find(name)
    } else {
        None
    }
}

/// What a program prints, unless it exits with more than `highest`.
fn answer(host: &dyn Host, program: &Path, args: &[&str], highest: i32) -> Result<String, String> {
    let command = Command::new(program, args);
    let output = host.run(&command).map_err(|error| error.to_string())?;
    match output.code {
        Some(code) if (0..=highest).contains(&code) => Ok(output.out()),
        _ => Err(format!(
            "{} failed: {}",
            program.display(),
            first_line(&output.err())
        )),
    }
}

fn first_line(text: &str) -> String {
    escaped(text.lines().next().unwrap_or("it said nothing"))
}

/// Lines of status, name and version. The second letter of the status is the state: `n` is not
/// installed, and of `c` only the configuration files are left.
fn installed_of_dpkg(text: &str) -> BTreeMap<String, String> {
    let line = |line: &str| {
        let mut fields = line.split('\t');
        let state = fields.next()?.chars().nth(1)?;
        let (name, version) = (fields.next()?, fields.next()?);
        (!matches!(state, 'n' | 'c')).then(|| (name.to_owned(), escaped(version.trim())))
    };
    text.lines().filter_map(line).gathered()
}

/// The lines of packages that are missing are sentences, without a tab.
fn installed_of_rpm(text: &str) -> BTreeMap<String, String> {
    let line = |line: &str| {
        let (name, version) = line.split_once('\t')?;
        Some((name.to_owned(), escaped(version.trim())))
    };
    text.lines().filter_map(line).gathered()
}

/// The database itself is made of paragraphs of `Key: value`, `Package` first.
fn installed_of_status(text: &str) -> BTreeMap<String, String> {
    let paragraph = |rest: &str| {
        let name = rest.lines().next()?.trim();
        if !ASKED.contains(&name) {
            return None;
        }
        let paragraph = rest.lines().take_while(|line| !line.is_empty());
        let field = |key: &str| {
            let mut lines = paragraph.clone();
            let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
            Some(value.trim())
        };
        let state = field("Status")?.rsplit(' ').next()?;
        let there = !matches!(state, "not-installed" | "config-files");
        there.then(|| {
            (
                name.to_owned(),
                escaped(field("Version").unwrap_or_default()),
            )
        })
    };
    let first = text.strip_prefix("Package: ").into_iter();
    let further = text.split("\nPackage: ").skip(1);
    first.chain(further).filter_map(paragraph).gathered()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(found: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
        found
            .iter()
            .map(|(name, version)| (name.as_str(), version.as_str()))
            .collect()
    }

    #[test]
    fn dpkg_tells_installed_from_removed() {
        let text = "ii \tnms-instance-manager\t2.22.2-1~bookworm\n\
                    rc \tnginx-manager\t1.0.2\n\
                    un \tnginx-agent\t\n";
        let found = installed_of_dpkg(text);
        assert_eq!(pairs(&found), [(NIM_2, "2.22.2-1~bookworm")]);
        assert_eq!(
            pairs(&installed_of_dpkg("hi \tnginx-agent\t2.46\n")),
            [(AGENT, "2.46")]
        );
    }

    #[test]
    fn rpm_says_in_words_what_is_missing() {
        let text = "nms-instance-manager\t2.22.2-1.el9.ngx\n\
                    package nginx-manager is not installed\n";
        assert_eq!(
            pairs(&installed_of_rpm(text)),
            [(NIM_2, "2.22.2-1.el9.ngx")]
        );
    }

    #[test]
    fn the_status_file_says_the_same_as_dpkg() {
        let text = "Package: nginx-agent\nStatus: deinstall ok config-files\nVersion: 2.1\n\n\
                    Package: nms-instance-manager\nEssential: no\nStatus: install ok installed\n\
                    Description: x\n Package: nginx-manager\nVersion: 2.22.2~bookworm\n\n\
                    Package: nginx-manager-doc\nStatus: install ok installed\nVersion: 9\n";
        assert_eq!(
            pairs(&installed_of_status(text)),
            [(NIM_2, "2.22.2~bookworm")]
        );
    }
}
