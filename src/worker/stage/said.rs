//! What nginx said when it refused, in the form that editors and people follow.

use crate::values::{escaped, masked};

/// The first reason in the output of `nginx -t`: `path:line: words` where it names a place.
pub(crate) fn refusal(text: &str) -> String {
    let grave = |line: &&str| {
        ["[emerg]", "[alert]", "[crit]"]
            .iter()
            .any(|level| line.contains(level))
    };
    let line = text
        .lines()
        .find(grave)
        .or_else(|| text.lines().rfind(|line| !line.trim().is_empty()))
        .unwrap_or("it gave no reason");
    let words = match line.split_once("] ") {
        Some((head, words)) if head.contains('[') => without_number(words),
        _ => line,
    };
    let refusal = placed(words).unwrap_or_else(|| words.trim().to_owned());
    escaped(&masked(&refusal))
}

/// In the form of a log, the numbers of process and thread come first: `12#12: words`.
fn without_number(words: &str) -> &str {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match words.split_once(": ") {
        Some((head, rest)) => match head.split_once('#') {
            Some((process, thread)) if digits(process) && digits(thread) => rest,
            _ => words,
        },
        None => words,
    }
}

/// `unknown directive "x" in /etc/nginx/nginx.conf:3`, turned round.
fn placed(words: &str) -> Option<String> {
    let (what, place) = words.trim().rsplit_once(" in ")?;
    let (path, line) = place.rsplit_once(':')?;
    let is_place = path.starts_with('/') && line.parse::<u32>().is_ok();
    is_place.then(|| format!("{path}:{line}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_place_first() {
        let text = "nginx: [warn] the \"user\" directive makes sense only ...\n\
                    nginx: [emerg] unknown directive \"lsten\" in /etc/nginx/conf.d/a b.conf:12\n\
                    nginx: configuration file /etc/nginx/nginx.conf test failed\n";
        assert_eq!(
            refusal(text),
            "/etc/nginx/conf.d/a b.conf:12: unknown directive \"lsten\""
        );
    }

    #[test]
    fn a_reason_without_a_place_is_given_as_it_is() {
        let text = "nginx: [emerg] cannot load certificate \"/x\": BIO_new_file() failed\n\
                    nginx: configuration file /etc/nginx/nginx.conf test failed\n";
        assert_eq!(
            refusal(text),
            "cannot load certificate \"/x\": BIO_new_file() failed"
        );
        let logged = "2026/01/01 00:00:00 [emerg] 12#12: open() \"/x\" failed (2: no file)\n";
        assert_eq!(refusal(logged), "open() \"/x\" failed (2: no file)");
        assert_eq!(refusal("Killed\n"), "Killed");
        assert_eq!(refusal(""), "it gave no reason");
    }

    #[test]
    fn no_terminal_is_addressed() {
        assert_eq!(refusal("nginx: [emerg] bad \u{1b}[2J"), "bad \\u{1b}[2J");
    }
}
