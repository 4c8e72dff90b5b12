use super::super::{
    Config, Directive, Edit, FileId, Overlap, apply, commented, insert_after, insert_at_end,
    insert_at_start, insert_before, quote, remove, set_args, uncomment,
};
use super::{find, one};

pub(super) type Insert = fn(&Config, &Directive, &[String], ()) -> Edit<()>;

pub(super) fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

/// The text after one insertion next to the first directive of that name.
fn inserted(insert: Insert, text: &str, name: &str, lines: &[&str]) -> String {
    let config = one(text);
    let edit = insert(&config, find(&config, name), &owned(lines), ());
    let result = apply(text, &[edit]).unwrap().text;
    one(&result); // it is still configuration
    result
}

#[test]
fn arguments_are_replaced_and_nothing_else() {
    let table = [
        (
            "a {\n\tlisten\t\t443  ssl ; # x\r\n}",
            "80",
            "a {\n\tlisten\t\t80 ; # x\r\n}",
        ),
        ("listen \"4 4\";", "80 ssl", "listen 80 ssl;"),
        ("listen;", "80", "listen 80;"),
        ("listen ;", "80", "listen 80 ;"),
        ("listen 443;", "", "listen;"),
        ("listen\n  443\n  ssl\n  ;", "80", "listen\n  80\n  ;"),
        ("listen  ;", "", "listen  ;"),
        ("listen 80 { x; }", "81", "listen 81 { x; }"),
    ];
    for (text, args, expected) in table {
        let config = one(text);
        let edit = set_args(&config, find(&config, "listen"), args, ());
        assert_eq!(apply(text, &[edit]).unwrap().text, expected, "{text:?}");
    }
}

/// Found by fuzzing: white space in a name was taken for the space behind it.
#[test]
fn protected_white_space_is_part_of_a_name() {
    for (text, expected) in [("a\\ ;", "a\\ ;"), ("a\\\n  1 2;", "a\\\n;")] {
        let config = one(text);
        let edit = set_args(&config, &config.main[0], "", ());
        assert_eq!(apply(text, &[edit]).unwrap().text, expected, "{text:?}");
    }
    // To nginx U+2028 and a form feed are letters.
    for text in ["a;\u{2028}\nb;", "a;\u{c}\nb;"] {
        let config = one(text);
        let edit = remove(&config, &config.main[0], ());
        assert_eq!(apply(text, &[edit]).unwrap().text, text[2..]);
    }
}

#[test]
fn lines_are_inserted_as_their_neighbours_are_written() {
    let stock = "http {\n    server {\n\tlisten 80; # why\n\n\tlocation / {\n\t}\n    }\n}\n";
    let table: [(Insert, &str, &str, &str); 15] = [
        (
            insert_before,
            stock,
            "listen",
            "\tlisten 80;=>\tx y;\n\tlisten 80;",
        ),
        (insert_after, stock, "listen", "# why\n=># why\n\tx y;\n"),
        (
            insert_at_start,
            stock,
            "server",
            "server {\n=>server {\n\tx y;\n",
        ),
        (insert_at_end, stock, "server", "\t}\n=>\t}\n\tx y;\n"),
        (insert_at_end, stock, "location", "/ {\n=>/ {\n\t\tx y;\n"),
        (
            insert_at_start,
            stock,
            "http",
            "http {\n=>http {\n    x y;\n",
        ),
        (insert_at_end, "a { b; }", "a", "b; }=>b; x y; }"),
        (insert_at_start, "a { b; }", "a", "{ b=>{ x y; b"),
        (insert_at_start, "a {b;}", "a", "{b=>{x y; b"),
        (insert_at_end, "a {}", "a", "{}=>{ x y; }"),
        (insert_at_start, "a {  }", "a", "{  =>{ x y;  "),
        (insert_before, "a { b; }", "b", "b=>x y; b"),
        (insert_after, "a { b; c; }", "b", "b;=>b; x y;"),
        (insert_after, "a;\r\nb;", "b", "b;=>b;\r\nx y;"),
        (
            insert_at_end,
            "a {\r\n  b;\r\n}\r\n",
            "a",
            "b;\r\n=>b;\r\n  x y;\r\n",
        ),
    ];
    for (insert, text, name, change) in table {
        let (from, to) = change.split_once("=>").unwrap();
        assert_eq!(text.matches(from).count(), 1, "{text:?} {from:?}");
        let expected = text.replace(from, to);
        assert_eq!(
            inserted(insert, text, name, &["x y;"]),
            expected,
            "{text:?} {name}"
        );
    }
}

