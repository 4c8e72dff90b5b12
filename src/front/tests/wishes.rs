//! What is answered, once as an answers file and once as it is typed.

/// Answers as they are typed; empty is none.
pub(in super::super) struct Wish {
    pub(in super::super) name: &'static str,
    /// `--answers` of the wizard: what it never asks.
    pub(in super::super) begun: &'static str,
    pub(in super::super) method: &'static str,
    pub(in super::super) manager_name: &'static str,
    pub(in super::super) alt_names: &'static str,
    pub(in super::super) agents: &'static str,
    pub(in super::super) ca_key: &'static str,
    pub(in super::super) source: &'static str,
    pub(in super::super) key: &'static str,
    pub(in super::super) redirect_http: &'static str,
    pub(in super::super) trust_store: &'static str,
    /// Asked only where agents are checked.
    pub(in super::super) enforce: &'static str,
}

const USUAL: Wish = Wish {
    name: "usual",
    begun: "",
    method: "client-mtls",
    manager_name: "nim.example.com",
    alt_names: "",
    agents: "web-1.example.com",
    ca_key: "encrypted",
    source: "auto",
    key: "ecdsa-p256",
    redirect_http: "no",
    trust_store: "yes",
    enforce: "require",
};

pub(in super::super) const WISHES: [Wish; 8] = [
    USUAL,
    Wish {
        name: "plaintext, further names, two agents, observed",
        enforce: "observe",
        alt_names: "10.0.0.5, nim, fd00::5",
        agents: "web-1.example.com, db-1.example.com",
        ca_key: "plaintext",
        ..USUAL
    },
    Wish {
        name: "discard, another kind of keys, no trust store",
        ca_key: "discard",
        source: "generate",
        key: "rsa-3072",
        trust_store: "no",
        ..USUAL
    },
    Wish {
        name: "other lifetimes and a subject",
        begun: "certificates:\n  days: {root: 1000, intermediate: 500, server: 90, agent: 30}\n  \
                subject: {country: DE, organization: \"Example, Ltd: 1\"}\n",
        alt_names: "nim",
        ..USUAL
    },
    Wish {
        name: "no agent, keep what is there",
        agents: "",
        source: "keep",
        ..USUAL
    },
    Wish {
        name: "ssl-termination, encrypted",
        method: "ssl-termination",
        agents: "",
        ..USUAL
    },
    Wish {
        name: "ssl-termination, plaintext, further names, sent on",
        redirect_http: "yes",
        method: "ssl-termination",
        alt_names: "nim, 10.0.0.5",
        agents: "",
        ca_key: "plaintext",
        trust_store: "no",
        ..USUAL
    },
    Wish {
        name: "ssl-termination, discard, lifetime of the server",
        begun: "certificates: {days: {server: 45}}",
        method: "ssl-termination",
        agents: "",
        ca_key: "discard",
        source: "generate",
        ..USUAL
    },
];

impl Wish {
    /// Whether a host may refuse it without being an odd one: few have anything to keep.
    pub(in super::super) fn may_fail(&self) -> bool {
        self.source == "keep"
    }

    /// The answers file, written as a person might, not as this program saves one. Nothing is
    /// said of the authority's key where nobody is asked about it.
    pub(in super::super) fn file(&self, has_authority: bool) -> String {
        let list = |text: &str| {
            let names = text.split(", ").filter(|name| !name.is_empty());
            let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
            format!("[{}]", names.join(", "))
        };
        let certificates = self.begun.trim_start_matches("certificates:").trim();
        // In the one form or the other: below the field, or between braces.
        let inner = certificates
            .strip_prefix('{')
            .and_then(|inner| inner.strip_suffix('}'))
            .unwrap_or(certificates);
        let ca_key = if has_authority {
            String::new()
        } else {
            format!("  ca_key:\n    keep: {}\n", self.ca_key)
        };
        let trust_store = self.trust_store == "yes";
        let redirect_http = self.redirect_http == "yes";
        let enforce = if self.method == "client-mtls" {
            format!("  enforce: {}\n", self.enforce)
        } else {
            String::new()
        };
        let (agents, alt_names) = (list(self.agents), list(self.alt_names));
        format!(
            "# For the test.\nagents: {agents}\nalt_names: {alt_names} # and no more\n\
             options:\n  trust_store: {trust_store}\n  redirect_http: {redirect_http}\n{enforce}\
             manager_name: '{}'\nmethod: {}\n\
             proxy: nginx-oss\ngeneration: nim2\nrole: manager\nversion: 1\ncertificates:\n  \
             {inner}\n  server: {{source: {}}}\n  key: {}\n{ca_key}",
            self.manager_name, self.method, self.source, self.key
        )
    }

    /// The text for a field of the questions.
    pub(in super::super) fn answer(&self, field: &str) -> &'static str {
        match field {
            "method" => self.method,
            "manager_name" => self.manager_name,
            "alt_names" => self.alt_names,
            "agents" => self.agents,
            "certificates.ca_key.keep" => self.ca_key,
            "certificates.server.source" => self.source,
            "certificates.key" => self.key,
            "options.trust_store" => self.trust_store,
            "options.redirect_http" => self.redirect_http,
            "options.enforce" => self.enforce,
            other => panic!("{other} is asked, and no wish says anything of it"),
        }
    }
}
