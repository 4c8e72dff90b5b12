use super::super::{FileId, LoadProblem, flat, glob_match};
use super::{Shelf, find};

/// The shape of an Instance Manager host: a main file, the manager's own file, its helpers.
fn manager() -> Shelf {
    Shelf::of(&[
        (
            "/etc/nginx/nginx.conf",
            "user nginx;\nevents {}\nhttp {\n    include mime.types;\n    include /etc/nginx/conf.d/*.conf;\n}\n",
        ),
        ("/etc/nginx/mime.types", "types { text/html html; }\n"),
        (
            "/etc/nginx/conf.d/nms-http.conf",
            "upstream dpm { server unix:/run/nms/am.sock; }\nserver {\n    listen 443 ssl;\n    include /etc/nms/nginx/locations/*.conf;\n    location /a { include /etc/nms/nginx/errors.loc; }\n    location /b { include /etc/nms/nginx/errors.loc; }\n}\n",
        ),
        ("/etc/nginx/conf.d/.hidden.conf", "this would be an error"),
        ("/etc/nginx/conf.d/other.conf.bak", "so would this"),
        ("/etc/nms/nginx/errors.loc", "error_page 401 @no;\n"),
    ])
}

#[test]
fn includes_are_followed_from_the_main_files_folder() {
    let config = manager().load().unwrap();
    let paths: Vec<&str> = config.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "/etc/nginx/nginx.conf",
            "/etc/nginx/mime.types",
            "/etc/nginx/conf.d/nms-http.conf",
            "/etc/nms/nginx/errors.loc"
        ]
    );
    let http = find(&config, "http");
    let names: Vec<&str> = flat(http.children()).map(|d| d.name.as_str()).collect();
    assert_eq!(names, ["types", "upstream", "server"]);
    let listen = find(&config, "listen");
    assert_eq!(
        config.shown(&listen.at),
        "/etc/nginx/conf.d/nms-http.conf:3"
    );
    assert_eq!(config.find_file("/etc/nginx/mime.types"), Some(FileId(1)));
}

#[test]
fn a_file_read_twice_must_not_be_edited() {
    let config = manager().load().unwrap();
    let page = find(&config, "error_page");
    assert_eq!(config.inclusions(page.at.file).len(), 2);
    assert_eq!(
        config.editable(&page.at).unwrap_err().to_string(),
        "/etc/nms/nginx/errors.loc is included more than once \
         (/etc/nginx/conf.d/nms-http.conf:5, /etc/nginx/conf.d/nms-http.conf:6): \
         a change there would have more than one effect"
    );
    assert_eq!(config.editable(&find(&config, "listen").at), Ok(()));
    assert_eq!(config.editable(&find(&config, "user").at), Ok(()));
}

#[test]
fn a_file_that_is_not_utf8_is_read_but_not_edited() {
    let mut shelf = Shelf::of(&[("/etc/nginx/nginx.conf", "include a;")]);
    shelf.0.insert(
        "/etc/nginx/a".to_owned(),
        b"server_tokens \"\xff\";".to_vec(),
    );
    let config = shelf.load().unwrap();
    let tokens = find(&config, "server_tokens");
    assert!(!config.file(tokens.at.file).exact);
    assert!(config.editable(&tokens.at).is_err());
}

#[test]
fn what_cannot_be_followed_is_reported_where_it_stands() {
    let table: [(&[(&str, &str)], &str); 7] = [
        (
            &[],
            "/etc/nginx/nginx.conf: cannot read /etc/nginx/nginx.conf: no such file",
        ),
        (
            &[("/etc/nginx/nginx.conf", "a;\ninclude b;")],
            "/etc/nginx/nginx.conf:2: cannot read /etc/nginx/b: no such file",
        ),
        (
            &[("/etc/nginx/nginx.conf", "include a b;")],
            "/etc/nginx/nginx.conf:1: include takes exactly one path",
        ),
        (
            &[("/etc/nginx/nginx.conf", "\ninclude ./nginx.conf;")],
            "/etc/nginx/nginx.conf:2: includes /etc/nginx/nginx.conf, which is being read already: this would never end",
        ),
        (
            &[
                ("/etc/nginx/nginx.conf", "include a;"),
                ("/etc/nginx/a", "b {\n include \"a\";\n}"),
            ],
            "/etc/nginx/a:2: includes /etc/nginx/a, which is being read already: this would never end",
        ),
        (
            &[
                ("/etc/nginx/nginx.conf", "a {\ninclude b; }"),
                ("/etc/nginx/b", "}"),
            ],
            "/etc/nginx/b:1: unexpected \"}\"",
        ),
        (
            &[
                ("/etc/nginx/nginx.conf", "include a/../x/*;"),
                ("/etc/nginx/a/../x/y", "a { include ../nginx/nginx.conf; }"),
            ],
            "/etc/nginx/a/../x/y:1: cannot read /etc/nginx/../nginx/nginx.conf: no such file",
        ),
    ];
    for (files, expected) in table {
        assert_eq!(Shelf::of(files).load().unwrap_err().to_string(), expected);
    }
}

