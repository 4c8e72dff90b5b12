#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

#[test]
fn a_host_name_cannot_break_out() {
    for text in [
        "",
        "a b",
        "a;b",
        "a\nb",
        "a\"b",
        "a\u{1b}[2J",
        "-a.example",
        "a..b",
        ".",
        "a_b.c",
        "*.example.com",
        "10.0.0.5",
        "1.2.3",
        "a/b",
        "a{b",
        "a$b",
        "x".repeat(64).as_str(),
    ] {
        assert!(text.parse::<HostName>().is_err(), "{text:?} was accepted");
    }
}

#[test]
fn a_host_name_is_converted_to_ascii() {
    assert_eq!(
        "NIM.Example.com".parse::<HostName>().unwrap().as_str(),
        "nim.example.com"
    );
    assert_eq!(
        "bücher.example".parse::<HostName>().unwrap().as_str(),
        "xn--bcher-kva.example"
    );
}

#[test]
fn a_zone_is_never_a_top_level_domain() {
    let zone = |name: &str| {
        name.parse::<HostName>()
            .unwrap()
            .zone()
            .map(|z| z.to_string())
    };
    assert_eq!(zone("nim.example.com").as_deref(), Some("example.com"));
    assert_eq!(zone("example.com"), None);
    assert_eq!(zone("nim"), None);
}

#[test]
fn a_path_is_normal() {
    assert_eq!(
        "/etc//nms/./certs/".parse::<AbsPath>().unwrap().as_str(),
        "/etc/nms/certs"
    );
    for text in ["etc", "/etc/../x", "/a b", "/a;b", "/a\0b", "/a$b"] {
        assert!(text.parse::<AbsPath>().is_err(), "{text:?} was accepted");
    }
    assert_eq!("/a".parse::<AbsPath>().unwrap().parent().as_str(), "/");
}

#[test]
fn ports_and_runs() {
    assert!(Port::try_from(0).is_err() && Port::try_from(70_000).is_err());
    assert!("2026-11-23-01".parse::<RunId>().is_ok());
    assert!("../../etc/x1".parse::<RunId>().is_err());
}

#[test]
fn escapes_do_not_reach_the_terminal() {
    assert_eq!(escaped("a\u{1b}[31mb\u{202e}"), "a\\u{1b}[31mb\\u{202e}");
}

#[test]
fn what_the_c_library_takes_for_an_address_is_no_host_name() {
    for text in ["0x7f000001", "127.0x1", "a.0x", "0X7F.1"] {
        assert!(text.parse::<HostName>().is_err(), "{text:?} was accepted");
        assert!(
            text.parse::<SubjectName>().is_err(),
            "{text:?} was accepted"
        );
    }
    assert!("0xyz.example".parse::<HostName>().is_ok());
}

#[test]
fn a_path_holds_nothing_that_a_shell_or_a_reader_would_not_see_as_itself() {
    for text in ["/a\u{202e}b", "/a\u{200b}", "/a[b]", "/a!b", "/a\u{9b}b"] {
        let said = text.parse::<AbsPath>().unwrap_err().to_string();
        assert!(!said.chars().any(is_hidden), "{said:?}");
    }
}

/// The last gate lets lines and wanted colours through, and nothing that is obeyed.
#[test]
fn whole_text_is_shown_with_its_lines_and_colours() {
    let text = "a\u{9b}31m\n\u{1b}[31mb\u{202e}\r\n";
    assert_eq!(
        shown(text, false),
        "a\\u{9b}31m\n\\u{1b}[31mb\\u{202e}\\r\n"
    );
    assert_eq!(shown(text, true), "a\\u{9b}31m\n\u{1b}[31mb\\u{202e}\\r\n");
    let json = shown_json("{\n\"a\": \"\u{9b}\u{e0041}\u{202e}\"}");
    assert_eq!(json, "{\n\"a\": \"\\u009b\\udb40\\udc41\\u202e\"}");
}
