//! Security headers that really arrive. nginx takes all `add_header` lines of an outer level
//! away where an inner one has a line of its own, and leaves headers without `always` out of
//! every refusal and error page.

use super::editor::why;
use super::step::LEFT;
use super::work::Work;
use crate::answers::{Answers, SecurityHeaders};
use crate::error::Problem;
use crate::nginx::{Directive, Location, Scope, flat, quote};
use crate::values::{HostName, Port};

const HSTS: &str = "Strict-Transport-Security";

/// Headers that no page of the manager can be hurt by: its name, the value where nobody has
/// chosen one, and the reason. The content policy of the manager's pages is its own affair.
const FIXED: [(&str, &str, &str); 3] = [
    ("X-Content-Type-Options", "nosniff", "header-nosniff"),
    ("X-Frame-Options", "SAMEORIGIN", "header-frames"),
    ("Referrer-Policy", "strict-origin", "header-referrer"),
];

/// Beside their like, or below what is about TLS.
const BEHIND: [&str; 4] = [
    "add_header",
    "ssl_ciphers",
    "ssl_certificate_key",
    "server_name",
];

const SHARED: &str = "this file is read in more than one place";
const EMPTY: &str = "this line leaves it empty, and nginx sends no empty header";
const OUTSIDE: &str = "this line counts for other servers too";

pub(super) struct Header {
    pub(super) name: &'static str,
    value: String,
    pub(super) reason: &'static str,
    /// Another value that is there already is changed as well.
    exactly: bool,
}

impl Header {
    /// HSTS counts for a name, and leads to port 443 of it: none by default where the manager is
    /// on another one.
    pub(super) fn all(asked: SecurityHeaders, port: Port) -> Vec<Self> {
        let fixed = FIXED.map(|(name, value, reason)| Self {
            name,
            value: value.to_owned(),
            reason,
            exactly: false,
        });
        let hsts = Self {
            name: HSTS,
            value: format!("max-age={}", asked.hsts_max_age),
            reason: "header-hsts",
            exactly: asked.hsts_chosen,
        };
        let hsts = Some(hsts).filter(|_| port == Port::HTTPS);
        fixed.into_iter().chain(hsts).collect()
    }

    /// Name, value and mark; none of the values needs quotes.
    pub(super) fn args(&self) -> String {
        format!("{} {} always", self.name, self.value)
    }

    /// What the first of these answers does for a long time.
    pub(super) fn lasting(&self, name: &HostName) -> String {
        format!(
            "{} is sent from now on: browsers that have trusted the certificate use HTTPS alone for \
             {name}, on every port, for {}; options.security_headers: false leaves it out",
            self.name,
            self.value.replace("max-age=", "seconds: ")
        )
    }

    /// Browsers take it from answers over TLS only.
    pub(super) fn is_of_tls(&self) -> bool {
        self.name == HSTS
    }

    fn line(&self) -> String {
        format!("add_header {};", self.args())
    }

    pub(super) fn is_set_by(&self, line: &Directive) -> bool {
        let name = line.arg(0);
        name.is_some_and(|name| name.eq_ignore_ascii_case(self.name))
    }

    /// nginx sends no header that is empty.
    fn is_sent_by(&self, line: &Directive) -> bool {
        self.is_set_by(line) && line.arg(1).is_some_and(|value| !value.is_empty())
    }

    /// As it is now, with the time that was chosen; `None`: it is right as it is.
    fn other_value(&self, line: &Directive) -> Option<String> {
        let now = line.arg(1).filter(|_| self.exactly)?;
        let mut parts: Vec<&str> = now.split(';').map(str::trim).collect();
        let is_time = |part: &&mut &str| {
            let name = part.split('=').next().unwrap_or_default();
            name.trim().eq_ignore_ascii_case("max-age")
        };
        match parts.iter_mut().find(is_time) {
            Some(part) if *part == self.value => return None,
            Some(part) => *part = &self.value,
            None => parts.insert(0, &self.value),
        }
        let value = parts.join("; ");
        Some(quote(&value).unwrap_or(value))
    }
}

