//! Hosts that cannot carry a plan.

use super::stand::{NMS_HTTP, Stand};
use crate::error::Exit;
use crate::facts::EndsTls;
use crate::plan::{Action, plan};

fn says(stand: &Stand, words: &str) {
    let said = stand.refusal();
    assert!(said.contains(words), "{words:?} is not in: {said}");
}

#[test]
fn what_is_missing_is_named() {
    says(&Stand::stock().not_root(), "only root");
    says(&Stand::stock().stopped(), "nginx is not running");
    says(
        &Stand::stock().unresolved(),
        "manager_name nim.example.com does not resolve",
    );
    says(&Stand::stock().full(), "too little free space: 1024 KiB");
    let auth_request = Stand::stock().without_module("http_auth_request_module");
    says(&auth_request, "--with-http_auth_request_module");
    assert!(auth_request.ssl_termination().plan().is_ok());
    says(
        &Stand::stock().without_module("http_v2_module"),
        "--with-http_v2_module",
    );
}

#[test]
fn a_configuration_that_does_not_load_is_told_with_its_place() {
    let stand = Stand::stock().complaining("unknown directive \"x\" in /etc/nginx/conf.d/x.conf:3");
    says(&stand, "/etc/nginx/conf.d/x.conf:3: unknown directive");
    let gone = Stand::stock().edit(
        "include /etc/nms/nginx/errors.http_conf",
        "include /nowhere",
    );
    says(&gone, "/nowhere");
}

#[test]
fn another_product_or_proxy_does_not_fit() {
    let plus = Stand::stock().answer("proxy: nginx-oss", "proxy: nginx-plus");
    says(&plus, "this host has no NGINX Plus");
    let plus = Stand::stock().with_version("nginx/1.27.2 (nginx-plus-r33)");
    says(&plus, "this host runs NGINX Plus r33");
}

#[test]
fn a_taken_port_is_told_with_its_holder_and_line() {
    for at in ["0.0.0.0:443", "127.0.0.1:443", "[::]:443"] {
        let said = Stand::stock().with_stranger(at).refusal();
        assert!(
            said.contains("port 443 belongs to stranger (process 7)"),
            "{said}"
        );
        assert!(said.contains(&format!("{NMS_HTTP}:")), "{said}");
    }
    // Another line of the configuration would keep nginx from reloading, too.
    let other = Stand::stock()
        .with_file(
            "/etc/nginx/conf.d/zz.conf",
            "server {\n    listen 8080;\n}\n",
        )
        .with_stranger("0.0.0.0:8080")
        .refusal();
    assert!(
        other.contains("port 8080") && other.contains("zz.conf:2"),
        "{other}"
    );
    // What nobody asks for is nobody's business.
    assert!(Stand::stock().with_stranger("0.0.0.0:9000").plan().is_ok());
}

#[test]
fn a_target_that_cannot_be_replaced_is_told_beforehand() {
    for path in [NMS_HTTP, "/etc/nms/certs/server.crt"] {
        let stand = Stand::stock().with_obstacle(path, "it is immutable: chattr -i");
        says(
            &stand,
            &format!("{path} cannot be written: it is immutable"),
        );
    }
}

