#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fuzz;
mod hostile;
mod imported;

use super::*;

const GOOD: &str = "\
version: 1
role: manager
generation: nim2
proxy: nginx-oss
method: client-mtls
manager_name: nim.example.com
alt_names: [10.0.0.5, nim]
agents: [web-1.example.com]
certificates:
  ca_key: {keep: plaintext}
";

fn refused(change: &str, into: &str) -> String {
    let text = if change.is_empty() {
        format!("{GOOD}{into}")
    } else {
        GOOD.replace(change, into)
    };
    assert_ne!(text, GOOD, "{change:?} is not in the good file");
    match read(text.as_bytes()) {
        Err(error) => error.to_string(),
        Ok(draft) => {
            let refusals = Answers::check(&draft).expect_err(&text);
            refusals
                .iter()
                .map(|refusal| format!("{}: {}", Draft::place(&text, &refusal.field), refusal.why))
                .collect::<Vec<_>>()
                .join("\n")
        }
    }
}

#[test]
fn good_answers_are_taken_and_defaults_are_named() {
    let answers = Answers::check(&read(GOOD.as_bytes()).unwrap()).unwrap();
    assert_eq!(answers.manager_name.as_str(), "nim.example.com");
    assert_eq!(answers.alt_names.len(), 2);
    assert_eq!(answers.ca_key, Some(KeepKey::Plaintext));
    assert_eq!(answers.defaults["ports.https"], "443");
    assert_eq!(answers.defaults["certificates.days.agent"], "365");
}

/// Each bad file gets a message that names the field, its place and what would do.
#[test]
fn a_bad_answer_is_named_with_its_place() {
    let cases = [
        ("manager_name", "manger_name", "did you mean manager_name?"),
        ("role: manager", "role: 7", "role (line 2, column 7)"),
        (
            "{keep: plaintext}",
            "{keep: plaintext, colour: red}",
            "colour",
        ),
        ("{keep: plaintext}", "{keep: plain}", "expected one of"),
        (
            "nim.example.com",
            "\"nim; return 200\"",
            "manager_name (line 6, column 15)",
        ),
        ("nim.example.com", "\"a\\nb\"", "not a host name"),
        ("nim.example.com", "\"a\\\"b\"", "not a host name"),
        ("nim.example.com", "\"a\\e[2Jb\"", "\\u{1b}"),
        (
            "web-1.example.com]",
            "web-1.example.com, 'a b']",
            "agents[1]",
        ),
        ("", "ports: {https: 0}\n", "0 is not a port: 1 to 65535"),
        (
            "",
            "ports: {https: 70000}\n",
            "ports.https (line 11, column 16)",
        ),
        ("", "ports: {https: x}\n", "ports.https"),
        (
            "",
            "ports: {grpc: 8443}\n",
            "ports.grpc (line 11, column 15)",
        ),
        ("version: 1\n", "", "version: is missing; say 1"),
        ("version: 1", "version: 2", "version (line 1, column 10)"),
        ("proxy: nginx-oss", "proxy: none", "N/A"),
        ("method: client-mtls", "method: grpc-health-checks", "N/A"),
        (
            "generation: nim2",
            "generation: nim1\nports: {grpc: 443}",
            "ports.grpc (line 4, column 15): is 443, and so is ports.https",
        ),
        ("role: manager", "role: instance", "role"),
        (
            "  ca_key:",
            "  days: {server: 400}\n  ca_key:",
            "over 397 days",
        ),
        (
            "  ca_key:",
            "  days: {root: 10, agent: 11}\n  ca_key:",
            "longer than",
        ),
        ("  ca_key:", "  days: {root: 0}\n  ca_key:", "at least 1"),
        (
            "  ca_key:",
            "  subject: {country: usa}\n  ca_key:",
            "certificates.subject.country",
        ),
        (
            "[web-1.example.com]",
            "[a.example.com, a.example.com]",
            "agents[1] (line 8",
        ),
        (
            "",
            "options: {unknown_names: reject}\n",
            "options.unknown_names",
        ),
        (
            "",
            "version: 1\n",
            "(line 11, column 10): duplicate field `version`",
        ),
    ];
    all_named(&cases);
}

