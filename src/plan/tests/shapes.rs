//! Managers' files in many shapes: which lines change, that nginx accepts the result, and that
//! a second plan has nothing left to do.

use super::difference::{ALL, ASK, OLD_ASK, difference, holds, stock_difference, trimmed};
use super::hosts::{MOVED, braces, moved, tabs};
use super::judge;
use super::stand::{NMS_HTTP, Stand, changed, file, text};
use crate::plan::Action;

const GATES: [&str; 2] = [
    "location /f5.nginx.agent.sdk.MetricsService {",
    "location /f5.nginx.agent.sdk.Commander {",
];
#[test]
fn the_stock_file_changes_at_these_lines_only() {
    let stand = Stand::stock();
    assert_eq!(
        trimmed(difference(&stand, NMS_HTTP)),
        stock_difference(None)
    );
    let plan = stand.planned();
    assert_eq!(
        changed(&plan),
        [
            "/etc/nginx/conf.d/nim-tls-log.conf",
            NMS_HTTP,
            "/etc/nms/certs/nim-tls-ca.pem",
            "/etc/nms/certs/server.crt",
            "/etc/nms/certs/server.key",
            "/etc/nms/nginx/locations/nim-tls-agents.conf",
            "/usr/local/share/ca-certificates/nim-tls-root.crt",
            "/var/lib/nim-tls/ca/intermediate.crt",
            "/var/lib/nim-tls/ca/intermediate.key",
            "/var/lib/nim-tls/ca/root.crt",
            "/var/lib/nim-tls/ca/root.key",
            "/var/lib/nim-tls/issued/web-1.example.com/agent.crt",
            "/var/lib/nim-tls/issued/web-1.example.com/agent.key",
            "/var/lib/nim-tls/issued/web-1.example.com/ca.pem",
            "/var/lib/nim-tls/issued/web-1.example.com/nginx-agent.conf",
        ]
    );
    let ids: Vec<_> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    let all = [
        "issue",
        "test",
        "place",
        "trust",
        "reload",
        "end-old-workers",
        "prove",
    ];
    assert_eq!(ids, all);
    holds(&stand);
}

#[test]
fn every_line_that_is_written_has_its_reason() {
    let plan = Stand::stock().planned();
    let nms_http = file(&plan, NMS_HTTP);
    let (_, new) = difference(&Stand::stock(), NMS_HTTP);
    let reasons: Vec<&str> = nms_http
        .reasons
        .iter()
        .map(|(_, why)| why.id.as_str())
        .collect();
    assert_eq!(reasons.len(), new.len(), "{reasons:?}");
    let lines: Vec<&str> = text(&plan, NMS_HTTP).lines().collect();
    for (_, why) in plan.files.iter().flat_map(|file| &file.reasons) {
        assert_ne!(crate::preview::explained(why), why.id, "this has no words");
    }
    for (range, why) in &nms_http.reasons {
        let line = lines[range.start as usize - 1];
        assert!(
            new.iter().any(|new| new == line),
            "{} explains {line:?}",
            why.id
        );
    }
}

#[test]
fn a_plan_is_the_same_each_time() {
    assert_eq!(Stand::stock().planned(), Stand::stock().planned());
}

#[test]
fn the_newer_form_of_http2_replaces_the_older_where_nobody_else_lives_by_it() {
    let stand = Stand::stock().newer();
    let listen = (
        "listen 443 ssl http2;",
        ["listen 443 ssl;", "http2 on;"].as_slice(),
    );
    assert_eq!(
        trimmed(difference(&stand, NMS_HTTP)),
        stock_difference(Some(listen))
    );
    stand.settled();
    // An nginx that was upgraded, and not restarted, parses the reload in the older form.
    let both = Stand::stock().with_version("nginx/1.22.1").planned();
    assert!(!text(&both, NMS_HTTP).contains("http2 on"));
}

#[test]
fn http2_on_stays() {
    let stand = Stand::stock()
        .newer()
        .edit("listen 443 ssl http2;", "listen 443 ssl;\n    http2 on;");
    assert_eq!(
        trimmed(difference(&stand, NMS_HTTP)),
        stock_difference(None)
    );
    stand.settled();
    if judge::has_http2_directive() {
        holds(&stand);
    }
}

#[test]
fn a_listener_without_tls_or_http2_gets_both() {
    let stand = Stand::stock().edit(
        "    listen 443 ssl http2;",
        "    listen 443;\n    listen [::]:443 ssl;",
    );
    let after = text(&stand.planned(), NMS_HTTP).to_owned();
    assert!(
        after.contains("    listen 443 ssl http2;\n    listen [::]:443 ssl http2;\n"),
        "{after}"
    );
    holds(&stand);
}

#[test]
fn a_file_of_2_21_is_live_already() {
    let stand = Stand::stock()
        .edit("# ssl_client_certificate", "ssl_client_certificate")
        .edit(
            "ssl_verify_client      off;",
            "ssl_verify_client      optional;",
        )
        .edit("TLSv1.2 TLSv1.3", "TLSv1.1 TLSv1.2");
    let (old, new) = trimmed(difference(&stand, NMS_HTTP));
    assert!(
        old.contains(&"ssl_protocols          TLSv1.1 TLSv1.2;".to_owned()),
        "{old:?}"
    );
    assert!(
        new.contains(&"ssl_protocols          TLSv1.2 TLSv1.3;".to_owned()),
        "{new:?}"
    );
    assert!(
        !old.iter().any(|line| line.starts_with("ssl_verify_client")),
        "{old:?}"
    );
    let notes = stand.planned().notes.join("\n");
    assert!(
        notes.contains("instead of /etc/nms/certs/ca.pem"),
        "{notes}"
    );
    holds(&stand);
}

