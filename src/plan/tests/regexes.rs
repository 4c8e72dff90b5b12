//! Agents' calls that end in locations with regular expressions.

use super::bypasses::refused;
use super::difference::{ASK, difference, holds};
use super::stand::{NMS_HTTP, Stand, text};

const COMMANDER: &str = "location /f5.nginx.agent.sdk.Commander {";
const METRICS: &str = "location /f5.nginx.agent.sdk.MetricsService {";

fn asked(stand: &Stand) -> usize {
    let (_, new) = difference(stand, NMS_HTTP);
    new.iter().filter(|line| line.trim() == ASK.trim()).count()
}

#[test]
fn a_plain_regular_expression_is_guarded_as_a_prefix_is() {
    let stand = Stand::stock()
        .edit(
            COMMANDER,
            r"location ~ ^/f5\.nginx\.agent\.sdk\.Commander {",
        )
        .edit(
            METRICS,
            "location ~* \"^/f5[.]nginx[.]agent[.]sdk[.]metricsservice/\" {",
        );
    assert_eq!(asked(&stand), 2);
    holds(&stand);
    holds(&stand.ssl_termination());
}

#[test]
fn one_regular_expression_may_serve_both() {
    let stock = Stand::stock();
    let whole = &stock.files[NMS_HTTP];
    let start = whole.find("    # Measurements").unwrap();
    let end = whole.find("    # Commands for").unwrap();
    let stand = stock
        .clone()
        .edit(&whole[start..end], "")
        .edit(COMMANDER, r"location ~ ^/f5\.nginx\.agent\.sdk\.(Commander|MetricsService)/ {")
        .edit("grpc://dpm-grpc-service", "grpc://$agent_service")
        .edit(
            "map $http_upgrade",
            "map $uri $agent_service { default dpm-grpc-service; ~Metrics ingestion-grpc-service; }\nmap $http_upgrade",
        );
    assert_eq!(asked(&stand), 1);
    holds(&stand);
}

#[test]
fn a_regular_expression_beside_the_prefixes_is_guarded_with_them() {
    let stand = Stand::stock().edit(
        "    root /var/www/nms;",
        "    root /var/www/nms;\n    location ~ ^/f5 {\n        grpc_pass grpc://ingestion-grpc-service;\n    }",
    );
    assert_eq!(asked(&stand), 3);
    holds(&stand);
}

#[test]
fn one_that_only_pcre_could_follow_is_refused_with_its_line() {
    for pattern in [
        r"sdk\.Commander",
        r"^/f5\.nginx\.agent\.sdk\.[A-Z]o",
        "^/f5.nginx.agent.sdk.Comm",
    ] {
        let location = format!("location ~ {pattern} {{");
        let stand = Stand::stock().edit(COMMANDER, &location);
        refused(
            &stand,
            NMS_HTTP,
            &location,
            "cannot be told from the regular expression",
        );
        // The check of certificates is not asked for here.
        let plain = stand.ssl_termination();
        assert!(!text(&plain.planned(), NMS_HTTP).contains("auth_request /nim-tls"));
        holds(&plain);
    }
}

#[test]
fn a_copy_of_a_request_does_not_get_past_a_regular_expression() {
    let stand = Stand::stock()
        .edit(
            COMMANDER,
            r"location ~ ^/f5\.nginx\.agent\.sdk\.Commander {",
        )
        .edit(
            "    root /var/www/nms;",
            "    root /var/www/nms;\n    location /x { mirror /f5.nginx.agent.sdk.Commander/X; }",
        );
    refused(&stand, NMS_HTTP, "location /x", "unchecked");
}
