//! Other sites beside the manager, and the sessions that they share.

use super::difference::{CIPHERS, difference, holds, trimmed};
use super::stand::{NMS_HTTP, Stand, changed, text};

pub(super) const OTHER_SITE: &str = "server {\n    listen 443 ssl default_server;\n    server_name other.example.com;\n    ssl_certificate /etc/nms/certs/manager-server.pem;\n    ssl_certificate_key /etc/nms/certs/manager-server.key;\n    ssl_session_cache shared:other:5m;\n    return 200;\n}\n";

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
