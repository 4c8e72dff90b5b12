//! What nginx does with one request: rewrite, access, content, error pages, in its order and by
//! its rules, the dangerous ones included (an `error_page` that swallows a refusal, say).

use super::asked::{Answer, Client, Request};
use super::backends;
use super::condition::Condition;
use super::log::{self, Logs};
use super::variables::Values;
use crate::nginx::{Config, Directive, Http, Location, Scope, Server, flat};

/// As often as nginx lets one request go elsewhere (`NGX_HTTP_MAX_URI_CHANGES`).
const MOST_CHANGES: u8 = 10;

/// Where a request is answered.
pub(super) struct Site<'s, 'a> {
    pub(super) config: &'s Config,
    pub(super) http: &'s Http<'a>,
    pub(super) server: &'s Server<'a>,
    pub(super) client: &'s Client,
    pub(super) request: &'s Request,
    pub(super) logs: &'s dyn Logs,
}

/// A request, or one that a location makes on its behalf, as it stands now.
struct Turn<'a> {
    uri: String,
    /// Made by nginx: internal locations are open to it.
    internal: bool,
    main: bool,
    /// The status that the answer gets whatever answers it.
    fixed: Option<u16>,
    /// An error page has been taken, and no second one is.
    page_taken: bool,
    changes: u8,
    set: Vec<(String, String)>,
    /// Whose settings count now.
    scope: Scope<'a>,
}

/// How a phase ended.
enum End {
    Status(u16),
    Sent(Answer),
}

