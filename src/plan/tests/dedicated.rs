//! A server of its own for agents.

use super::judge;
use super::stand::{NMS_HTTP, Stand, changed, file, text};

const FILE: &str = "/etc/nginx/conf.d/nim-tls-agents-server.conf";
const OWN: &str = "agent_name: agents.example.com\noptions: {agent_auth: dedicated-server";

fn dedicated(more: &str) -> Stand {
    Stand::stock().answer("alt_names", &format!("{OWN}{more}}}\nalt_names"))
}

fn rejecting() -> Stand {
    dedicated(", unknown_names: reject").answer("alt_names", "ports: {grpc: 8443}\nalt_names")
}

#[test]
fn a_real_nginx_takes_it_and_applying_twice_changes_nothing() {
    for stand in [
        dedicated(""),
        dedicated(", enforce: observe"),
        dedicated(", redirect_http: true"),
        rejecting(),
    ] {
        judge::accepts(&stand.with_version(&judge::version()).settled());
    }
}

#[test]
fn the_locations_go_as_they_are_written_and_leave_nothing_behind() {
    let stand = dedicated("");
    let plan = stand.planned();
    let (own, pages) = (text(&plan, FILE), text(&plan, NMS_HTTP));
    let before = &stand.files[NMS_HTTP];
    for service in crate::plan::SERVICES {
        let at = before.find(&format!("location /{service}")).unwrap();
        let block = &before[at..at + before[at..].find('}').unwrap()];
        for line in block.lines().skip(1).filter(|line| !line.trim().is_empty()) {
            assert!(own.contains(line.trim_end()), "{line} is not in:\n{own}");
        }
        assert!(!pages.contains(service), "{pages}");
    }
    assert!(pages.contains("default_server"), "{pages}");
    let unexplained: Vec<_> = (2..)
        .zip(own.lines().skip(1))
        .filter(|(number, _)| {
            let mut reasons = file(&plan, FILE).reasons.iter();
            !reasons.any(|(lines, _)| lines.contains(number))
        })
        .collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}

/// Found on the sample host: what only the first plan carried was gone with the second.
#[test]
fn what_holds_for_the_whole_server_holds_for_agents_too() {
    let whole = "    allow 127.0.0.1;\n    deny all;\n    set $up dpm-grpc-service;\n    error_page 502 = \
                 @down;\n    location @down { return 204; }\n";
    let listen = "    listen 443 ssl http2;\n";
    let stand = dedicated("")
        .edit("include /etc/nms/nginx/errors-grpc.loc_conf;", "")
        .edit(listen, &format!("{listen}{whole}"));
    let plan = stand.planned();
    for line in whole.lines() {
        assert!(
            text(&plan, FILE).contains(line),
            "{line}: {}",
            text(&plan, FILE)
        );
    }
    judge::accepts(&stand.with_version(&judge::version()).settled());

    let kept_out = dedicated("").edit(listen, &format!("{listen}    auth_basic staff;\n"));
    assert!(
        kept_out.refusal().contains("keeps clients out"),
        "{}",
        kept_out.refusal()
    );
    let decides = dedicated("").edit(
        listen,
        &format!("{listen}    if ($host = a) {{ return 403; }}\n"),
    );
    let notes = decides.planned().notes.join("\n");
    assert!(notes.contains("is not done for agents any more"), "{notes}");
}

#[test]
fn two_locations_on_one_line_are_both_taken_out() {
    let stand = dedicated("");
    let before = &stand.files[NMS_HTTP];
    let from = before.find("    location /f5.nginx.agent.sdk.").unwrap();
    let to = before[from..].find("    # Judges").unwrap() + from;
    let line = "    location /f5.nginx.agent.sdk.MetricsService { grpc_pass grpc://ingestion-grpc-service; } \
                location /f5.nginx.agent.sdk.Commander { grpc_pass grpc://dpm-grpc-service; }\n";
    let joined = format!("{}{line}{}", &before[..from], &before[to..]);
    let plan = stand.with_file(NMS_HTTP, &joined).settled();
    assert!(
        !plan.files[NMS_HTTP].contains("f5.nginx.agent"),
        "{}",
        plan.files[NMS_HTTP]
    );
}

#[test]
fn agents_are_met_over_ipv6_where_the_pages_are() {
    let listen = "    listen 443 ssl http2;\n";
    let both = rejecting().edit(listen, &format!("{listen}    listen [::]:443 ssl http2;\n"));
    for (stand, over_6) in [(rejecting(), false), (both, true)] {
        let plan = stand.planned();
        assert!(text(&plan, FILE).contains("listen *:8443 ssl"));
        assert_eq!(text(&plan, FILE).contains("listen [::]:8443 ssl"), over_6);
    }
}

/// What is there already is what a change is shown beside.
#[test]
fn a_change_of_our_own_file_shows_what_goes() {
    let applied = dedicated("").applied();
    let plan = applied
        .answer("dedicated-server", "dedicated-server, enforce: observe")
        .planned();
    let before = file(&plan, FILE).text_before.as_deref().unwrap();
    assert!(before.contains("ssl_verify_client on;"));
}

/// Its change log has `ssl_reject_handshake` in 1.19.4.
#[test]
fn what_it_cannot_do_is_said() {
    let old = rejecting().with_version("nginx/1.19.3");
    assert!(old.refusal().contains("ssl_reject_handshake from 1.19.4"));
    assert!(changed(&rejecting().with_version("nginx/1.19.4").planned()).contains(&FILE));
    let before = "    location /f5.nginx.agent.sdk.Commander";
    let nested = dedicated("").edit(before, &format!("    location /f5 {{\n{before}"));
    let at = nested.files[NMS_HTTP].find(before).unwrap();
    let end = at + nested.files[NMS_HTTP][at..].find("\n    }\n").unwrap() + 7;
    let mut whole = nested.files[NMS_HTTP].clone();
    whole.insert_str(end, "    }\n");
    let refusal = nested.with_file(NMS_HTTP, &whole).refusal();
    assert!(refusal.contains("stands within another one"), "{refusal}");
    let open = "location /f5.nginx.agent.sdk.Commander {";
    let inner = "location /f5.nginx.agent.sdk.Commander/Zz { auth_request off; }";
    let loosened = dedicated("").edit(open, &format!("{open}\n        {inner}"));
    let refusal = loosened.refusal();
    assert!(refusal.contains("would set the check aside"), "{refusal}");
    let taken = dedicated("").with_file(FILE, "# somebody else's\n");
    assert!(taken.refusal().contains("is not as nim-tls wrote it"));
}