#[test]
fn a_block_is_inserted_as_a_whole() {
    let lines = [
        "location = /check {",
        "    internal;",
        "",
        "    return 204;",
        "}",
    ];
    assert_eq!(
        inserted(
            insert_at_end,
            "server {\n  listen 80;\n}\n",
            "server",
            &lines
        ),
        "server {\n  listen 80;\n  location = /check {\n      internal;\n\n      return 204;\n  }\n}\n"
    );
    assert_eq!(
        inserted(
            insert_at_end,
            "server {\n\tlisten 80;\n}\n",
            "server",
            &lines
        ),
        "server {\n\tlisten 80;\n\tlocation = /check {\n\t\tinternal;\n\n\t\treturn 204;\n\t}\n}\n"
    );
    assert_eq!(
        inserted(insert_at_end, "server { listen 80; }", "server", &lines),
        "server { listen 80; location = /check { internal; return 204; } }"
    );
}

#[test]
fn a_comment_never_swallows_what_follows_on_a_line() {
    let lines = ["# ours", "x y;"];
    assert_eq!(
        inserted(insert_at_end, "a { b; }", "a", &lines),
        "a { b;\n    # ours\n    x y;\n }"
    );
    assert_eq!(
        inserted(insert_at_start, "a { b; }", "a", &lines),
        "a {\n    # ours\n    x y;\n     b; }"
    );
    for (insert, name) in [(insert_before as Insert, "b"), (insert_after, "b")] {
        let config = one(&inserted(insert, "a { b; c; }", name, &lines));
        let a = find(&config, "a");
        assert_eq!(a.children().len(), 3);
    }
}

#[test]
fn a_removed_directive_takes_its_line_along() {
    let table = [
        ("a;\n  b c;\nd;\n", "a;\nd;\n"),
        ("a;\r\nb {\r\n x;\r\n}\r\n", "a;\r\n"),
        ("a;\nb;", "a;\n"),
        ("a;\n  b; # why\nd;\n", "a;\n  # why\nd;\n"),
        ("a { b; d; }", "a { d; }"),
        ("a { d; b; }", "a { d; }"),
        ("a { b; }", "a { }"),
        ("a; b;\nd;", "a;\nd;"),
        ("a {b;d;}", "a {d;}"),
    ];
    for (text, expected) in table {
        let config = one(text);
        let edit = remove(&config, find(&config, "b"), ());
        assert_eq!(apply(text, &[edit]).unwrap().text, expected, "{text:?}");
    }
}

const COMMENTS: &str = "server {
    # auth_request /check;
    #ssl_client_certificate  /a b;\t# for agents
#   ssl_verify_client off;
    listen 443; ## ssl_crl '/x;y';
    # a; b;
    # location / {}
    # listen to me; or not
    # it's;
    # don't;
    # a \"b\"c;
    #
    # plain prose
    log_format x
      # inside x;
      y;
    location / {
        # nested no;
    }
    # last;
}
# outside x;
";