impl<'a> Site<'_, 'a> {
    /// Answers the request and logs it.
    pub(super) fn answer(&self) -> Answer {
        let mut turn = self.turn(self.request.path(), true);
        let answer = match self.handshake_fault() {
            Some(code) => self.special(&mut turn, code),
            None => self.run(&mut turn),
        };
        self.log(&turn, &answer);
        answer
    }

    /// Whether it would get to what is behind this path: for clients that are only simulated.
    fn turn(&self, path: &str, main: bool) -> Turn<'a> {
        Turn {
            uri: path.to_owned(),
            internal: !main,
            main,
            fixed: None,
            page_taken: false,
            changes: 0,
            set: Vec::new(),
            scope: self.server.scope.clone(),
        }
    }

    fn log(&self, turn: &Turn<'a>, answer: &Answer) {
        let values = self.values(turn, answer.status, answer.body.len());
        log::access(self.logs, self.config, &turn.scope, &values);
    }

    fn error(&self, turn: &Turn<'a>, level: &str, what: &str) {
        let (client, request) = (self.client, self.request);
        let name = self.server.names.first().copied().unwrap_or_default();
        let text = format!(
            "*{} {what}, client: {}, server: {name}, request: \"{} {} {}\", host: \"{}\"",
            client.number,
            client.from.ip(),
            request.method,
            request.uri,
            request.version,
            request.host
        );
        log::error(self.logs, &turn.scope, self.config, level, &text);
    }

    fn values<'v>(&'v self, turn: &'v Turn<'a>, status: u16, sent: usize) -> Values<'v> {
        Values {
            config: self.config,
            client: self.client,
            request: self.request,
            uri: &turn.uri,
            server_name: self.server.names.first().copied().unwrap_or_default(),
            set: &turn.set,
            status,
            sent,
            now: self.logs.now(),
        }
    }

    fn expand(&self, turn: &Turn<'a>, text: &str) -> String {
        self.values(turn, 0, 0).expand(text)
    }

    /// A bad certificate, or a missing one, is answered with 400 after the handshake
    /// (`ngx_http_process_request`); its own codes are 495 and 496.
    fn handshake_fault(&self) -> Option<u16> {
        use super::asked::Verdict;
        let turn = self.turn(self.request.path(), true);
        let asks = self
            .server
            .scope
            .value("ssl_verify_client")
            .unwrap_or("off");
        match &self.client.certificate.verdict {
            _ if asks == "off" || !self.client.tls => None,
            // Whoever has issued it (`ngx_ssl_verify_error_optional`); an expired one is refused.
            Verdict::Failed(why) if asks == "optional_no_ca" && is_about_issuer(why) => None,
            Verdict::Failed(why) => {
                let why = format!(
                    "client SSL certificate verify error: ({why}) while reading client request headers"
                );
                self.error(&turn, "info", &why);
                Some(495)
            }
            Verdict::None if asks == "on" => {
                let why =
                    "client sent no required SSL certificate while reading client request headers";
                self.error(&turn, "info", why);
                Some(496)
            }
            _ => None,
        }
    }

    /// From the server's own rewriting on.
    fn run(&self, turn: &mut Turn<'a>) -> Answer {
        turn.scope = self.server.scope.clone();
        if let Some(end) = self.rewrite(turn, self.server.directive) {
            return self.end(turn, end);
        }
        let selected = self.http.find_location_for(self.server, &turn.uri);
        match selected.location.cloned() {
            Some(location) => self.at(turn, &location),
            None => self.content(turn, &[]),
        }
    }

    fn at(&self, turn: &mut Turn<'a>, location: &Location<'a>) -> Answer {
        turn.scope = location.scope.clone();
        let lines: Vec<&Directive> = flat(location.directive.children()).collect();
        if !turn.internal && lines.iter().any(|line| line.name == "internal") {
            return self.special(turn, 404);
        }
        if let Some(end) = self.rewrite(turn, location.directive) {
            return self.end(turn, end);
        }
        if turn.main
            && let Some(code) = self.refused(turn)
        {
            return self.special(turn, code);
        }
        self.content(turn, &lines)
    }

    fn end(&self, turn: &mut Turn<'a>, end: End) -> Answer {
        match end {
            End::Status(code) => self.special(turn, code),
            End::Sent(answer) => answer,
        }
    }

    /// `set`, `if` and `return`, in the order of the file.
    fn rewrite(&self, turn: &mut Turn<'a>, block: &'a Directive) -> Option<End> {
        for line in flat(block.children()) {
            match line.name.as_str() {
                "set" => {
                    let name = line.arg(0).unwrap_or_default().trim_start_matches('$');
                    let value = self.expand(turn, line.arg(1).unwrap_or_default());
                    turn.set.push((name.to_owned(), value));
                }
                "if" => {
                    let holds = Condition::of(line)
                        .is_some_and(|condition| condition.holds(&self.values(turn, 0, 0)));
                    if holds && let Some(end) = self.rewrite(turn, line) {
                        return Some(end);
                    }
                }
                "return" => return Some(self.returned(turn, line)),
                _ => {}
            }
        }
        None
    }

    fn returned(&self, turn: &Turn<'a>, line: &Directive) -> End {
        let first = line.arg(0).unwrap_or_default();
        let text = line.arg(1).map(|text| self.expand(turn, text));
        let Ok(code) = first.parse::<u16>() else {
            return End::Sent(self.moved(turn, 302, &self.expand(turn, first)));
        };
        match text {
            Some(to) if matches!(code, 301 | 302 | 303 | 307 | 308) => {
                End::Sent(self.moved(turn, code, &to))
            }
            None if code >= 400 => End::Status(code),
            text => {
                let kind = turn.scope.value("default_type").unwrap_or("text/plain");
                End::Sent(self.send(turn, Answer::new(code, kind, text.unwrap_or_default())))
            }
        }
    }

    fn moved(&self, turn: &Turn<'a>, code: u16, to: &str) -> Answer {
        let to = if to.starts_with('/') {
            let scheme = if self.client.tls { "https" } else { "http" };
            format!("{scheme}://{}{to}", self.request.host)
        } else {
            to.to_owned()
        };
        self.send(turn, Answer::page(code).with("location", to))
    }

    /// An answer on its way out: the status that was fixed, the headers of this place.
    fn send(&self, turn: &Turn<'a>, mut answer: Answer) -> Answer {
        answer.status = turn.fixed.unwrap_or(answer.status);
        let usual = matches!(answer.status, 200 | 201 | 204 | 206 | 301..=304 | 307 | 308);
        for line in turn.scope.nearest("add_header") {
            let always = line.arg(2) == Some("always");
            if let (Some(name), Some(value), true) = (line.arg(0), line.arg(1), usual || always) {
                let value = self.values(turn, answer.status, 0).expand(value);
                answer.headers.push((name.to_ascii_lowercase(), value));
            }
        }
        answer
    }

    /// The access phase. Only the request itself is checked, not one made on its behalf.
    fn refused(&self, turn: &Turn<'a>) -> Option<u16> {
        let line = turn.scope.nearest("auth_request").pop()?;
        let path = line.arg(0).filter(|path| *path != "off")?;
        let mut asked = self.turn(path, false);
        asked.set.clone_from(&turn.set);
        let answer = self.run(&mut asked);
        if asked.scope.value("log_subrequest") == Some("on") {
            self.log(&asked, &answer);
        }
        match answer.status {
            200..=299 => None,
            code @ (401 | 403) => Some(code),
            code => {
                self.error(
                    turn,
                    "error",
                    &format!("auth request unexpected status: {code}"),
                );
                Some(500)
            }
        }
    }

    fn content(&self, turn: &mut Turn<'a>, lines: &[&Directive]) -> Answer {
        let own = |name: &str| lines.iter().copied().find(|line| line.name == name);
        if let Some(pass) = own("grpc_pass").or_else(|| own("proxy_pass")) {
            let target = self.expand(turn, pass.arg(0).unwrap_or_default());
            let answer = backends::answer(self.http, pass, &target);
            if answer.status == 502 {
                return self.special(turn, 502);
            }
            return self.send(turn, answer);
        }
        let root = turn.scope.value("root").unwrap_or("/usr/share/nginx/html");
        let file = |path: &str| self.logs.read(&format!("{root}{path}"));
        let mut words: Vec<&str> =
            own("try_files").map_or(vec!["$uri"], |line| line.words().collect());
        let last = if words.len() > 1 { words.pop() } else { None };
        for word in words {
            let path = self.expand(turn, word);
            let found = match path.strip_suffix('/') {
                Some(_) => file(&format!("{path}index.html")),
                None => file(&path),
            };
            if let Some(bytes) = found {
                let html = bytes.starts_with(b"<");
                let kind = if html { "text/html" } else { "text/plain" };
                return self.send(turn, Answer::new(200, kind, bytes));
            }
        }
        match last {
            None => self.special(turn, 404),
            Some(last) => match last.strip_prefix('=').and_then(|code| code.parse().ok()) {
                Some(code) => self.special(turn, code),
                None => self.elsewhere(turn, last),
            },
        }
    }

    /// A status that nginx itself gives: the `error_page` of this place, or its own page.
    fn special(&self, turn: &mut Turn<'a>, code: u16) -> Answer {
        let shown = if (495..=497).contains(&code) {
            400
        } else {
            code
        };
        turn.fixed = Some(shown);
        if !turn.page_taken
            && turn.changes < MOST_CHANGES
            && let Some((instead, to)) = page_for(&turn.scope, code)
        {
            turn.page_taken = turn.scope.value("recursive_error_pages") != Some("on");
            match instead {
                Instead::Same => {}
                Instead::Its => turn.fixed = None,
                Instead::Code(code) => turn.fixed = Some(code),
            }
            return self.elsewhere(turn, to);
        }
        self.send(turn, Answer::page(shown))
    }

    /// To a path, a named location, or an address somewhere else.
    fn elsewhere(&self, turn: &mut Turn<'a>, to: &str) -> Answer {
        turn.changes += 1;
        turn.internal = true;
        if turn.changes > MOST_CHANGES {
            return Answer::page(500);
        }
        if to.starts_with('@') {
            return match self.server.named_location(to).cloned() {
                Some(location) => self.at(turn, &location),
                None => Answer::page(500),
            };
        }
        let to = self.expand(turn, to);
        if !to.starts_with('/') {
            turn.fixed = None;
            return self.moved(turn, 302, &to);
        }
        turn.uri = to;
        self.run(turn)
    }
}

fn is_about_issuer(why: &str) -> bool {
    why == "unable to get local issuer certificate"
}

/// What becomes of the status when an error page answers.
#[derive(Clone, Copy)]
enum Instead {
    Same,
    /// `=`: whatever the page gives.
    Its,
    /// `=200`
    Code(u16),
}

/// The first line that names the code, and where it leads.
fn page_for<'a>(scope: &Scope<'a>, code: u16) -> Option<(Instead, &'a str)> {
    scope.nearest("error_page").into_iter().find_map(|line| {
        let words: Vec<&str> = line.words().collect();
        let (to, codes) = words.split_last()?;
        if !codes.iter().any(|word| word.parse() == Ok(code)) {
            return None;
        }
        let instead = match codes.last().and_then(|word| word.strip_prefix('=')) {
            None => Instead::Same,
            Some("") => Instead::Its,
            Some(code) => Instead::Code(code.parse().ok()?),
        };
        Some((instead, *to))
    })
}
