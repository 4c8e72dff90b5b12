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
