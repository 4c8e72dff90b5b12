//! Paths in the unit files of systemd.

use super::AbsPath;

/// As a unit spells it: of the characters that a path may hold here, a unit takes only this one
/// for its own.
pub fn in_unit(path: &AbsPath) -> String {
    path.as_str().replace('%', "%%")
}

/// What a unit spells so. None where somebody else's unit says what no path of ours could.
pub fn out_of_unit(word: &str) -> Option<AbsPath> {
    let path: AbsPath = word.replace("%%", "%").parse().ok()?;
    (in_unit(&path) == word).then_some(path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_from_a_unit() {
        for (path, word) in [
            ("/etc/nginx/nginx.conf", "/etc/nginx/nginx.conf"),
            ("/srv/50%/nim-tls", "/srv/50%%/nim-tls"),
            ("/srv/%%i", "/srv/%%%%i"),
        ] {
            let path: AbsPath = path.parse().unwrap();
            assert_eq!(in_unit(&path), word);
            assert_eq!(out_of_unit(word), Some(path));
        }
        for word in ["/srv/%i", "%h/x", "/srv/a b", "x", "/srv/%%%i", "/etc//x"] {
            assert_eq!(out_of_unit(word), None, "{word}");
        }
    }
}
