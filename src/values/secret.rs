//! Lines of other people's files, shown without their secrets.

const WORDS: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "authorization",
    "bearer",
    "credential",
];
const MASK: &str = "********";

/// A line with the value masked that a word such as `token` announces, in YAML (`token: x`), ini
/// (`token = x`) and nginx (`proxy_set_header Authorization x;`), commented or not, and with a
/// password in an address. The line stays recognisable, and one with nothing to hide is left as
/// it is.
pub fn masked(line: &str) -> String {
    let line = without_data(without_password(line));
    match announced(&line) {
        Some((_, Value::At(value))) => cut(&line, value),
        _ => line,
    }
}

/// The lines of a whole text, with what belongs to such a value in those that follow it: a YAML
/// block, a quoted text of several lines, an argument of nginx in a line of its own, the values of
/// a `map` by a secret, and private keys.
pub fn masked_lines(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut hidden = Hidden::Nothing;
    text.lines().map(move |line| {
        let (shows, now) = hidden.then(line);
        hidden = now;
        if shows {
            let (shown, next) = Hidden::after(line);
            hidden = next;
            return shown;
        }
        let indent = line.len() - line.trim_start().len();
        let mask = if line.trim().is_empty() { "" } else { MASK };
        format!("{}{mask}", &line[..indent])
    })
}

/// What of the lines to come belongs to a secret.
#[derive(Clone, Copy)]
enum Hidden {
    Nothing,
    /// What lies deeper than the name in this column.
    Deeper(usize),
    /// The first line in any case, where it is in quotes; then as above.
    Value(usize),
    /// To the end of this quote.
    Quote(char),
    /// To the end of nginx's directive.
    Directive,
    /// To the end of nginx's block.
    Block,
    PrivateKey,
}

impl Hidden {
    /// Whether this line shows, and what of those behind it does not, if it is hidden.
    fn then(self, line: &str) -> (bool, Self) {
        let text = line.trim_start();
        let goes_on = |ends: bool| if ends { Self::Nothing } else { self };
        match self {
            Self::Nothing => (true, self),
            _ if text.is_empty() => (false, self),
            Self::Value(column) if text.starts_with(['"', '\'']) => (false, Self::Deeper(column)),
            Self::Deeper(column) | Self::Value(column) => {
                let indent = line.len() - text.len();
                let shows = indent < column || indent == column && !text.starts_with("- ");
                (shows, Self::Deeper(column))
            }
            Self::Quote(quote) => (false, goes_on(line.contains(quote))),
            Self::Directive => (false, goes_on(line.contains(';'))),
            Self::Block => (text.starts_with('}'), self),
            Self::PrivateKey => (false, goes_on(line.contains("-----END"))),
        }
    }

    /// A line that shows, masked, and what it hides of those behind it.
    fn after(line: &str) -> (String, Self) {
        if let Some(at) = line
            .find("-----BEGIN ")
            .filter(|_| line.contains("PRIVATE KEY"))
        {
            return (cut(line, at), Self::PrivateKey.then(line).1);
        }
        let shown = masked(line);
        let text = line.trim();
        let is_map = text.starts_with("map ") || text.starts_with("geo ");
        if is_map
            && text.ends_with('{')
            && words(line).any(|(begin, end)| announces(&line[begin..end]))
        {
            return (shown, Self::Block);
        }
        match announced(line) {
            None => (shown, Self::Nothing),
            Some((column, Value::At(at))) => {
                let value = &line[at..];
                let open = value.chars().next().filter(|c| matches!(c, '"' | '\''));
                let next = match open.filter(|quote| value.matches(*quote).count() % 2 == 1) {
                    Some(quote) => Self::Quote(quote),
                    None if is_name(&line[..at]) => Self::Deeper(column),
                    None => Self::Nothing,
                };
                (shown, next)
            }
            Some((column, Value::Follows)) => (shown, Self::Value(column)),
            Some((_, Value::Argument(at))) if !text.starts_with('#') => {
                let mut chars = line[at..].char_indices();
                match chars.find(|(_, c)| matches!(c, '"' | '\'')) {
                    Some((begins, quote)) if line[at..].matches(quote).count() % 2 == 1 => {
                        (cut(line, at + begins), Self::Quote(quote))
                    }
                    None if line[at..].trim().is_empty() => (shown, Self::Directive),
                    _ => (shown, Self::Nothing),
                }
            }
            Some(_) => (shown, Self::Nothing),
        }
    }
}

