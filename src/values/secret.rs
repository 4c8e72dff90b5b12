//! Lines of other people's files, shown without their secrets.

const WORDS: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "authorization",
    "credential",
];
const MASK: &str = "********";

/// A line with the value masked that a word such as `token` announces, in YAML (`token: x`), ini
/// (`token = x`) and nginx (`proxy_set_header Authorization x;`), commented or not. The line
/// stays recognisable, and one with nothing to hide is left as it is.
pub fn masked(line: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-$".contains(c);
    let mut at = 0;
    while let Some(begin) = line[at..].find(is_word).map(|found| at + found) {
        let rest = &line[begin..];
        let end = begin + rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if announces(&line[begin..end])
            && let Some(value) = value_after(line, end)
        {
            let close = if line.trim_end().ends_with(';') {
                ";"
            } else {
                ""
            };
            return format!("{}{MASK}{close}", &line[..value]);
        }
        at = end;
    }
    line.to_owned()
}

fn announces(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    // Names of files, and the switch for nginx's version, are no secrets.
    let harmless = word.ends_with("file") || word == "server_tokens";
    !harmless && WORDS.iter().any(|secret| word.contains(secret))
}

/// Where the value begins that a word ending at `end` announces; `None`: there is none, or it is
/// a variable of nginx.
fn value_after(line: &str, end: usize) -> Option<usize> {
    let rest = line[end..].trim_start_matches(['"', '\'']);
    let after = rest.trim_start();
    let named = after.strip_prefix([':', '=']).map(str::trim_start);
    let value = match named {
        Some(value) => value,
        // In nginx, a directive ends where it ends, and not with the line.
        None if after.len() < rest.len() && after.contains(';') => after,
        None => return None,
    };
    let shown = value.trim_matches(['"', '\'', ';', ' ']);
    let variable = named.is_none() && is_variable(value);
    (!shown.is_empty() && !variable).then(|| line.len() - value.len())
}

/// Whether an argument of nginx is one variable, which is no secret. A password may begin with
/// `$` as well.
fn is_variable(argument: &str) -> bool {
    let argument = argument.split(';').next().unwrap_or_default();
    let name = argument.trim_matches(['"', '\'', ' ']).strip_prefix('$');
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red where a word is taken out of the list or the value is not cut.
    #[test]
    fn a_secret_is_masked_and_its_line_stays_recognisable() {
        for (line, shown) in [
            ("token: abc", "token: ********"),
            ("  token: \"a b\"  # x", "  token: ********"),
            ("# api_key: 'x'", "# api_key: ********"),
            ("-password = x", "-password = ********"),
            ("{\"secret\": \"x\"}", "{\"secret\": ********"),
            ("server: {token: abc}", "server: {token: ********"),
            ("NGINX_PASSPHRASE=x", "NGINX_PASSPHRASE=********"),
            (
                "proxy_set_header Authorization \"Basic eA==\";",
                "proxy_set_header Authorization ********;",
            ),
            ("set $api_token x;", "set $api_token ********;"),
            // Found by fuzzing: these were shown.
            (
                "proxy_set_header Authorization \"x\"; # of ours",
                "proxy_set_header Authorization ********",
            ),
            (
                "location / { set $token x; }",
                "location / { set $token ********",
            ),
            ("password: $ecret", "password: ********"),
            ("set $token $2y$10$x;", "set $token ********;"),
        ] {
            assert_eq!(masked(line), shown);
        }
    }

    #[test]
    fn what_is_no_secret_is_left_as_it_is() {
        for line in [
            "server_tokens off;",
            "auth_basic_user_file /etc/nms/nginx/.htpasswd;",
            "ssl_password_file /etc/pass;",
            "proxy_set_header Authorization $http_authorization;",
            "proxy_set_header Authorization $http_authorization; # theirs",
            "# the token is kept elsewhere",
            "token:",
            "é token",
            "",
        ] {
            assert_eq!(masked(line), line);
        }
    }
}
