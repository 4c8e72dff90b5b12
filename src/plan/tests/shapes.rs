//! Managers' files in many shapes: which lines change, that nginx accepts the result, and that
//! a second plan has nothing left to do.

use similar::{ChangeTag, TextDiff};

use super::judge;
use super::stand::{NMS_HTTP, Stand, changed, file, text};
use crate::plan::{Action, Status};

const GATES: [&str; 2] = [
    "location /f5.nginx.agent.sdk.MetricsService {",
    "location /f5.nginx.agent.sdk.Commander {",
];
const CIPHERS: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
const ALL: &str = "        satisfy all;";
const ASK: &str = "        auth_request /nim-tls/agent-certificate;";
const OLD_ASK: &str = "        # auth_request /check-agent-client-cert;";

/// The lines of a file that a plan takes away and those it brings, without their endings.
fn difference(stand: &Stand, path: &str) -> (Vec<String>, Vec<String>) {
    let plan = stand.planned();
    let (before, after) = (&stand.files[path], text(&plan, path));
    let diff = TextDiff::from_lines(before.as_str(), after);
    let lines = |tag| {
        let of_tag = diff.iter_all_changes().filter(|change| change.tag() == tag);
        of_tag
            .map(|change| change.value().trim_end_matches('\n').to_owned())
            .collect()
    };
    (lines(ChangeTag::Delete), lines(ChangeTag::Insert))
}

/// What changes in the stock file for client mTLS, its white space aside.
fn stock_difference(listen: Option<(&str, &[&str])>) -> (Vec<String>, Vec<String>) {
    let mut old = vec![
        "ssl_certificate_key    /etc/nms/certs/manager-server.key;",
        "ssl_certificate        /etc/nms/certs/manager-server.pem;",
        "ssl_session_cache      shared:SSL:10m;",
        "ssl_ciphers            HIGH:!aNULL:!MD5;",
        "# ssl_client_certificate /etc/nms/certs/ca.pem;",
        "ssl_verify_client      off;",
        OLD_ASK.trim(),
        OLD_ASK.trim(),
    ];
    let ciphers = format!("ssl_ciphers            {CIPHERS};");
    let mut new = vec![
        "ssl_certificate_key    /etc/nms/certs/server.key;",
        "ssl_certificate        /etc/nms/certs/server.crt;",
        "ssl_session_cache      shared:nim_tls_1:10m;",
        &ciphers,
        "ssl_client_certificate /etc/nms/certs/nim-tls-ca.pem;",
        "ssl_verify_client      optional;",
        ALL.trim(),
        ASK.trim(),
        ALL.trim(),
        ASK.trim(),
    ];
    if let Some((before, after)) = listen {
        old.insert(0, before);
        new.splice(0..0, after.iter().copied());
    }
    let own = |lines: Vec<&str>| lines.into_iter().map(str::to_owned).collect();
    (own(old), own(new))
}

fn trimmed((old, new): (Vec<String>, Vec<String>)) -> (Vec<String>, Vec<String>) {
    let trim = |lines: Vec<String>| lines.iter().map(|line| line.trim().to_owned()).collect();
    (trim(old), trim(new))
}

/// Settled, and accepted by the real nginx when planned for that.
fn holds(stand: &Stand) -> Stand {
    let after = stand.settled();
    judge::accepts(&stand.clone().with_version(&judge::version()).settled());
    after
}

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
    let tabs = |text: &str| {
        let line = |line: &str| {
            let bare = line.trim_start_matches(' ');
            "\t".repeat((line.len() - bare.len()) / 4) + bare
        };
        text.split('\n').map(line).collect::<Vec<_>>().join("\n")
    };
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
    let stand = Stand::stock()
        .edit(
            "    server_name _;",
            "    # } not the end {\n    server_name _; # }}} {",
        )
        .edit(
            "        grpc_send_timeout 5m;",
            "        # location /nowhere { ';\n        grpc_send_timeout 5m;",
        );
    assert_eq!(
        trimmed(difference(&stand, NMS_HTTP)),
        stock_difference(None)
    );
    holds(&stand);
}

