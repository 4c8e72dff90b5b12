//! Configuration text with random changes, and cut at each byte.
//!
//! Red where `remove` takes one byte more, where `skip_blank` misses the end of a line, or where
//! `level` takes the end of a file for the end of a block.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::{
    Config, Directive, FileId, LoadError, LoadProblem, TokenKind, apply, commented, insert_after,
    insert_at_end, insert_at_start, insert_before, remove, set_args, tokens, uncomment, unquoted,
};
use super::Shelf;
use super::editing::{Insert, owned};
use super::random::{every, words};
use crate::tests::fuzz::{Fuzz, cuts};

const MANAGER: &str = include_str!("../../../assets/practice/nms-http.conf");
const ERRORS: &str = include_str!("../../../assets/practice/errors-grpc.server_conf");
const MAIN: &str = "/etc/nginx/nginx.conf";
const WORDS: &[&str] = &[
    "include x.conf;",
    "include conf.d/*.conf;",
    "include nginx.conf;",
    "include [a-z]*/*[[:alpha:]].conf;",
    "include round.conf;",
    "include missing.conf;",
    "include twice.conf;\n",
    "http {\n",
    "server {\n",
    "server { listen 443 ssl; server_name a; }\n",
    "location / {\n",
    "location ~ ^/(a|b)/ { return 204; }\n",
    "location ~ \"^/(|a)(|a)(|a)\" { }\n",
    "location ~ ^/(|)(|)(|) { return 204; }",
    "(|)",
    "[[:",
    "*a",
    "location = /x { include x.conf; }\n",
    "upstream u { server 10.0.0.1:80; }\n",
    "map $a $b { default 0; ~x 1; }\n",
    "listen [::]:443 ssl;\n",
    "listen unix:/x;",
    "proxy_pass https://u$x;",
    "# ssl_verify_client on;\n",
    "#include x.conf;\n",
    "content_by_lua_block {\n",
    "--[[",
    "]]",
    "[==[",
    "if ($a) {",
    "}\n",
    "}",
    "{",
    ";",
    "\"",
    "'",
    "\\",
    "${",
    "$",
    "#",
    "\r\n",
    "\t",
    "\\\n",
    "\0",
];

/// The input as the main file; some of the others include each other without end.
fn shelf(text: &[u8]) -> Shelf {
    let mut shelf = Shelf::of(&[
        ("/etc/nms/nginx/errors-grpc.server_conf", ERRORS),
        ("/etc/nms/nginx/errors-grpc.loc_conf", "grpc_pass x;\n"),
        ("/etc/nginx/x.conf", "x 1;\n"),
        ("/etc/nginx/conf.d/a.conf", "server { listen 80; }\n"),
        ("/etc/nginx/conf.d/b.conf", "include x.conf;\ny { z; }\n"),
        ("/etc/nginx/round.conf", "include conf.d/../round.conf;\n"),
        ("/etc/nginx/conf.d/../round.conf", "include round.conf;\n"),
        ("/etc/nginx/twice.conf", "include x.conf; include x.conf;\n"),
    ]);
    shelf.0.insert(MAIN.to_owned(), text.to_vec());
    shelf
}

/// Loads it; says whether that went well. What is taken is the text, byte for byte, and an edit
/// of it changes what is meant and nothing else.
fn taken(bytes: &[u8]) -> bool {
    let config = match shelf(bytes).load() {
        Ok(config) => config,
        Err(error) => {
            is_placed(&error, bytes);
            return false;
        }
    };
    looked_at(&config);
    if !config.file(FileId(0)).exact {
        return true;
    }
    let text = config.file(FileId(0)).text.to_string();
    assert_eq!(text.as_bytes(), bytes);
    lies_where_it_says(&text, &config.main, 0..text.len());
    let own = every(&config);
    if own.is_empty() {
        return true;
    }
    // Which of them is edited depends on the input, so that a failure comes again.
    let chance = bytes.iter().fold(bytes.len(), |sum, byte| {
        sum * 31 % 65_521 + usize::from(*byte)
    });
    edited(&config, &text, &own, chance);
    true
}

fn is_placed(error: &LoadError, bytes: &[u8]) {
    let lines = memchr::memchr_iter(b'\n', bytes).count() + 1;
    let line = error.line.map(|line| line as usize);
    assert!(
        line.is_none_or(|line| (1..=lines).contains(&line)),
        "{error}"
    );
    let whole = matches!(
        error.problem,
        LoadProblem::FileTooLarge | LoadProblem::TooLarge
    );
    assert!(line.is_some() || whole, "{error}");
}

/// What a plan asks of a configuration.
fn looked_at(config: &Config) {
    let Some(http) = config.http() else { return };
    for server in &http.servers {
        for level in server.all_locations().iter().take(200) {
            let _ = level.location.takes("/f5.nginx.agent.sdk.Commander");
        }
    }
    for bound in http.sockets() {
        let _ = http.default_server(&bound.socket);
    }
}