#[test]
fn limits_hold() {
    let big = Shelf::of(&[("/etc/nginx/nginx.conf", &"#".repeat((8 << 20) + 1))]);
    assert_eq!(big.load().unwrap_err().problem, LoadProblem::FileTooLarge);

    let mut many = Shelf::of(&[("/etc/nginx/nginx.conf", "include d/*;")]);
    for index in 0..9 {
        many.0
            .insert(format!("/etc/nginx/d/{index}"), vec![b'#'; 8 << 20]);
    }
    assert_eq!(many.load().unwrap_err().problem, LoadProblem::TooLarge);

    // Each file includes the next one twice: a tree of 2^40 leaves, in forty lines.
    let mut bomb = Shelf::default();
    for index in 0..40 {
        let text = format!("include {n}; include {n};", n = index + 1);
        bomb.0
            .insert(format!("/etc/nginx/{index}"), text.into_bytes());
    }
    bomb.0.insert("/etc/nginx/40".to_owned(), b"a;".to_vec());
    bomb.0
        .insert("/etc/nginx/nginx.conf".to_owned(), b"include 0;".to_vec());
    assert!(matches!(
        bomb.load().unwrap_err().problem,
        LoadProblem::Syntax(_)
    ));
}

#[test]
fn a_glob_matches_as_the_c_library_does() {
    let yes = [
        ("*.conf", "a.conf"),
        ("*", "a"),
        ("a*b*c", "aXbYbc"),
        ("/etc/*/x?.conf", "/etc/nginx/x1.conf"),
        ("[a-c][!x]", "by"),
        ("[]a]", "]"),
        ("[a-]", "-"),
        ("[[:digit:]_]x", "7x"),
        ("[a", "[a"),
        (r"\*a", "*a"),
        (".*", ".x"),
        ("a**", "a"),
    ];
    let no = [
        ("*.conf", ".conf"),
        ("*.conf", "a.conf.bak"),
        ("?x", ".x"),
        ("[.]x", ".x"),
        ("/etc/*", "/etc/a/b"),
        ("/etc/*/a", "/etc/a"),
        ("[a-c]", "d"),
        ("[^a]", "a"),
        (r"\*a", "xa"),
        ("*a*a*a*a*b", "aaaaaaaaaaaa"),
        ("A*", "a"),
    ];
    for (pattern, name) in yes {
        assert!(glob_match(pattern, name), "{pattern} {name}");
    }
    for (pattern, name) in no {
        assert!(!glob_match(pattern, name), "{pattern} {name}");
    }
}

#[test]
fn directives_of_a_name_are_found_wherever_they_stand() {
    let config = Shelf::of(&[
        (
            "/etc/nginx/nginx.conf",
            "log a;\nhttp { log b; include conf.d/*; server { location / { log e; if ($x) { log f; } } } }\nlog g;",
        ),
        ("/etc/nginx/conf.d/1", "log c; other { thing x; }"),
        ("/etc/nginx/conf.d/2", "server { thing y; log d; }"),
    ])
    .load()
    .unwrap();
    let found = |names: &[&str]| -> String {
        let lines = config.all(names).filter_map(|line| line.arg(0));
        lines.collect()
    };
    assert_eq!(found(&["log"]), "abcdefg");
    assert_eq!(found(&["thing"]), "xy");
    assert_eq!(found(&["thing", "if"]), "xy($x)");
    assert_eq!(found(&["absent"]), "");
}