/// What would do is said in words of the answers file, not of this program.
#[test]
fn what_does_not_go_together_in_the_first_generation_is_named() {
    let nim1 = |ports: &str| format!("generation: nim1\n{ports}");
    let without = |ports: &str| format!("generation: nim1\nproxy: none\n{ports}");
    for (from, into, expected) in [
        (
            "generation: nim2",
            nim1("ports: {status: 10443}"),
            "ports.status (line 4, column 17): is 10443, and so is ports.grpc",
        ),
        (
            "generation: nim2",
            nim1("ports: {manager_grpc: 10443}"),
            "ports.manager_grpc (line 4, column 23): is 10443, and so is ports.grpc",
        ),
        (
            "generation: nim2\nproxy: nginx-oss",
            without("ports: {https: 8443}"),
            "ports.https (line 5, column 16): belongs to a proxy",
        ),
        (
            "generation: nim2",
            nim1("options: {grpc_publish: open}"),
            "options.grpc_publish (line 4, column 25): belongs to method: grpc-health-checks",
        ),
        (
            "method: client-mtls",
            "method: client-mtls\noptions: {grpc_publish: open}".to_owned(),
            "belongs to generation: nim1",
        ),
        (
            "generation: nim2\nproxy: nginx-oss",
            without("options: {enforce: observe}"),
            "options.enforce (line 5, column 20): is observe, which needs a proxy",
        ),
    ] {
        let said = refused(from, &into);
        assert!(said.contains(expected), "{into}: {said}");
    }
}

#[test]
fn the_first_generation_has_ports_of_its_own() {
    let text = GOOD.replace("generation: nim2", "generation: nim1");
    let answers = Answers::check(&read(text.as_bytes()).unwrap()).unwrap();
    assert_eq!(answers.generation(), Generation::Nim1);
    assert_eq!(answers.agents_port(), Port::NIM1_AGENTS);
    assert_eq!(answers.nim1.as_ref().unwrap().status, Some(Port::STATUS));
    assert_eq!(answers.defaults["ports.grpc"], "10443");
    let named = text.replace("agents:", "agent_name: agents.example.com\nagents:");
    let answers = Answers::check(&read(named.as_bytes()).unwrap()).unwrap();
    assert_eq!(answers.agents_name().as_str(), "agents.example.com");
    let name = SubjectName::Dns("agents.example.com".parse().unwrap());
    assert!(answers.alt_names.contains(&name));
}

#[test]
fn a_bad_answer_is_told_what_would_do() {
    let cases = [
        (
            "{keep: plaintext}",
            "{keep: plaintext, keep: discard}",
            "(line 10, column 35): duplicate field `keep`",
        ),
        (
            "{keep: plaintext}",
            "plaintext",
            "say a mapping such as {keep: encrypted}",
        ),
        ("", "ports: {https: 1.5}\n", "say a whole number"),
        (
            "  ca_key:",
            "  days: {root: -1}\n  ca_key:",
            "found number `-1`; say a whole number",
        ),
        ("", "options: {trust_store: yes}\n", "say true or false"),
        (
            "[web-1.example.com]",
            "web-1.example.com",
            "say a list such as",
        ),
        (
            "[10.0.0.5, nim]",
            "[10.0.0.999]",
            "\"10.0.0.999\" is neither an address nor a host name",
        ),
        ("generation: nim2", "generation: nim3", "`nim1` or `nim2`"),
    ];
    all_named(&cases);
}

fn all_named(cases: &[(&str, &str, &str)]) {
    for (change, into, expected) in cases {
        let said = refused(change, into);
        assert!(
            said.contains(expected),
            "for {into:?}\nexpected {expected:?}\nfound {said:?}"
        );
        assert!(
            !said.contains('\u{1b}'),
            "an escape sequence got through: {said:?}"
        );
    }
}