/// Whether a YAML name ends here.
fn is_name(head: &str) -> bool {
    head.trim_end().ends_with(':')
}

fn cut(line: &str, value: usize) -> String {
    let close = if ends_directive(line) { ";" } else { "" };
    format!("{}{MASK}{close}", &line[..value])
}

/// With a comment behind it, or the end of its block.
fn ends_directive(line: &str) -> bool {
    let ends = |line: &str| line.trim_end_matches([' ', '\t', '\r', '}']).ends_with(';');
    ends(line) || line.match_indices(" #").any(|(at, _)| ends(&line[..at]))
}

/// Where the value is that a word announces.
enum Value {
    At(usize),
    /// In the lines behind `name:`.
    Follows,
    /// An argument of nginx behind this place, whose directive does not end in this line.
    Argument(usize),
}

fn words(line: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-$".contains(c);
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at + line[at..].find(is_word)?;
        let rest = &line[begin..];
        at = begin + rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        Some((begin, at))
    })
}

/// The column of the first word that announces a value, and where that is; without one, of the
/// last such word.
fn announced(line: &str) -> Option<(usize, Value)> {
    let mut last = None;
    for (begin, end) in words(line).filter(|(begin, end)| announces(&line[*begin..*end])) {
        match value_after(line, end) {
            Some(value @ Value::At(_)) => return Some((begin, value)),
            Some(value) => last = Some((begin, value)),
            None => {}
        }
    }
    last
}

fn announces(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    // Names of files, and the switch for nginx's version, are no secrets.
    let harmless = word.ends_with("file") || word == "server_tokens";
    !harmless && WORDS.iter().any(|secret| word.contains(secret))
}

/// The value that a word ending at `end` announces; `None`: it is a variable of nginx.
fn value_after(line: &str, end: usize) -> Option<Value> {
    let rest = line[end..].trim_start_matches(['"', '\'']);
    let after = rest.trim_start();
    // Of nginx's conditions, too.
    let value = after.trim_start_matches([':', '=', '!', '~', '*']);
    let named = value.len() < after.len();
    // In nginx, a directive ends where it ends, and not with the line.
    let is_argument = after.len() < rest.len() && after.contains(';');
    if !named && !is_argument {
        let open = !line.trim_end().ends_with([';', '{', '}']);
        return open.then_some(Value::Argument(end));
    }
    let value = value.trim_start();
    let shown = value.trim_matches(['"', '\'', ';', ' ']);
    if shown.is_empty() {
        return is_name(line).then_some(Value::Follows);
    }
    let variable = !named && is_variable(value);
    (!variable).then(|| Value::At(line.len() - value.len()))
}

