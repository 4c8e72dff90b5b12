//! What `nginx -V` says of an executable.

use crate::facts::Build;
use crate::values::escaped;

/// Reads what `nginx -V` wrote (to its standard error). `None`: no version is in it.
pub(super) fn read(said: &str) -> Option<Build> {
    let banner = after(said, "nginx version: ")?;
    let (_, version) = banner.split_once('/')?;
    let (number, rest) = version.split_once(' ').unwrap_or((version, ""));
    let openssl = after(said, "running with ").or_else(|| after(said, "built with "));
    Some(Build {
        version: numbers(number)?,
        plus: plus(rest),
        openssl: openssl.and_then(library),
        options: options(after(said, "configure arguments: ").unwrap_or_default()),
    })
}

/// What stands after `label` on the line that has it.
fn after<'a>(said: &'a str, label: &str) -> Option<&'a str> {
    said.lines()
        .find_map(|line| line.split_once(label).map(|(_, rest)| rest.trim()))
}

/// `1.27.2`; what some builders append (`1.25.3-custom`) is passed over.
fn numbers(text: &str) -> Option<(u16, u16, u16)> {
    let mut parts = text.splitn(3, '.').map(|part| {
        let end = part
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(part.len());
        part[..end].parse::<u16>().ok()
    });
    Some((parts.next()??, parts.next()??, parts.next()??))
}

/// `(nginx-plus-r33-p2)` is release `r33-p2`.
fn plus(text: &str) -> Option<String> {
    let (_, release) = text.split_once("nginx-plus-")?;
    let end = release.find([')', ' ']).unwrap_or(release.len());
    Some(escaped(&release[..end]))
}

/// `OpenSSL 3.0.19 27 Jan 2026)` without the date; forks of OpenSSL have names of their own.
fn library(text: &str) -> Option<String> {
    let mut words = text.split([' ', ')']).filter(|word| !word.is_empty());
    let (name, version) = (words.next()?, words.next()?);
    name.ends_with("SSL")
        .then(|| escaped(&format!("{name} {version}")))
}

/// The arguments of `configure`, as a shell takes them apart. Quotes are dropped.
fn options(text: &str) -> Vec<String> {
    let mut options = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c.is_whitespace() => options.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    options.push(word);
    options.retain(|option| !option.is_empty());
    options
}

/// The value of a configure option, the last one where it was given twice.
pub(super) fn value<'a>(build: &'a Build, option: &str) -> Option<&'a str> {
    let mut values = build
        .options
        .iter()
        .rev()
        .filter_map(|have| have.strip_prefix(option));
    values.find_map(|rest| rest.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail so")]
    use super::*;

    const DEBIAN: &str = "nginx version: nginx/1.22.1\n\
        built with OpenSSL 3.0.22 25 Aug 2026 (running with OpenSSL 3.0.19 27 Jan 2026)\n\
        TLS SNI support enabled\n\
        configure arguments: --with-cc-opt='-g -O2 -D_FORTIFY_SOURCE=2' \
        --with-ld-opt='-Wl,-z,relro -fPIC' --prefix=/usr/share/nginx \
        --conf-path=/etc/nginx/nginx.conf --with-http_v2_module --with-stream=dynamic\n";

    #[test]
    fn the_open_source_banner() {
        let build = read(DEBIAN).unwrap();
        assert_eq!(build.version, (1, 22, 1));
        assert_eq!(build.plus, None);
        assert_eq!(build.openssl.as_deref(), Some("OpenSSL 3.0.19"));
        assert_eq!(build.options[0], "--with-cc-opt=-g -O2 -D_FORTIFY_SOURCE=2");
        assert_eq!(build.options.len(), 6);
        assert!(build.has("--with-http_v2_module") && build.has("--with-stream"));
        assert_eq!(value(&build, "--conf-path"), Some("/etc/nginx/nginx.conf"));
        assert_eq!(value(&build, "--conf"), None);
    }

    #[test]
    fn the_banner_of_plus_and_of_forks() {
        for (banner, version, plus) in [
            (
                "nginx/1.27.2 (nginx-plus-r33-p2)",
                (1, 27, 2),
                Some("r33-p2"),
            ),
            ("nginx/1.25.1 (nginx-plus-r30)", (1, 25, 1), Some("r30")),
            ("nginx/1.18.0 (Ubuntu)", (1, 18, 0), None),
            ("openresty/1.25.3.1", (1, 25, 3), None),
            ("nginx/1.29.0-custom", (1, 29, 0), None),
        ] {
            let build = read(&format!("nginx version: {banner}\n")).unwrap();
            assert_eq!(
                (build.version, build.plus.as_deref()),
                (version, plus),
                "{banner}"
            );
            assert_eq!((build.openssl, build.options), (None, Vec::new()));
        }
    }

    #[test]
    fn what_is_no_banner_gives_no_version() {
        for said in [
            "",
            "nginx version: nginx",
            "nginx version: nginx/1.x.2",
            "not found",
        ] {
            assert_eq!(read(said), None, "{said}");
        }
    }

    #[test]
    fn the_library_is_the_one_that_runs() {
        for (line, library) in [
            (
                "built with OpenSSL 1.1.1k  FIPS 25 Mar 2021",
                Some("OpenSSL 1.1.1k"),
            ),
            ("built with LibreSSL 3.8.2", Some("LibreSSL 3.8.2")),
            ("built with gcc 12", None),
        ] {
            let build = read(&format!("nginx version: nginx/1.20.1\n{line}")).unwrap();
            assert_eq!(build.openssl.as_deref(), library);
        }
    }
}