#[test]
fn locations_that_were_moved_are_edited_where_they_are() {
    let moved = "/etc/nms/nginx/agents.inc";
    let stock = Stand::stock();
    let whole = &stock.files[NMS_HTTP];
    let start = whole.find("    # Measurements").unwrap();
    let end = whole.find("\n    # Judges").unwrap();
    let stand = stock
        .clone()
        .edit(&whole[start..end], &format!("    include {moved};\n"))
        .with_file(moved, &whole[start..end]);
    assert_eq!(
        difference(&stand, moved),
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

const OTHER_SITE: &str = "server {\n    listen 443 ssl default_server;\n    server_name other.example.com;\n    ssl_certificate /etc/nms/certs/manager-server.pem;\n    ssl_certificate_key /etc/nms/certs/manager-server.key;\n    ssl_session_cache shared:other:5m;\n    return 200;\n}\n";

#[test]
fn another_default_server_keeps_its_place_and_forgets_its_sessions() {
    let other = "/etc/nginx/conf.d/zz-other.conf";
    let stand = Stand::stock().with_file(other, OTHER_SITE);
    let (old, new) = difference(&stand, other);
    assert_eq!(old, ["    ssl_session_cache shared:other:5m;"]);
    assert_eq!(
        new,
        [
            "    ssl_protocols TLSv1.2 TLSv1.3;",
            &format!("    ssl_ciphers {CIPHERS};"),
            "    ssl_session_cache shared:nim_tls_1:5m;",
        ]
    );
    let (old, new) = trimmed(difference(&stand, NMS_HTTP));
    assert!(old.contains(&"server_name _;".to_owned()), "{old:?}");
    assert!(
        new.contains(&"server_name _ nim.example.com;".to_owned()),
        "{new:?}"
    );
    assert!(
        !old.iter().any(|line| line.contains("ssl_session_cache")),
        "its cache rules nothing"
    );
    holds(&stand);
    // The parameter stays for the other site, also where there is a directive.
    let newer = text(&stand.newer().planned(), NMS_HTTP).to_owned();
    assert!(newer.contains("listen 443 ssl http2;") && !newer.contains("http2 on"));
}

#[test]
fn names_that_are_written_in_a_special_way_stay_as_they_are() {
    let names = "server_name _ \"~^nim-[0-9]{2}\\.example\\.org$\" # both\n        *.nim.test;";
    let stand = Stand::stock()
        .with_file("/etc/nginx/conf.d/zz-other.conf", OTHER_SITE)
        .edit("server_name _;", names);
    let after = text(&stand.planned(), NMS_HTTP).to_owned();
    assert!(
        after.contains(&names.replace(';', " nim.example.com;")),
        "{after}"
    );
    holds(&stand);
}

#[test]
fn a_site_on_another_port_is_left_alone() {
    let other = "/etc/nginx/conf.d/zz-other.conf";
    let stand = Stand::stock().with_file(other, &OTHER_SITE.replace("443", "8443"));
    assert!(!changed(&stand.planned()).contains(&other));
    holds(&stand);
}

#[test]
fn defaults_of_several_sockets_all_forget() {
    let other = "/etc/nginx/conf.d/aa-other.conf";
    let site = OTHER_SITE.replace(
        "listen 443 ssl default_server",
        "listen [::]:443 ssl default_server",
    );
    let stand = Stand::stock()
        .edit(
            "    listen 443 ssl http2;",
            "    listen 443 ssl http2;\n    listen [::]:443 ssl http2;",
        )
        .with_file(other, &site);
    let plan = stand.planned();
    assert!(text(&plan, other).contains("shared:nim_tls_1:5m"));
    // Another size needs another zone.
    assert!(text(&plan, NMS_HTTP).contains("shared:nim_tls_2:10m"));
    holds(&stand);
}

#[test]
fn a_session_cache_of_the_http_level_is_overruled_in_the_server() {
    let cache = "    ssl_session_cache      shared:SSL:10m;\n";
    let stand = Stand::stock().edit(cache, "").edit_file(
        "/etc/nginx/nginx.conf",
        "    default_type",
        "    ssl_session_cache shared:all:2m;\n    default_type",
    );
    let plan = stand.planned();
    assert!(text(&plan, NMS_HTTP).contains("    ssl_session_cache shared:nim_tls_1:2m;\n"));
    assert!(!changed(&plan).contains(&"/etc/nginx/nginx.conf"));
    holds(&stand);
    let none = Stand::stock().edit(cache, "");
    assert!(!text(&none.planned(), NMS_HTTP).contains("ssl_session_cache"));
    holds(&none);
    let both = Stand::stock().edit("shared:SSL:10m", "builtin:1000  shared:SSL:10m");
    let after = text(&both.planned(), NMS_HTTP).to_owned();
    assert!(
        after.contains("ssl_session_cache      builtin:1000 shared:nim_tls_1:10m;"),
        "{after}"
    );
}

#[test]
fn tickets_of_a_key_file_end_with_it() {
    let stand = Stand::stock().edit(
        "    ssl_session_timeout    10m;\n",
        "    ssl_session_timeout    10m;\n    ssl_session_ticket_key /etc/nms/certs/ticket.key;\n",
    );
    let plan = stand.planned();
    assert!(text(&plan, NMS_HTTP).contains("    ssl_session_tickets off;\n"));
    // A key of tickets is 48 bytes.
    let ticket_key = "x".repeat(48);
    holds(&stand.with_file("/etc/nms/certs/ticket.key", &ticket_key));
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

const ONE_LINE: &str = "upstream a { server unix:/run/nms/am.sock; } upstream b { server unix:/run/nms/ingestion.sock; }\nserver { listen 443 ssl http2; ssl_certificate /etc/nms/certs/manager-server.pem; ssl_certificate_key /etc/nms/certs/manager-server.key; location /f5.nginx.agent.sdk.Commander { grpc_pass grpc://a; } location /f5.nginx.agent.sdk.MetricsService { grpc_pass grpc://b; } }";

#[test]
fn a_server_on_one_line_without_a_folder_gets_its_check_inline() {
    let stand = Stand::stock().with_file(NMS_HTTP, ONE_LINE);
    let plan = stand.planned();
    let after = text(&plan, NMS_HTTP);
    assert!(after.contains("location /f5.nginx.agent.sdk.Commander { auth_request /nim-tls/agent-certificate; satisfy all; grpc_pass grpc://a; }"), "{after}");
    assert!(
        after.contains("location = /nim-tls/agent-certificate {"),
        "{after}"
    );
    assert!(!changed(&plan).iter().any(|path| path.contains("locations")));
    let after = holds(&stand);
    // Whoever changes the check by hand is told so, with the line.
    let tampered = after.edit("return 401;", "return 200;");
    let said = tampered.refusal();
    assert!(
        said.contains("nms-http.conf:") && said.contains("changed by hand"),
        "{said}"
    );
}

#[test]
fn a_server_that_is_read_by_name_gets_the_format_before_it() {
    let path = "/etc/nms/nginx/manager.conf";
    let stock = Stand::stock();
    let stand = stock
        .clone()
        .with_file(path, &stock.files[NMS_HTTP])
        .edit_file(
            "/etc/nginx/nginx.conf",
            "include /etc/nginx/conf.d/*.conf;\n    include /etc/nginx/sites-enabled/*;",
            "include /etc/nms/nginx/manager.conf;\n    include /etc/nginx/conf.d/*.conf;",
        );
    let mut stand = stand;
    stand.files.remove(NMS_HTTP);
    let plan = stand.planned();
    let after = text(&plan, path);
    let (format, server) = (
        after.find("log_format nim_tls_agents"),
        after.find("\nserver {"),
    );
    assert!(format.unwrap() < server.unwrap(), "{after}");
    let changed = changed(&plan);
    assert!(
        !changed.contains(&"/etc/nginx/conf.d/nim-tls-log.conf"),
        "{changed:?}"
    );
    holds(&stand);
}

#[test]
fn a_file_behind_a_symbolic_link_is_edited_where_it_is() {
    let (link, real) = (
        "/etc/nginx/sites-enabled/nms",
        "/etc/nginx/sites-available/nms",
    );
    let stock = Stand::stock();
    let mut stand = stock
        .clone()
        .with_file(real, &stock.files[NMS_HTTP])
        .with_link(link, real);
    stand.files.remove(NMS_HTTP);
    let plan = stand.planned();
    let changed = changed(&plan);
    assert!(
        changed.contains(&real) && !changed.contains(&link),
        "{changed:?}"
    );
    assert_eq!(file(&plan, real).status, Status::Change);
    // conf.d is read before sites-enabled.
    assert!(changed.contains(&"/etc/nginx/conf.d/nim-tls-log.conf"));
    holds(&stand);
}

#[test]
fn without_a_folder_of_locations_the_check_stands_in_the_server() {
    let stand = Stand::stock().edit("    include /etc/nms/nginx/locations/*.conf;\n", "");
    let plan = stand.planned();
    assert!(
        text(&plan, NMS_HTTP).contains("\n    location = /nim-tls/agent-certificate {\n        ")
    );
    let after = holds(&stand);
    // A folder that is included later is not used for a second one.
    let later = after.edit(
        "    root /var/www/nms;",
        "    root /var/www/nms;\n    include /etc/nms/nginx/locations/*.conf;",
    );
    assert!(later.planned().is_empty());
}

#[test]
fn ssl_termination_changes_the_certificate_and_the_profile_only() {
    let stand = Stand::stock().ssl_termination();
    let (mut old, mut new) = stock_difference(None);
    let kept = |line: &String| {
        line.contains("certificate") && !line.contains("client") && !line.contains("auth_")
            || line.contains("ciphers")
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
    // What clients have to show stays when it is applied after client mTLS.
    let guarded = Stand::stock().settled().ssl_termination();
    assert!(guarded.planned().is_empty());
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