#[test]
fn only_whole_simple_directives_count_as_commented() {
    let config = one(COMMENTS);
    let found: Vec<(String, Vec<String>, u32)> = commented(&config, find(&config, "server"))
        .into_iter()
        .map(|commented| (commented.name, commented.args, commented.at.line))
        .collect();
    let expected = [
        ("auth_request", vec!["/check"], 2),
        ("ssl_client_certificate", vec!["/a", "b"], 3),
        ("ssl_verify_client", vec!["off"], 4),
        ("ssl_crl", vec!["/x;y"], 5),
        ("last", vec![], 20),
    ]
    .map(|(name, args, line)| (name.to_owned(), owned(&args), line));
    assert_eq!(found, expected);
}

#[test]
fn uncommenting_keeps_the_rest_of_the_line() {
    let config = one(COMMENTS);
    let all = commented(&config, find(&config, "server"));
    let edits: Vec<Edit<()>> = all
        .iter()
        .map(|one| uncomment(&config, one, "new", ()))
        .collect();
    let edited = apply(COMMENTS, &edits).unwrap();
    for line in [
        "    auth_request new;\n",
        "    ssl_client_certificate  new;\t# for agents\n",
        "\n    ssl_verify_client new;\n",
        "    listen 443; ssl_crl new;\n",
        "    last new;\n}\n",
    ] {
        assert!(edited.text.contains(line), "{line:?} in\n{}", edited.text);
    }
    assert_eq!(edited.text.lines().count(), COMMENTS.lines().count());
    assert_eq!(edited.generated[0], (2..3, ()));
    let again = one(&edited.text);
    assert_eq!(commented(&again, find(&again, "server")), []);
}

#[test]
fn generated_lines_are_numbered_in_the_new_text() {
    let text = "a;\nb;\nc;\nd 1;";
    let edit = |span, with: &str, why| Edit {
        file: FileId(0),
        span,
        with: with.to_owned(),
        why,
    };
    let edits = [
        edit(11..12, "2\n3", "args"),
        edit(3..6, "", "removed"),
        edit(0..0, "x;\ny;\n", "first"),
        edit(13..13, "\r\n\r\nend;", "end"),
        edit(3..3, "z;\n", "before what goes"),
    ];
    let edited = apply(text, &edits).unwrap();
    assert_eq!(edited.text, "x;\ny;\na;\nz;\nc;\nd 2\n3;\r\n\r\nend;");
    let expected = [
        (1..3, "first"),
        (4..5, "before what goes"),
        (6..8, "args"),
        (9..10, "end"),
    ];
    assert_eq!(edited.generated, expected);
}

#[test]
fn edits_that_clash_are_refused() {
    let edit = |span| Edit {
        file: FileId(0),
        span,
        with: "x".to_owned(),
        why: (),
    };
    let clash = |edits: &[Edit<()>]| apply("é;bcdef", edits);
    assert_eq!(
        clash(&[edit(3..5), edit(4..6)]).unwrap_err(),
        Overlap::Each(3..5, 4..6)
    );
    assert_eq!(
        clash(&[edit(3..5), edit(3..5)]).unwrap_err(),
        Overlap::Each(3..5, 3..5)
    );
    assert_eq!(
        clash(&[edit(4..4), edit(3..5)]).unwrap_err(),
        Overlap::Each(3..5, 4..4)
    );
    assert_eq!(clash(&[edit(1..2)]).unwrap_err(), Overlap::Text(1..2));
    assert_eq!(clash(&[edit(7..99)]).unwrap_err(), Overlap::Text(7..99));
    assert_eq!(
        clash(&[edit(3..5), edit(5..6), edit(3..3)]).unwrap().text,
        "é;xxxef"
    );
}

#[test]
fn quoting_shows_what_it_refuses() {
    assert_eq!(
        quote("/etc/nms/certs/ca.pem").unwrap(),
        "/etc/nms/certs/ca.pem"
    );
    assert_eq!(quote("").unwrap(), "\"\"");
    assert_eq!(quote("a;b{#}'\\t\"").unwrap(), r#""a;b{#}'\\t\"""#);
    assert_eq!(
        quote("a\nb").unwrap_err().to_string(),
        "it holds a control character (\\n)"
    );
    assert!(quote("$host").is_err());
}