/// Whether an argument of nginx is one variable, which is no secret. A password may begin with
/// `$` as well.
fn is_variable(argument: &str) -> bool {
    let argument = argument.split(';').next().unwrap_or_default();
    let name = argument.trim_matches(['"', '\'', ' ']).strip_prefix('$');
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

/// Without what stands before the `@` of an address.
/// A certificate or key may stand in nginx's own line, and in what nginx says of it.
fn without_data(line: String) -> String {
    let data = line.find("data:").filter(|_| line.contains("certificate"));
    let value = data.map(|at| at + "data:".len());
    // What a variable holds does not stand there.
    match value.filter(|at| !line[*at..].starts_with('$')) {
        Some(at) => cut(&line, at),
        None => line,
    }
}

fn without_password(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some((head, tail)) = rest.split_once("://") {
        shown.push_str(head);
        shown.push_str("://");
        let ends = |c: char| c.is_whitespace() || "/\"'".contains(c);
        let end = tail.find(ends).unwrap_or(tail.len());
        rest = match tail[..end].rfind('@') {
            Some(at) if tail[..at].contains(':') => {
                shown.push_str(MASK);
                &tail[at..]
            }
            _ => tail,
        };
    }
    shown + rest
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
            (
                "ssl_certificate_key data:MIGH;",
                "ssl_certificate_key data:********;",
            ),
            (
                "cannot load certificate key \"data:MIGH\": PEM_read_bio_PrivateKey() failed",
                "cannot load certificate key \"data:********",
            ),
            ("NGINX_PASSPHRASE=x", "NGINX_PASSPHRASE=********"),
            (
                "proxy_set_header Authorization \"Basic eA==\";",
                "proxy_set_header Authorization ********;",
            ),
            ("set $api_token x;", "set $api_token ********;"),
            (
                "proxy_set_header X-Token \"a\"; # b",
                "proxy_set_header X-Token ********;",
            ),
            (
                "location / { proxy_set_header X-Token a; }",
                "location / { proxy_set_header X-Token ********;",
            ),
            (
                "if ($http_x_api_key !~ \"^x$\") {",
                "if ($http_x_api_key !~ ********",
            ),
            (
                "add_header X \"Bearer x\";",
                "add_header X \"Bearer ********;",
            ),
            (
                "location / { set $token x; }",
                "location / { set $token ********;",
            ),
            ("set $token x; set $b y", "set $token ********"),
            ("password: $ecret", "password: ********"),
            ("set $token $2y$10$x;", "set $token ********;"),
            ("x http://me:pw@h/a@b y", "x http://********@h/a@b y"),
        ] {
            assert_eq!(masked(line), shown);
        }
    }

    #[test]
    fn what_is_no_secret_is_left_as_it_is() {
        for line in [
            "server_tokens off;",
            "ssl_certificate_key data:$key_of_vault;",
            "add_header Content-Security-Policy \"img-src data:\";",
            "auth_basic_user_file /etc/nms/nginx/.htpasswd;",
            "ssl_password_file /etc/pass;",
            "proxy_set_header Authorization $http_authorization;",
            "proxy_set_header Authorization $http_authorization; # theirs",
            "# the token is kept elsewhere",
            "token:",
            "é token",
            "proxy_pass http://a.example.com:80/x@y;",
            "",
        ] {
            assert_eq!(masked(line), line);
        }
    }

    /// Red where what is kept from line to line is forgotten, or a column is counted wrong.
    #[test]
    fn what_follows_a_line_is_hidden_with_it() {
        for (text, shown) in [
            (
                "a:\n  token: |-\n    x1\n\n    x2\n  b: y",
                "a:|  token: ********|    ********||    ********|  b: y",
            ),
            (
                "- \"password\": >\n    x\n  b: y",
                "- \"password\": ********|    ********|  b: y",
            ),
            ("token: 'x\n  z'\nb: y", "token: ********|  ********|b: y"),
            ("tokens:\n- x\n- z\nb: y", "tokens:|********|********|b: y"),
            (
                "{\"token\":\n\"x\",\n\"b\": 1}",
                "{\"token\":|********|\"b\": 1}",
            ),
            (
                "set_x Authorization\n  x;\nb y;",
                "set_x Authorization|  ********|b y;",
            ),
            (
                "set_x Authorization \"x\n x\";\nb y;",
                "set_x Authorization ********| ********|b y;",
            ),
            // Found by fuzzing: a blank of several bytes.
            (
                "set_x Authorization\u{a0}\"x\n x\";\nb y;",
                "set_x Authorization\u{a0}********| ********|b y;",
            ),
            (
                "map $http_token $b {\n  x 1;\n}\nb y;",
                "map $http_token $b {|  ********|}|b y;",
            ),
            (
                "k: |\n -----BEGIN EC PRIVATE KEY-----\n x\n -----END EC PRIVATE KEY-----\nb: y",
                "k: || ********| ********| ********|b: y",
            ),
            (
                "location /token {\n  b y;\n}\n# the token\nb y;",
                "location /token {|  b y;|}|# the token|b y;",
            ),
        ] {
            let lines: Vec<String> = masked_lines(text).collect();
            assert_eq!(lines.join("|"), shown);
        }
    }
}
