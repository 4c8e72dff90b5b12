use proptest::prelude::*;

use super::super::{Body, Fault, TokenKind, tokens, unquoted};
use super::{Shelf, one};
use TokenKind::{Close, Comment, Open, Quoted, Raw, Semicolon, Space, Word};

/// The directives of a text in a form that is easy to compare: `name(arg,arg)` and braces.
fn outline(text: &str) -> String {
    fn level(directives: &[super::Directive]) -> String {
        let one = |directive: &super::Directive| {
            let args = directive
                .args
                .iter()
                .map(|arg| if arg.is_empty() { "''" } else { arg });
            let args = args.collect::<Vec<_>>().join(",");
            let head = format!("{}({args})", directive.name);
            match &directive.body {
                Body::Block(_) => format!("{head}{{{}}}", level(directive.children())),
                Body::Raw => format!("{head}<lua>"),
                Body::Simple | Body::Include(_) => head,
            }
        };
        directives.iter().map(one).collect::<Vec<_>>().join(" ")
    }
    level(&one(text).main)
}

#[test]
fn quirks_are_read_as_nginx_reads_them() {
    let table = [
        ("", ""),
        ("# only a comment", ""),
        ("a;", "a()"),
        ("a b;c d;", "a(b) c(d)"),
        ("a;# }\nb;", "a() b()"),
        ("a #;\nb;", "a(b)"),
        ("a b#c;", "a(b#c)"),
        ("a{b;}", "a(){b()}"),
        ("a {} b;", "a(){} b()"),
        ("a b}c;", "a(b}c)"),
        ("a ${b}c;", "a(${b}c)"),
        ("a $${b};", "a($${b})"),
        ("a ${b;c;", "a(${b) c()"),
        ("a ${{b;c;", "a(${{b) c()"),
        ("a $\\{b;", "a($\\{b)"),
        ("a\0b c;", "error"),
        ("a x$y{b;}", "a(x$y){b()}"),
        (r"a b\;c;", r"a(b\;c)"),
        (r"a \#b;", r"a(\#b)"),
        (r"a b\ c;", r"a(b\ c)"),
        (r"a \{;", r"a(\{)"),
        (r"a $\{b;", r"a($\{b)"),
        (r#"a \"b;"#, "a(\"b)"),
        (r#"a b"c;"#, "a(b\"c)"),
        (r#"a "b;c{d}#e";"#, "a(b;c{d}#e)"),
        (r"a 'it''s';", "error"),
        (r#"a "b\"c" 'd"e';"#, "a(b\"c,d\"e)"),
        (r#"a "b\\";c;"#, "a(b\\) c()"),
        (r#"a "\t\n\r\d";"#, "a(\t\n\r\\d)"),
        (r#"a "" '';"#, "a('','')"),
        (r#"if ($a = "b") {}"#, "if(($a,=,b,)){}"),
        (r#"a "b"{}"#, "a(b){}"),
        ("\"a\" b;", "a(b)"),
        ("a\r\n\tb\r\n;\r\n", "a(b)"),
        ("a\n  # a comment between\n  b;", "a(b)"),
        ("\u{feff}a;", "\u{feff}a()"),
        ("location ~ \\.(gif|jpg)$ {}", "location(~,\\.(gif|jpg)$){}"),
        ("location ~ \"^/a{2}$\" {}", "location(~,^/a{2}$){}"),
        ("a é\\é;", "a(é\\é)"),
        (
            "content_by_lua_block { ngx.say('}') -- }\n --[[ } ]] x = \"\\\"}\" y = [==[ } ]] ]==] t = {1,{2}} } b;",
            "content_by_lua_block()<lua> b()",
        ),
        ("set_by_lua_block $a {}b;", "set_by_lua_block($a)<lua> b()"),
        ("x_by_lua_blocks {a;}", "x_by_lua_blocks(){a()}"),
    ];
    for (text, expected) in table {
        let shelf = Shelf::of(&[("/etc/nginx/nginx.conf", text)]);
        if expected == "error" {
            assert!(shelf.load().is_err(), "{text}");
        } else {
            assert_eq!(outline(text), expected, "{text}");
        }
    }
}

#[test]
fn errors_name_the_line_and_the_reason() {
    let table = [
        (";", 1, Fault::Unexpected(';')),
        ("\n{}", 2, Fault::Unexpected('{')),
        ("a;\n}\n", 2, Fault::Unexpected('}')),
        ("http {\n listen 80 \n}\n", 3, Fault::Unexpected('}')),
        ("a \"b\"c;", 1, Fault::AfterQuote('c')),
        ("a 'b\n\n'é;", 3, Fault::AfterQuote('é')),
        ("a \"b\"#c;", 1, Fault::AfterQuote('#')),
        ("a;\nb \"c;\n}\n", 2, Fault::OpenQuote('"')),
        ("a;\nb\nc", 2, Fault::OpenDirective),
        ("a \"b\"", 1, Fault::OpenDirective),
        ("a\\", 1, Fault::OpenDirective),
        ("http {\n server {\n }\n", 1, Fault::OpenBlock),
        ("a_by_lua_block {\n '}' ", 1, Fault::OpenLua),
        ("a_by_lua_block {\n [[ } ", 1, Fault::OpenLua),
    ];
    for (text, line, fault) in table {
        let shelf = Shelf::of(&[("/etc/nginx/nginx.conf", text)]);
        let error = shelf.load().expect_err(text);
        assert_eq!(error.line, Some(line), "{text:?}");
        assert_eq!(
            error.problem,
            super::super::LoadProblem::Syntax(fault),
            "{text:?}"
        );
    }
}

#[test]
fn deep_or_long_text_ends_in_an_answer() {
    for text in [
        "{".repeat(2 << 20),
        "a{".repeat(1 << 20),
        "a\"".repeat(1 << 20),
        "a '".repeat(700_001),
        "a_by_lua_block{".to_owned() + &"[".repeat(2 << 20),
        "a_by_lua_block{".to_owned() + &"[=".repeat(1 << 20),
        "a ".repeat(3 << 20),
    ] {
        assert!(
            Shelf::of(&[("/etc/nginx/nginx.conf", &text)])
                .load()
                .is_err()
        );
    }
    let deepest = "a{".repeat(64) + &"}".repeat(64);
    assert_eq!(outline(&deepest).matches('{').count(), 64);
}

#[test]
fn spans_cut_out_the_directive() {
    let text = "http {\n\tserver { listen  443 \"ssl\" ; } # x\n}";
    let config = one(text);
    let listen = super::find(&config, "listen");
    assert_eq!(&text[listen.at.span.range()], "listen  443 \"ssl\" ;");
    assert_eq!(&text[listen.args_span.range()], "443 \"ssl\"");
    assert_eq!(listen.at.line, 2);
    let server = super::find(&config, "server");
    assert_eq!(
        &text[server.at.span.range()],
        "server { listen  443 \"ssl\" ; }"
    );
    assert_eq!(
        &text[server.block().unwrap().inner.range()],
        " listen  443 \"ssl\" ; "
    );
    assert_eq!(server.args_span.range(), 14..14);
}

#[test]
fn a_highlighter_gets_every_kind() {
    let kinds: Vec<TokenKind> = tokens("a 'b' # c\n{d;}e_by_lua_block{x}")
        .map(|token| token.unwrap().kind)
        .collect();
    assert_eq!(
        kinds,
        [
            Word, Space, Quoted, Space, Comment, Space, Open, Word, Semicolon, Close, Word, Open,
            Raw, Close
        ]
    );
}

/// Text in which the characters that matter to the lexer are frequent.
fn dense_text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        4 => "[a-c$\\\\;{}#\"' \t\r\n)=\\[\\]-]",
        1 => Just("x_by_lua_block {".to_owned()),
        1 => Just("a b;\n".to_owned()),
        1 => "\\PC",
    ];
    proptest::collection::vec(pieces, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn tokens_are_the_text(text in dense_text()) {
        let mut joined = String::new();
        let mut failed = false;
        for token in tokens(&text) {
            let Ok(token) = token else { failed = true; break };
            prop_assert!(!token.span.is_empty());
            prop_assert_eq!(token.span.start, joined.len());
            prop_assert_eq!(token.line as usize, 1 + joined.matches('\n').count());
            joined.push_str(&text[token.span]);
        }
        prop_assert!(failed || joined == text);
        prop_assert!(text.starts_with(&joined));
    }

    #[test]
    fn unquoting_never_panics(text in "\\PC*") {
        prop_assert!(unquoted(&text).len() <= text.len());
    }
}