#[test]
fn tabs_and_carriage_returns_stay() {
    let stand = Stand::stock();
    for dress in [&tabs as &dyn Fn(&str) -> String, &|text: &str| {
        text.replace('\n', "\r\n")
    }] {
        let dressed = dress(&stand.files[NMS_HTTP]);
        let stand = stand.clone().with_file(NMS_HTTP, &dressed);
        assert_eq!(
            trimmed(difference(&stand, NMS_HTTP)),
            stock_difference(None)
        );
        let plan = stand.planned();
        let after = text(&plan, NMS_HTTP);
        let endings = |text: &str| (text.matches("\r\n").count(), text.matches('\n').count());
        let (pairs, feeds) = endings(after);
        assert!(pairs == 0 || pairs == feeds, "mixed line endings");
        assert_eq!(pairs > 0, dressed.contains('\r'));
        if dressed.contains('\t') {
            assert!(after.contains("\n\t\tsatisfy all;\n"), "{after}");
            assert!(!after.contains("\n    "), "{after}");
        }
        holds(&stand);
    }
}

#[test]
fn braces_in_comments_are_no_braces() {
    let stand = braces();
    assert_eq!(
        trimmed(difference(&stand, NMS_HTTP)),
        stock_difference(None)
    );
    holds(&stand);
}

#[test]
fn locations_that_were_moved_are_edited_where_they_are() {
    let stand = moved();
    assert_eq!(
        difference(&stand, MOVED),
        (
            vec![OLD_ASK.to_owned(), OLD_ASK.to_owned()],
            vec![
                ALL.to_owned(),
                ASK.to_owned(),
                ALL.to_owned(),
                ASK.to_owned()
            ],
        )
    );
    assert!(!text(&stand.planned(), NMS_HTTP).contains("satisfy"));
    holds(&stand);
}

#[test]
fn one_location_may_serve_both_services() {
    let stock = Stand::stock();
    let whole = &stock.files[NMS_HTTP];
    let start = whole.find("    # Measurements").unwrap();
    let end = whole.find("    # Commands for").unwrap();
    let stand = stock
        .clone()
        .edit(&whole[start..end], "")
        .edit(GATES[1], "location /f5.nginx.agent.sdk {");
    let (_, new) = difference(&stand, NMS_HTTP);
    assert_eq!(
        new.iter().filter(|line| line.trim() == ASK.trim()).count(),
        1
    );
    holds(&stand);
}

#[test]
fn a_call_with_a_location_of_its_own_is_guarded_too() {
    let own = "    location = /f5.nginx.agent.sdk.Commander/Upload {\n        grpc_pass grpc://dpm-grpc-service;\n    }\n";
    let stand = Stand::stock().edit("    # Commands for", &format!("{own}    # Commands for"));
    let (_, new) = difference(&stand, NMS_HTTP);
    assert_eq!(
        new.iter().filter(|line| line.trim() == ASK.trim()).count(),
        3
    );
    holds(&stand);
}

#[test]
fn protocols_that_are_said_twice_are_said_once() {
    let stand = Stand::stock().edit(
        "    ssl_protocols          TLSv1.2 TLSv1.3;\n",
        "    ssl_protocols TLSv1.1;\n    ssl_protocols TLSv1.2;\n",
    );
    let after = text(&stand.planned(), NMS_HTTP).to_owned();
    assert!(after.contains("    ssl_protocols TLSv1.2 TLSv1.3;\n"));
    assert_eq!(after.matches("ssl_protocols").count(), 1);
    holds(&stand);
}

#[test]
fn ssl_termination_changes_the_certificate_the_profile_and_the_headers_only() {
    let stand = Stand::stock().ssl_termination();
    let (mut old, mut new) = stock_difference(None);
    let kept = |line: &String| {
        line.contains("certificate") && !line.contains("client") && !line.contains("auth_")
            || line.contains("ciphers")
            || line.contains("add_header")
    };
    old.retain(kept);
    new.retain(kept);
    assert_eq!(trimmed(difference(&stand, NMS_HTTP)), (old, new));
    assert!(
        !changed(&stand.planned())
            .iter()
            .any(|path| path.contains("nim-tls-") && path.starts_with("/etc"))
    );
    holds(&stand);
    // Where client mTLS is in force, the way back is an undo.
    let said = Stand::stock().settled().ssl_termination().refusal();
    assert!(said.starts_with(&format!("{NMS_HTTP}:")), "{said}");
    assert!(said.contains("client-mtls is in force here"), "{said}");
}

#[test]
fn only_the_form_that_old_versions_read_is_planned_for_a_folder() {
    let plan = Stand::stock().newer().not_live().planned();
    assert!(text(&plan, NMS_HTTP).contains("listen 443 ssl http2;"));
    assert!(
        plan.steps
            .iter()
            .all(|step| matches!(step.action, Action::Issue(_) | Action::Place))
    );
    assert!(plan.notes.iter().any(|note| note.contains("--root")));
}
