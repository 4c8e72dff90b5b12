//! Where our own texts go: folders that are included, else the manager's own file.

use super::difference::holds;
use super::stand::{NMS_HTTP, Stand, changed, file, text};
use crate::plan::Status;

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
