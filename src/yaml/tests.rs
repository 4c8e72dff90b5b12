#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fuzz;

use proptest::prelude::*;

use super::{Edited, Scalar, Setting, Uneditable, edit};

const fn setting(section: &'static str, key: &'static str, value: Scalar) -> Setting {
    Setting {
        section,
        key,
        value: Some(value),
    }
}

fn text(value: &str) -> Scalar {
    Scalar::Text(value.to_owned())
}

fn wanted() -> Vec<Setting> {
    vec![
        setting("server", "host", text("nim.example.com")),
        setting("server", "grpcPort", Scalar::Number(443)),
        setting("server", "command", text("nim.example.com")),
        setting("tls", "enable", Scalar::Flag(true)),
        setting("tls", "cert", text("/etc/nms/certs/agent.crt")),
    ]
}

fn edited(before: &str) -> Edited {
    let edited = edit(before, &wanted()).unwrap_or_else(|why| panic!("{why}: {before}"));
    let again = edit(&edited.text, &wanted()).unwrap();
    assert_eq!(again.text, edited.text, "twice is as once");
    assert!(again.lines.is_empty(), "{:?}", again.lines);
    edited
}

#[test]
fn values_are_replaced_where_they_stand_and_comments_stay() {
    let before = "\
# The manager.
server:
  # Its name.
  host: 127.0.0.1 # for now
  grpcPort: 54789
  token: \"abc\"   # ours
# Encryption.
tls:
  enable: false
  skip_verify: true
log:
  level: info
";
    let after = edited(before);
    assert_eq!(
        after.text,
        "\
# The manager.
server:
  # Its name.
  host: \"nim.example.com\" # for now
  grpcPort: 443
  command: \"nim.example.com\"
  token: \"abc\"   # ours
# Encryption.
tls:
  enable: true
  cert: \"/etc/nms/certs/agent.crt\"
  skip_verify: true
log:
  level: info
"
    );
    assert_eq!(after.lines, [(4, 0), (5, 1), (6, 2), (10, 3), (11, 4)]);
}

#[test]
fn sections_that_are_missing_come_at_the_end() {
    let after = edited("log:\n  level: info");
    assert_eq!(
        after.text,
        "log:\n  level: info\n\nserver:\n  host: \"nim.example.com\"\n  grpcPort: 443\n  command: \
         \"nim.example.com\"\n\ntls:\n  enable: true\n  cert: \"/etc/nms/certs/agent.crt\"\n"
    );
    assert_eq!(
        after.lines.first(),
        Some(&(4, 0)),
        "the head of a section too"
    );
    assert_eq!(after.lines.len(), 7);
}

#[test]
fn settings_outside_of_sections_stand_together_at_the_end() {
    let wanted = [
        setting("", "port", Scalar::Number(1)),
        setting("", "cert", text("/a.crt")),
        setting("", "key", text("/a.key")),
    ];
    let three = "cert: \"/a.crt\"\nkey: \"/a.key\"\n";
    for (before, after) in [
        (
            "port: 2\nlog: {}\n",
            format!("port: 1\nlog: {{}}\n\n{three}"),
        ),
        (
            "log: {}\nport: 2 # why",
            format!("log: {{}}\nport: 1 # why\n{}", three.trim_end()),
        ),
        (
            "log: {}\r\n",
            "log: {}\r\n\r\nport: 1\r\ncert: \"/a.crt\"\r\nkey: \"/a.key\"\r\n".to_owned(),
        ),
        ("", format!("port: 1\n{three}")),
    ] {
        let edited = edit(before, &wanted).unwrap();
        assert_eq!(edited.text, after, "{before:?}");
        assert_eq!(edit(&edited.text, &wanted).unwrap().text, after);
    }
}

#[test]
fn every_way_to_write_it_ends_in_the_same_values() {
    for before in [
        "",
        "# nothing but a comment\n",
        "server:\ntls:\n",
        "server: # later\ntls: ~\n",
        "server: {}\ntls: {enable: false}\n",
        "server: {host: a, grpcPort: 1} # short\n\"tls\": { 'enable' : no, cert: 'it''s' }\n",
        "SERVER:\n    Host: a\n    grpcport: \"1\"\nTls:\n    ENABLE:\n",
        "---\nserver:\n  host: a\n",
        "server:\r\n  host: a\r\ntls:\r\n  enable: false\r\n",
        "\u{feff}server:\n  host: ä # ö\n",
        "config_dirs: \"/etc/nginx:/usr/local\"\nserver:\n  host: \"a # b\"\n  backoff:\n    max_interval: 1m\n",
        "note: |\n  server:\n    host: not this one\nserver:\n  host: 'x'\n",
        "list:\n- a\n- {b: c}\nserver:\n  host: >-\n    folded\n",
    ] {
        let result = edit(before, &wanted());
        if before.contains(">-") {
            assert_eq!(result, Err(Uneditable::Form("server.host".to_owned())));
            continue;
        }
        let after = edited(before).text;
        assert_eq!(after.contains("\r\n"), before.contains("\r\n"), "{after:?}");
        for kept in [
            "# later",
            "# short",
            "# ö",
            "max_interval: 1m",
            "not this one",
            "# nothing but",
        ] {
            assert_eq!(after.contains(kept), before.contains(kept), "{after}");
        }
        assert_eq!(after.matches("443").count(), 1, "{after}");
    }
}