/// Each directive is its name, its arguments and its block, and between them is nothing.
fn lies_where_it_says(text: &str, level: &[Directive], within: std::ops::Range<usize>) {
    let is_blank = |range: std::ops::Range<usize>| {
        let rest = tokens(&text[range.clone()]).map(|token| token.unwrap().kind);
        let mut rest = rest.filter(|kind| !matches!(kind, TokenKind::Space | TokenKind::Comment));
        assert_eq!(rest.next(), None, "{:?}", &text[range]);
    };
    let mut end = within.start;
    // Counted on from one to the next: this is to take no longer than what it judges.
    let (mut line, mut counted) = (1 + text[..end].matches('\n').count(), end);
    for directive in level {
        let span = directive.at.span.range();
        is_blank(end..span.start);
        end = span.end;
        line += text[counted..span.start].matches('\n').count();
        counted = span.start;
        assert_eq!(directive.at.line as usize, line);
        let args = directive.args_span.range();
        let inside = directive.block().map(|block| block.inner.range());
        let head = tokens(&text[span.start..args.end]).map(|token| token.unwrap());
        let head =
            head.filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::Comment));
        let mut head = head.map(|token| &text[span.start..][token.span]);
        assert_eq!(unquoted(head.next().unwrap()), directive.name.as_str());
        assert!(head.map(unquoted).eq(directive.words()));
        match inside {
            Some(inner) => {
                assert_eq!(&text[inner.end..span.end], "}");
                assert_eq!(text[..inner.start].chars().next_back(), Some('{'));
                is_blank(args.end..inner.start - 1);
                lies_where_it_says(text, directive.children(), inner);
            }
            None => assert!(text[..span.end].ends_with([';', '}'])),
        }
    }
    is_blank(end..within.end);
}

/// One directive edited in each way, and read again.
fn edited(config: &Config, text: &str, own: &[&Directive], chance: usize) {
    let directive = own[chance % own.len()];
    let before = words(config);
    let again = |text: &str| shelf(text.as_bytes()).load().map(|config| words(&config));
    let inserts: [Insert; 4] = [insert_before, insert_after, insert_at_start, insert_at_end];
    let insert = inserts[chance % inserts.len()];
    let lines: [&[&str]; 2] = [&["new 1;"], &["# why", "new 1;"]];
    let edit = insert(config, directive, &owned(lines[chance % 2]), ());
    assert!(edit.span.is_empty());
    let result = apply(text, std::slice::from_ref(&edit)).unwrap().text;
    assert_eq!(result.len(), text.len() + edit.with.len());
    assert!(text.starts_with(&result[..edit.span.start]));
    assert!(text.ends_with(&result[edit.span.start + edit.with.len()..]));
    let mut after = again(&result).unwrap_or_else(|error| panic!("{error}\n{result}"));
    // It may have stood there before.
    let at = (0..after.len()).find(|at| {
        let is_new = after[*at] == "new [\"1\"]";
        is_new && before[..*at] == after[..*at] && before[*at..] == after[at + 1..]
    });
    assert!(at.is_some(), "{result}");
    after.clear();

    let same = &text[directive.args_span.range()];
    let edit = set_args(config, directive, same, ());
    assert_eq!(apply(text, &[edit]).unwrap().text, text);

    let edit = remove(config, directive, ());
    assert_eq!(
        text[edit.span.clone()].trim_matches([' ', '\t', '\r', '\n']),
        &text[directive.at.span.range()]
    );
    let result = apply(text, &[edit]).unwrap().text;
    let below = every_below(directive);
    let left = again(&result).unwrap_or_else(|error| panic!("{error}\n{result}"));
    assert_eq!(left.len() + below, before.len(), "{result}");

    for comment in commented(config, directive).iter().take(3) {
        let edit = uncomment(config, comment, "y", ());
        let result = apply(text, &[edit]).unwrap().text;
        // An include that was switched off may lead anywhere.
        if comment.name != "include" {
            assert_eq!(again(&result).unwrap().len(), before.len() + 1, "{result}");
        }
    }
}

fn every_below(directive: &Directive) -> usize {
    1 + directive.children().iter().map(every_below).sum::<usize>()
}

#[test]
fn any_text_is_refused_at_a_line_or_kept_and_edited_byte_for_byte() {
    let main = "user nginx;\nevents {}\nhttp {\n  include conf.d/*.conf;\n  server {\n    listen \
                443 ssl;\n    # ssl_verify_client on;\n    location / { return 204; }\n  }\n}\n";
    let lua = "http { server { content_by_lua_block { if a then b = '}' end } } }\n";
    let fuzz = Fuzz {
        name: "nginx text",
        corpus: [MANAGER, main, lua].map(Vec::from).to_vec(),
        words: WORDS,
        most: Duration::from_secs(1),
    };
    fuzz.run(taken);
}

/// A part of a file is refused, or it is its first directives, each as a whole.
#[test]
fn a_configuration_that_is_cut_is_refused_or_is_what_its_first_directives_say() {
    let whole = shelf(MANAGER.as_bytes()).load().unwrap();
    let mut cuts = cuts(MANAGER.len());
    cuts.extend(whole.main.iter().map(|directive| directive.at.span.end()));
    let mut lengths = BTreeSet::new();
    for end in &cuts {
        let part = &MANAGER.as_bytes()[..*end];
        match shelf(part).load() {
            Err(error) => is_placed(&error, part),
            Ok(config) => {
                let count = config.main.len();
                assert_eq!(config.main, whole.main[..count], "cut at {end}");
                lengths.insert(count);
            }
        }
    }
    println!(
        "cut configuration: {} cuts, directives read: {lengths:?}",
        cuts.len()
    );
    assert_eq!(lengths, (0..=whole.main.len()).collect());
}