impl<'e> Work<'_, 'e> {
    /// On the manager's server, and on each level within it that inherits none.
    pub(super) fn security_headers(&mut self, answers: &Answers) -> Result<(), Problem> {
        let Some(asked) = answers.security_headers else {
            self.note_headers_stay();
            return Ok(());
        };
        let headers = Header::all(asked, answers.https);
        self.changes.headers = headers.iter().map(|one| one.name.to_owned()).collect();
        self.note_hsts(&headers, answers);
        let server = self.site.server;
        let carried = self.carried(&server.scope, &headers)?;
        self.headers_at(server.directive, &server.scope, &headers, &carried)?;
        for level in server.all_locations() {
            // nginx allows none in there.
            let closed = level.directive.name == "limit_except";
            if inherits_none(&level.scope) && !closed && !speaks_grpc(level.location) {
                self.headers_at(level.directive, &level.scope, &headers, &[])?;
            }
        }
        Ok(())
    }

    /// What the server has from outside: with the first line of its own it would be gone, so it
    /// is said again there.
    fn carried(
        &mut self,
        scope: &Scope<'e>,
        headers: &[Header],
    ) -> Result<Vec<&'e Directive>, Problem> {
        let alone = scope.own("add_header").is_empty();
        if !alone || adds_up(scope) || cuts_off(scope) {
            return Ok(Vec::new());
        }
        let lines = scope.nearest("add_header");
        for line in &lines {
            let source = self.site.config.file(line.at.file);
            let mut text = source.text[line.at.span.range()].to_owned();
            if let Some(header) = headers.iter().find(|header| header.is_set_by(line)) {
                if let Some(value) = header.other_value(line) {
                    text = format!("add_header {} {value} always;", header.name);
                } else if !is_always(line) {
                    text = format!("{} always;", text.trim_end_matches(';').trim_end());
                }
            }
            let reason = why("header-inherited", line.arg(0).unwrap_or_default());
            let block = self.site.server.directive;
            self.editor
                .insert_behind(block, &BEHIND, &[text], &reason)?;
        }
        Ok(lines)
    }

    /// One level: what is there is mended, what is missing is added.
    fn headers_at(
        &mut self,
        block: &'e Directive,
        scope: &Scope<'e>,
        headers: &[Header],
        carried: &[&'e Directive],
    ) -> Result<(), Problem> {
        let own = scope.own("add_header");
        let outer: Vec<&'e Directive> = if adds_up(scope) {
            let levels = scope.levels().iter().copied();
            levels
                .flat_map(flat)
                .filter(|line| line.name == "add_header")
                .collect()
        } else {
            carried.to_vec()
        };
        for header in headers {
            let mine = own.iter().copied().find(|line| header.is_set_by(line));
            let outside = outer.iter().copied().find(|line| header.is_set_by(line));
            let reason = why(header.reason, "");
            let Some(line) = mine.or(outside) else {
                if self.editor.may_edit(block) {
                    let text = [header.line()];
                    self.editor.insert_behind(block, &BEHIND, &text, &reason)?;
                } else {
                    self.not_everywhere(block, header, SHARED);
                }
                continue;
            };
            let other = header.other_value(line);
            if header.is_sent_by(line) && is_always(line) && other.is_none() {
                continue;
            }
            // What is carried over is right already; of other lines from outside somebody else
            // lives too.
            let carried = carried.iter().any(|one| std::ptr::eq(*one, line));
            if carried && header.is_sent_by(line) {
                continue;
            }
            let left = match () {
                () if !header.is_sent_by(line) => Some(EMPTY),
                () if mine.is_none() => Some(OUTSIDE),
                () if !self.editor.may_edit(line) => Some(SHARED),
                () => None,
            };
            if let Some(why) = left {
                self.not_everywhere(line, header, why);
                continue;
            }
            if let Some(value) = other {
                let args = format!("{} {value} always", header.name);
                self.editor.set_args(line, &args, &reason)?;
            } else {
                let reason = why("header-always", header.name);
                self.editor.append_arg(line, "always", &reason)?;
            }
        }
        Ok(())
    }

    /// It is not touched, so it is not proven either.
    fn not_everywhere(&mut self, line: &Directive, header: &Header, why: &str) {
        self.changes.headers.retain(|name| name != header.name);
        self.changes.notes.push(format!(
            "{}: {} is not sent with every answer, because {why}; it is left alone, and not \
             proven; what it takes is: {}",
            self.site.config.shown(&line.at),
            header.name,
            header.line()
        ));
    }

    /// Browsers remember, and what is taken back does not reach them.
    fn note_hsts(&mut self, headers: &[Header], answers: &Answers) {
        let scope = &self.site.server.scope;
        let there = scope.nearest("add_header");
        for hsts in headers.iter().filter(|header| header.name == HSTS) {
            if !there.iter().any(|line| hsts.is_set_by(line)) {
                let note = hsts.lasting(&answers.manager_name);
                self.changes.notes.push(note);
            }
        }
    }

    /// They were asked for before, or the operator has them.
    fn note_headers_stay(&mut self) {
        let scope = &self.site.server.scope;
        let lines = scope.nearest("add_header");
        if let Some(line) = lines.iter().find(|line| line.arg(0) == Some(HSTS)) {
            self.changes.notes.push(format!(
                "{LEFT}{}: {HSTS} is sent, although options.security_headers is false",
                self.site.config.shown(&line.at)
            ));
        }
    }
}

fn is_always(line: &Directive) -> bool {
    line.arg(2) == Some("always")
}

/// The lines of all levels count (nginx 1.29.3 and later).
fn adds_up(scope: &Scope<'_>) -> bool {
    scope.value("add_header_inherit") == Some("merge")
}

/// Only the lines of the level itself count, whether there are any or not.
fn cuts_off(scope: &Scope<'_>) -> bool {
    scope.value("add_header_inherit") == Some("off")
}

fn inherits_none(scope: &Scope<'_>) -> bool {
    !adds_up(scope) && (!scope.own("add_header").is_empty() || cuts_off(scope))
}

/// Answers of such a location go to agents, which have no use for them.
fn speaks_grpc(location: &Location<'_>) -> bool {
    let is_grpc = |line: &&Directive| {
        let name = line.arg(0).unwrap_or_default().to_ascii_lowercase();
        let value = line.arg(1).unwrap_or_default();
        name.starts_with("grpc-")
            || (name == "content-type" && value.starts_with("application/grpc"))
    };
    !location.scope.own("grpc_pass").is_empty()
        || location.scope.own("add_header").iter().any(is_grpc)
}