#[test]
fn what_cannot_be_edited_is_said() {
    for (before, why) in [
        ("server: nim:443\n", "line 1: server is no section there"),
        (
            "log: a\nserver: [a]\n",
            "line 2: server is no section there",
        ),
        ("- a\n", "does not consist of sections"),
        ("server:\n\thost: a\n", "it is not YAML: "),
        ("server:\n  host: a\n  host: b\n", "it is not YAML: "),
        ("a: 1\n---\nb: 2\n", "it is not YAML: "),
        (
            "base: &base\n  host: a\nserver: *base\n",
            "cannot be edited",
        ),
        ("{log: a}\n", "cannot be edited"),
        (
            "server:\n  grpcport: 443\n  grpcPort: 1\n",
            "has grpcPort twice",
        ),
        (
            "server:\n  host: a\nServer:\n  host: b\n",
            "has server twice",
        ),
        (
            "d: &d\n  server:\n    token: x\n<<: *d\n",
            "merges sections",
        ),
        ("server:\n  host: a\n   b\n", "cannot be edited"),
        ("a: b\nserver:\rtls:\r\n", "line 2 has a character"),
        ("a: b\u{2028}c\r\n", "line 1 has a character"),
    ] {
        let said = edit(before, &wanted()).unwrap_err().to_string();
        assert!(said.contains(why), "{before:?}: {said}");
    }
}

#[test]
fn a_text_cannot_break_out_of_its_place() {
    for value in [
        "a\" b: c",
        "a\\",
        "#",
        "a\nb: c",
        "a: b",
        "\u{85}x",
        "*a",
        "{",
        "- a",
        "ä\u{2028}",
    ] {
        let settings = [setting("server", "host", text(value))];
        let after = edit("server:\n  host: old\n  port: 1\n", &settings)
            .unwrap()
            .text;
        assert_eq!(after.lines().count(), 3, "{after}");
        let read: serde_yaml::Value = serde_yaml::from_str(&after).unwrap();
        assert_eq!(read["server"]["host"].as_str(), Some(value), "{after}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// Either refused, or exactly the settings changed: `edit` reads what it wrote. So what is
    /// looked at here is that lines of others stay, byte for byte.
    #[test]
    fn other_lines_stay_as_they_are(lines in proptest::collection::vec(line(), 0..12)) {
        let before = lines.join("\n");
        if let Ok(after) = edit(&before, &wanted()) {
            let mut left = after.text.lines();
            for line in before.lines() {
                let ours = ["host", "grpcport", "command", "enable", "cert", "server:", "tls:"];
                let lower = line.to_lowercase();
                if !ours.iter().any(|word| lower.contains(word)) {
                    prop_assert!(left.any(|found| found == line), "{line:?} is gone from {}", after.text);
                }
            }
        }
    }
}

fn line() -> impl Strategy<Value = String> {
    let words = [
        "server:",
        "tls:",
        "  host: a",
        "  grpcPort: 1 # x",
        "    enable: no",
        "  cert: 'a'",
        "# c",
        "",
        "  token: s3cret",
        "  password: \"s3cr # et\"",
        "log: {level: info, token: s3cr}",
        "a: [1, 2]",
        "tls: {}",
        "\"server\":",
        "  - item",
        "b: |",
        "  text s",
        "  HOST: b",
        "---",
        "  enable:",
    ];
    proptest::sample::select(words.to_vec()).prop_map(str::to_owned)
}

#[test]
fn a_setting_that_is_no_longer_wanted_becomes_a_comment() {
    let gone = |section, key| Setting {
        section,
        key,
        value: None,
    };
    let before = "\
bind_address: 0.0.0.0
cert: /etc/ssl/a.crt   # ours
key: /etc/ssl/a.key
log:
    level: info
    path: /var/log/a
";
    let settings = [
        setting("", "bind_address", text("127.0.0.1")),
        gone("", "cert"),
        gone("", "key"),
        gone("", "server_name"),
        gone("log", "path"),
        gone("nowhere", "path"),
    ];
    let after = edit(before, &settings).unwrap();
    assert_eq!(
        after.text,
        "\
bind_address: \"127.0.0.1\"
# cert: /etc/ssl/a.crt   # ours
# key: /etc/ssl/a.key
log:
    level: info
    # path: /var/log/a
"
    );
    assert_eq!(after.lines, [(1, 0), (2, 1), (3, 2), (6, 4)]);
    let again = edit(&after.text, &settings).unwrap();
    assert_eq!((&again.text, again.lines), (&after.text, Vec::new()));
    // What comes and goes leaves one comment.
    let mut text = after.text;
    for _ in 0..3 {
        text = edit(
            &text,
            &[setting("", "cert", Scalar::Text("/ours".to_owned()))],
        )
        .unwrap()
        .text;
        text = edit(&text, &[gone("", "cert")]).unwrap().text;
    }
    assert_eq!(text.matches("/ours").count(), 1, "{text}");
    assert_eq!(edit(&text, &[gone("", "cert")]).unwrap().text, text);
    // What goes on in further lines cannot be taken out by one.
    let block = "cert: |\n  /etc/ssl/a.crt\n";
    assert!(edit(block, &[gone("", "cert")]).is_err());
    assert!(edit("{cert: a, key: b}\n", &[gone("", "cert")]).is_err());
}

/// Red where whatever is no mapping counts as the place of every name (`Walk::expecting`).
#[test]
fn a_name_stands_nowhere_in_what_is_no_mapping() {
    for text in [
        "",
        "# nothing\n",
        "null\n",
        "plain\n",
        "- a\n",
        "a: plain\n",
    ] {
        assert_eq!(super::key_at(text, &["b"]), None, "{text:?}");
        assert_eq!(super::key_at(text, &["a", "b"]), None, "{text:?}");
        assert_eq!(super::value_at(text, &["b"], 0), None, "{text:?}");
    }
    assert!(super::value_at("a: plain\n", &["a"], 0).is_some());
    assert!(super::key_at("a: plain\n", &["a"]).is_some());
}