#[test]
fn hostile_files_are_refused_in_one_line() {
    let alias_bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned()
        + &(0..9)
            .map(|i| format!("b{i}: &b{i} [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"))
            .collect::<String>();
    let files: [&[u8]; 7] = [
        b"",
        b"\xff\xfe\x00\x01",
        b"\x00\x01\x02",
        b"[1, 2",
        b"just words",
        &vec![b'a'; 2 * 1024 * 1024],
        alias_bomb.as_bytes(),
    ];
    for file in files {
        let said = read(file).unwrap_err().to_string();
        assert!(!said.is_empty() && said.lines().count() == 1, "{said:?}");
    }
}

#[test]
fn nothing_is_guessed_between_two_words_that_are_as_near() {
    let said = refused("generation: nim2", "generation: nim3");
    assert!(!said.contains("did you mean"), "{said}");
}

#[test]
fn a_mark_before_the_first_line_is_passed_over() {
    let marked = format!("\u{feff}{GOOD}");
    assert_eq!(read(marked.as_bytes()), read(GOOD.as_bytes()));
    let twice = format!("\u{feff}{GOOD}version: 1\n");
    let said = read(twice.as_bytes()).unwrap_err().to_string();
    assert!(said.contains("line 11"), "{said}");
    assert_eq!(
        Draft::place(&marked, "version"),
        "version (line 1, column 10)"
    );
}

#[test]
fn a_very_long_value_is_refused_in_a_short_sentence() {
    let long = "x".repeat(100_000);
    for (change, into) in [
        ("nim.example.com", long.clone()),
        ("version: 1", format!("version: {long}")),
        ("client-mtls", long.clone()),
        ("[web-1.example.com]", format!("[{long}]")),
        ("version: 1", format!("version: 1\n{long}: 1")),
        ("alt_names: [10.0.0.5, nim]", format!("alt_names: {long}")),
        ("keep: plaintext", format!("keep: {long}")),
        (
            "keep: plaintext",
            format!("keep: encrypted, passphrase_file: {long}"),
        ),
    ] {
        let said = refused(change, &into);
        assert!(said.len() < 700, "{}: {}", &into[..20], &said[..500]);
    }
}

/// Found by fuzzing: what YAML itself refuses was said of a field named `?`.
#[test]
fn what_is_no_yaml_is_said_of_the_file() {
    let text = "version: 1\nrole: manager\ngener";
    let said = read(text.as_bytes()).unwrap_err().to_string();
    assert!(said.starts_with("the file (line 4, "), "{said}");
    let said = refused("{keep: plaintext}", "{keep: plaintext, 'x");
    assert!(said.starts_with("certificates.ca_key (line "), "{said}");
}

const IMPORT: &str =
    "{ca_key: {keep: plaintext}, clients: {source: import-ca, ca_cert: /a, ca_key: /b}}";

#[test]
fn being_looked_after_is_asked_for_by_managers_and_instances() {
    for (role, rest) in [
        ("manager", "agents: [web-1.example.com]\n"),
        (
            "instance",
            "certificates: {agent: {bundle: /root/web-1.example.com}}\n",
        ),
    ] {
        let head = format!("version: 1\nrole: {role}\ngeneration: nim2\nproxy: nginx-oss\n");
        let head = format!("{head}method: ssl-termination\nmanager_name: nim.example.com\n{rest}");
        for (said, wanted) in [
            ("", false),
            ("options: {watch: false}\n", false),
            ("options: {watch: true}\n", true),
        ] {
            let text = format!("{head}{said}");
            let goal = Goal::check(&read(text.as_bytes()).unwrap()).unwrap();
            let (watch, defaults) = match goal {
                Goal::Manager(answers) => (answers.watch, answers.defaults),
                Goal::Instance(answers) => (answers.watch, answers.defaults),
                Goal::Authority(_) | Goal::LogLevel => panic!("{role}"),
            };
            assert_eq!(watch, wanted, "{text}");
            assert!(!defaults.contains_key("options.watch"), "{defaults:?}");
            let entered = Entered::from_yaml(&text).unwrap();
            assert!(entered.check().is_ok(), "{text}");
        }
    }
    let refused = refused("agents:", "options: {watch: daily}\nagents:");
    assert!(refused.contains("options.watch"), "{refused}");
}
