//! Blocks that are skimmed hold what they would if they had been read at once.
//!
//! Only blocks of a directive called `location` are skimmed, so the same text with `locatioN` in
//! its place is what they are compared with.

use proptest::prelude::*;

use super::super::tree::Within;
use super::super::{Body, Config, Directive, LoadError, MAX_DEPTH, MAX_WORDS, Span};
use super::random::some_config;
use super::{Shelf, find, one};

const MAIN: &str = "/etc/nginx/nginx.conf";

/// What is known of a directive, with all that is below it.
#[derive(Debug, PartialEq)]
struct Seen {
    line: u32,
    file: u32,
    spans: [Span; 2],
    words: Vec<String>,
    body: String,
    below: Vec<Seen>,
}

fn seen(level: &[Directive]) -> Vec<Seen> {
    let one = |directive: &Directive| Seen {
        line: directive.at.line,
        file: directive.at.file.0,
        spans: [directive.at.span, directive.args_span],
        words: std::iter::once(directive.name.as_str())
            .chain(directive.words())
            .map(eager)
            .collect(),
        body: match &directive.body {
            Body::Simple => "simple".to_owned(),
            Body::Raw => "raw".to_owned(),
            Body::Block(block) => format!("{:?}", block.inner),
            Body::Include(read) => format!(
                "{:?}",
                read.iter().map(|read| read.file).collect::<Vec<_>>()
            ),
        },
        below: match &directive.body {
            Body::Include(read) => read.iter().flat_map(|read| seen(&read.children)).collect(),
            _ => seen(directive.children()),
        },
    };
    level.iter().map(one).collect()
}

fn eager(text: &str) -> String {
    text.replace("location", "locatioN")
}

fn shelf(text: &str) -> Shelf {
    let path = |name: &str| format!("/etc/nginx/{name}");
    let fixed = [
        (path("a b"), "location a {\n b c;\n}\ninclude location;"),
        (path("${x}"), "location { if (x) { b; } location b { c; } }"),
        (path("location"), "location a { b c; } d;"),
        (path("locatioN"), "location a { b c; } d;"),
    ];
    let fixed = fixed.iter().map(|(path, text)| (path.as_str(), *text));
    Shelf::of(&fixed.chain([(MAIN, text)]).collect::<Vec<_>>())
}

/// As it is loaded, and as it would be if nothing were skimmed.
fn both(text: &str) -> [Result<Config, LoadError>; 2] {
    let mut eagerly = shelf(text);
    for text in eagerly.0.values_mut() {
        *text = eager(&String::from_utf8_lossy(text)).into_bytes();
    }
    [shelf(text).load(), eagerly.load()]
}

fn assert_alike(text: &str) {
    let [lazily, eagerly] = both(text);
    match (lazily, eagerly) {
        (Ok(lazily), Ok(eagerly)) => {
            assert_eq!(seen(&lazily.main), seen(&eagerly.main), "{text}");
            for name in ["listen", "include", "b", "if"] {
                let count = |config: &Config| config.all(&[name]).count();
                assert_eq!(count(&lazily), count(&eagerly), "{name} in {text}");
            }
        }
        (Err(lazily), Err(eagerly)) => {
            assert_eq!(eager(&lazily.to_string()), eagerly.to_string(), "{text}");
        }
        (lazily, eagerly) => panic!("{lazily:?}\n{eagerly:?}\n{text}"),
    }
}

/// Most blocks are locations.
fn some_locations() -> impl Strategy<Value = String> {
    let deeper = prop::collection::vec(some_config(), 0..4);
    (deeper, any::<bool>()).prop_map(|(parts, includes)| {
        let text = parts.concat().replace("${x}{", "location {");
        let text = text.replace("listen", "location");
        if includes {
            text.replace('é', "include")
        } else {
            text.replace('é', "listen")
        }
    })
}

proptest! {
    #[test]
    fn what_is_skimmed_is_what_would_be_read(text in some_locations()) {
        assert_alike(&text);
    }

    #[test]
    fn errors_are_the_same(
        text in some_locations(), at in any::<prop::sample::Index>(),
        with in prop_oneof![Just(""), Just("{"), Just("}"), Just(";"), Just("\""), Just("'"), Just("\\"), Just("#"), Just("\"x\"y"), Just("a_by_lua_block {")],
        cut in any::<bool>(),
    ) {
        let mut text = text;
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let at = *at.get(&ends);
        if cut {
            text.truncate(at);
        }
        text.insert_str(at, with);
        assert_alike(&text);
    }
}

#[test]
fn texts_of_every_kind_are_alike() {
    let many = format!("location a {{{}}}", "b c;".repeat(MAX_WORDS / 2));
    for text in [
        "location a { return 200 \"of\nmore\nlines\"; # c }\n b\\\n c; } d;",
        "x; location\n a\n{}\nlocation b{\"c\";'d' e;}",
        "\"location\" a { b c; }",
        "location a { 'include' location; }",
        "location a { location b { c; } d; include location; location e { f; } }",
        "location a { content_by_lua_block { return \"}\" } b; }",
        "location a { b c }",
        "location a { b c; ",
        "location a { ; }",
        "location a { b ${x}; c a\\;d; }",
        &many,
    ] {
        assert_alike(text);
    }
}

fn skimmed(directive: &Directive) -> bool {
    let block = directive.block();
    block.is_some_and(|block| matches!(block.within, Within::Skimmed(_)))
}

#[test]
fn only_blocks_of_simple_directives_in_locations_are_skimmed() {
    for (text, expected) in [
        ("location a { b c; d; }", true),
        ("location a {}", true),
        ("location a { include x; }", false),
        ("location a { if (b) { c; } }", false),
        ("location a { b_by_lua_block { } }", false),
        ("types { a b; }", false),
    ] {
        let shelf = Shelf::of(&[(MAIN, text), ("/etc/nginx/x", "")]);
        assert_eq!(skimmed(&shelf.load().unwrap().main[0]), expected, "{text}");
    }
}

#[test]
fn looking_into_a_block_changes_nothing_that_is_compared() {
    let text = "server { location a { b c; } location d { e f; } }";
    let (looked, not) = (one(text), one(text));
    assert_eq!(find(&looked, "e").args, ["f"][..]);
    assert_eq!(looked, not);
    assert_eq!(looked.clone(), not);
    assert_ne!(not, one(&text.replace('f', "g")));
}

#[test]
fn a_file_that_is_included_twice_is_skimmed_twice() {
    let config = shelf("a { include location; } include location;")
        .load()
        .unwrap();
    let lines: Vec<u32> = config.all(&["b"]).map(|line| line.at.line).collect();
    assert_eq!(lines, [1, 1]);
}

#[test]
fn a_skimmed_block_may_lie_too_deep() {
    let nested = |levels: usize| {
        let (open, close) = ("a {".repeat(levels), "}".repeat(levels));
        format!("{open}include location;{close}")
    };
    for levels in MAX_DEPTH - 4..=MAX_DEPTH {
        assert_alike(&nested(levels));
    }
    let deepest = nested(MAX_DEPTH - 2);
    assert!(shelf(&deepest).load().is_ok());
    let [lazily, _] = both(&nested(MAX_DEPTH - 1));
    let said = lazily.unwrap_err().to_string();
    assert_eq!(
        said,
        "/etc/nginx/location:1: blocks are nested more than 64 deep"
    );
}

/// A large host has a hundred thousand of them.
#[test]
fn a_directive_stays_small() {
    assert!(size_of::<Directive>() <= 112);
}
