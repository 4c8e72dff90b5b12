//! Security headers that really arrive. nginx takes all `add_header` lines of an outer level
//! away where an inner one has a line of its own, and leaves headers without `always` out of
//! every refusal and error page.

use super::editor::why;
use super::step::LEFT;
use super::work::Work;
use crate::answers::{Answers, SecurityHeaders};
use crate::error::Problem;
use crate::nginx::{Directive, Location, Scope, flat};

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

/// The names, as the proof looks for them.
pub(super) fn names(answers: &Answers) -> Vec<String> {
    if answers.security_headers.is_none() {
        return Vec::new();
    }
    let fixed = FIXED.iter().map(|(name, _, _)| *name);
    fixed.chain([HSTS]).map(str::to_owned).collect()
}

struct Header {
    name: &'static str,
    value: String,
    reason: &'static str,
    /// Another value that is there already is changed as well.
    exactly: bool,
}

impl Header {
    fn all(asked: SecurityHeaders) -> Vec<Self> {
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
        fixed.into_iter().chain([hsts]).collect()
    }

    /// Name, value and mark; none of the values needs quotes.
    fn args(&self) -> String {
        format!("{} {} always", self.name, self.value)
    }

    fn line(&self) -> String {
        format!("add_header {};", self.args())
    }

    fn is_set_by(&self, line: &Directive) -> bool {
        let name = line.arg(0);
        name.is_some_and(|name| name.eq_ignore_ascii_case(self.name))
    }

    fn wants_other_value(&self, line: &Directive) -> bool {
        self.exactly && line.arg(1) != Some(&self.value)
    }
}

impl<'e> Work<'_, 'e> {
    /// On the manager's server, and on each level within it that inherits none.
    pub(super) fn security_headers(&mut self, answers: &Answers) -> Result<(), Problem> {
        let Some(asked) = answers.security_headers else {
            self.note_headers_stay();
            return Ok(());
        };
        let headers = Header::all(asked);
        let server = self.site.server;
        let carried = self.carried(&server.scope, &headers)?;
        self.headers_at(server.directive, &server.scope, &headers, &carried)?;
        for level in server.all_locations() {
            if inherits_none(&level.scope) && !speaks_grpc(level.location) {
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
                if header.wants_other_value(line) {
                    text = header.line();
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
        carried: &[&Directive],
    ) -> Result<(), Problem> {
        let own = scope.own("add_header");
        let outer: Vec<&Directive> = if adds_up(scope) {
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
            let place = match mine {
                Some(line) if is_always(line) && !header.wants_other_value(line) => continue,
                Some(line) => line,
                None if outer.iter().any(|line| header.is_set_by(line)) => continue,
                None => block,
            };
            if !self.editor.may_edit(place) {
                self.changes.notes.push(format!(
                    "{}: {} is not sent with every answer, because this file is read more than \
                     once and is left alone; it needs: {}",
                    self.site.config.shown(&place.at),
                    header.name,
                    header.line()
                ));
                continue;
            }
            let reason = why(header.reason, "");
            match mine {
                None => {
                    let text = [header.line()];
                    self.editor.insert_behind(block, &BEHIND, &text, &reason)?;
                }
                Some(line) if header.wants_other_value(line) => {
                    self.editor.set_args(line, &header.args(), &reason)?;
                }
                Some(line) => {
                    let reason = why("header-always", header.name);
                    self.editor.append_arg(line, "always", &reason)?;
                }
            }
        }
        Ok(())
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
