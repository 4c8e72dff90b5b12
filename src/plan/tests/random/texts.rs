//! Texts and names that are taken, and that a reader could take for something else.

use proptest::prelude::*;
use proptest::sample::select;

/// Whoever reads these as part of a configuration, a pattern or YAML takes them for something else.
pub(super) fn text() -> impl Strategy<Value = String> {
    let awkward = prop_oneof![
        select(vec![
            '"', '\'', ';', '{', '}', '$', '#', '\\', '~', '^', '*', ':', ',', '=', '+'
        ]),
        select(vec![
            '(', ')', '[', ']', '|', '.', '?', '<', '>', '&', '%', '@', '!', '`', '-', ' '
        ]),
        select(vec!['a', 'Z', '0', 'é', '中', '😀']),
    ];
    let any = proptest::collection::vec(awkward, 1..20).prop_map(String::from_iter);
    let known = select(vec![
        "\"; } evil on; #",
        "Lab \"$x\"; {Inc.}",
        "a'; return 200; #",
        "$ssl_client_s_dn",
        "\\",
        "x\\\"",
        "}",
        "{{ clients.ca }}",
        "- a: &b *c",
        "# no comment",
        "\\z\" 1; default 1; \"~",
        "(?{code})",
    ]);
    let all = prop_oneof![any, known.prop_map(str::to_owned)];
    all.prop_map(|text| text.trim().to_owned())
        .prop_filter("empty", |text| !text.is_empty())
}

/// What a path may hold is little; now and then there is more in it.
pub(super) fn folder() -> impl Strategy<Value = String> {
    let any = "[a-z%@,=+~^:._é-]{1,12}".prop_map(|name| format!("/mnt/x{name}"));
    let none = text().prop_map(|text| format!("/mnt/{text}"));
    prop_oneof![8 => any, 3 => Just("/mnt/%2e%22:x,é".to_owned()), 1 => none]
}

/// Some that YAML would take for something else than a text.
pub(super) fn name() -> impl Strategy<Value = String> {
    let known = select(vec![
        "münchen.example.org",
        "NIM.Example.COM",
        "xn--mnchen-3ya.example",
        "a--b.c-d.example",
        "null",
        "true",
        "off",
        "1e5",
        "0o17",
    ]);
    prop_oneof![
        6 => Just("nim.example.com".to_owned()),
        2 => "[a-z][a-z0-9]{0,6}(\\.[a-z]{2,6}){1,2}",
        2 => known.prop_map(str::to_owned),
    ]
}

pub(super) fn names(most: usize) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::btree_set("[a-z][a-z0-9-]{0,4}[a-z0-9](\\.[a-z]{2,6}){1,2}", 1..=most)
        .prop_map(Vec::from_iter)
}

pub(super) fn alt_names() -> impl Strategy<Value = Vec<String>> {
    let address = select(vec!["10.0.0.5", "2001:db8::5", "127.0.0.1"]).prop_map(str::to_owned);
    proptest::collection::vec(prop_oneof![name(), address], 0..3)
}