#[test]
fn what_becomes_of_the_key_of_the_authority_has_to_be_said() {
    let stand = Stand::stock().answer(
        "certificates: {ca_key: {keep: plaintext}}",
        "certificates: {}",
    );
    let problem = stand.plan().expect_err("not said");
    assert_eq!(problem.exit, Exit::Usage);
    let said = problem.to_string();
    for word in [
        "certificates.ca_key.keep",
        "encrypted",
        "plaintext",
        "discard",
    ] {
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn who_is_connected_and_what_cannot_be_followed_is_noted() {
    let stand = Stand::stock()
        .with_client("10.1.2.3:50000")
        .with_client("10.1.2.3:50001");
    let code = stand.edit(
        "    root /var/www/nms;",
        "    root /var/www/nms;\n    location /x { js_content x.y; }",
    );
    let notes = code.planned().notes.join("\n");
    assert!(
        notes.contains("connected to port 443 now without a certificate: 10.1.2.3; agents"),
        "{notes}"
    );
    assert!(notes.contains("what this code asks of nginx"), "{notes}");
    // Once the rules hold, nobody is cut off by another plan.
    let notes = code.settled().planned().notes.join("\n");
    assert!(!notes.contains("connected to port"), "{notes}");
}

#[test]
fn an_upgraded_nginx_that_was_not_restarted_gets_what_both_versions_read() {
    let plan = Stand::stock()
        .newer()
        .running_deleted("nginx/1.22.1")
        .planned();
    let text = super::stand::text(&plan, NMS_HTTP);
    assert!(text.contains("listen 443 ssl http2;") && !text.contains("http2 on"));
    let notes = plan.notes.join("\n");
    assert!(
        notes.contains("nginx 1.22.1 runs and nginx 1.26.3 is on disk"),
        "{notes}"
    );
}

/// nginx opens one socket for all addresses of a port, so no other is waited for.
#[test]
fn only_what_nginx_opens_is_waited_for() {
    for (other, listens) in [
        ("10.0.0.5:443 ssl", ["0.0.0.0:443"].as_slice()),
        (
            "10.0.0.5:443 ssl reuseport",
            &["0.0.0.0:443", "10.0.0.5:443"],
        ),
        (
            "10.0.0.5:443 ssl backlog=511",
            &["0.0.0.0:443", "10.0.0.5:443"],
        ),
        ("10.0.0.5:8443 ssl", &["0.0.0.0:443", "10.0.0.5:8443"]),
        (
            "[2001:db8::5]:443 ssl",
            &["0.0.0.0:443", "[2001:db8::5]:443"],
        ),
        ("[::]:443 ssl", &["0.0.0.0:443", "[::]:443"]),
    ] {
        let text = format!(
            "server {{ listen {other}; server_name other.example.com; \
             ssl_certificate /etc/nms/certs/manager-server.pem; \
             ssl_certificate_key /etc/nms/certs/manager-server.key; }}\n"
        );
        let plan = Stand::stock()
            .with_file("/etc/nginx/conf.d/zz-other.conf", &text)
            .planned();
        let reload = plan.steps.iter().find_map(|step| match &step.action {
            Action::Reload(nginx) => Some(nginx),
            _ => None,
        });
        let found = reload.unwrap().listens.iter().map(ToString::to_string);
        let found: Vec<String> = found.filter(|at| !at.ends_with(":80")).collect();
        assert_eq!(found, listens, "{other}");
    }
}

#[test]
fn a_trust_store_that_cannot_be_rewritten_is_refused_with_the_path() {
    for path in [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/ssl/certs/nim-tls-root.crt",
    ] {
        let stand = Stand::stock().with_obstacle(path, &format!("{path} is in the way"));
        says(&stand, &format!("trust store: {path} is in the way"));
        let without = stand.answer(
            "certificates: {ca_key",
            "options: {trust_store: false}\ncertificates: {ca_key",
        );
        without.planned();
    }
}

#[test]
fn the_weaker_test_is_said_beforehand() {
    let stand = Stand::stock();
    let mut facts = stand.facts();
    facts.no_private_copy = Some("unshare failed: Operation not permitted".to_owned());
    let plan = plan(&facts, &stand.answers()).unwrap();
    let test = plan.steps.iter().find(|step| step.id == "test").unwrap();
    assert!(test.why.contains("weaker test"), "{}", test.why);
    let notes = plan.notes.join("\n");
    assert!(notes.contains("Operation not permitted"), "{notes}");
    let usual = stand.planned();
    assert!(!usual.steps.iter().any(|step| step.why.contains("weaker")));
}

#[test]
fn agents_are_not_judged_where_somebody_before_this_host_ends_tls() {
    let found = |stand: &Stand| {
        let mut facts = stand.facts();
        facts.ends_tls = Some(EndsTls {
            at: "192.0.2.7:443".parse().unwrap(),
            shown: "CN=balancer".to_owned(),
            here: Some("CN=manager-server".to_owned()),
        });
        plan(&facts, &stand.answers())
    };
    let refused = found(&Stand::stock()).unwrap_err();
    for said in [
        "192.0.2.7:443",
        "CN=balancer is shown",
        "nginx here shows CN=manager-server",
    ] {
        assert!(refused.what.contains(said), "{refused}");
    }
    assert!(
        refused
            .remedy
            .is_some_and(|remedy| remedy.contains("-connect 192.0.2.7:443"))
    );
    let notes = found(&Stand::stock().ssl_termination()).unwrap().notes;
    assert_eq!(
        notes
            .iter()
            .filter(|note| note.contains("CN=balancer"))
            .count(),
        1
    );
}
