//! Lines that tell of no trouble with the manager today.

use std::collections::BTreeSet;

use super::super::judge::{Judge, OfHost, Over};
use super::super::line::Line;
use super::super::{Severity, rules};
use super::{NOW, examined, looked, told};
use crate::host::Memory;
use crate::plan::BeforeManager;

const LOG: &str = "/var/log/nginx/error.log";
const CONFIG: &str = "error_log /var/log/nginx/error.log info;\nevents {}\nhttp {
  server {
    listen 443 ssl;
    server_name nim.example.com;
    location /f5.nginx.agent.sdk.Commander/ { grpc_pass grpc://unix:/var/run/nms/am.sock; }
    location /f5.nginx.agent.sdk.MetricsService/ { grpc_pass grpc://unix:/var/run/nms/is.sock; }
  }
  server { listen 443 ssl; server_name shop.example.com; }
  server { listen 8443 ssl; server_name pay.example.com; }
}\n";

#[test]
fn what_happens_at_other_sites_is_a_note() {
    let at = |server: &str| {
        let line = format!(
            "2026/11/26 11:00:00 [info] 30#30: *9 client SSL certificate verify error: \
             (10:certificate has expired) while reading client request headers, client: 10.0.0.9, \
             server: {server}, request: \"POST /f5 HTTP/2.0\"\n"
        );
        let host = Memory::new()
            .not_live()
            .with_file("/etc/nginx/nginx.conf", CONFIG)
            .with_file(LOG, line);
        told(&examined(&host), "client-certificate-expired").unwrap()
    };
    for own in ["nim.example.com", "0.0.0.0:443", "other.example.com"] {
        assert_eq!(at(own).0, Severity::Error, "{own}");
    }
    for other in ["shop.example.com", "pay.example.com", "0.0.0.0:8443"] {
        let (severity, title) = at(other);
        assert_eq!(severity, Severity::Info, "{other}");
        assert!(title.starts_with("Of another site: "), "{title}");
    }
}

#[test]
fn what_an_agent_no_longer_complains_of_is_a_note() {
    let line = |time: &str, words: &str| {
        format!("time=\"2026-11-26T{time}Z\" level=error msg=\"{words}\"\n")
    };
    let unknown = "dial tcp: lookup nim.example.com: no such host";
    let foreign = "x509: certificate signed by unknown authority";
    let settled = "GRPC clients not created due to missing server config";
    let log = line("05:00:00", unknown) + &line("05:01:00", settled) + &line("11:59:00", foreign);
    let host = Memory::new()
        .not_live()
        .with_file("/var/log/nginx-agent/agent.log", log);
    let diagnosis = examined(&host);
    let severity = |id| told(&diagnosis, id).unwrap().0;
    assert_eq!(severity("agent-name-unknown"), Severity::Info);
    assert_eq!(severity("agent-distrusts-manager"), Severity::Error);
    // Said once, when it starts.
    assert_eq!(severity("agent-server-section"), Severity::Error);
}

#[test]
fn what_nginx_refused_before_it_took_its_configuration_is_over() {
    let all = rules();
    let rule = |id: &str| all.iter().find(|rule| rule.id == id).unwrap();
    let own = BTreeSet::new();
    let line = "2026/11/26 11:00:00 [emerg] 1#1: bind() to 0.0.0.0:443 failed (98: x)";
    let refused = "2026/11/26 11:00:00 [info] 1#1: *9 no shared cipher, client: 10.0.0.9";
    let aside = |loaded_at: Option<i64>, id: &str, line: &str| {
        let mut here = OfHost::of(
            &looked(&Memory::new().not_live()),
            &BeforeManager::default(),
            None,
        );
        here.loaded_at = loaded_at;
        let mut judge = Judge::new(NOW, None, 0, &own);
        judge.of_host(Some(&here));
        judge
            .judged(rule(id), &Line::of(line.as_bytes()), None)
            .unwrap()
            .over
    };
    let (then, later) = (NOW - 3600, NOW - 60);
    assert_eq!(aside(None, "port-taken", line), None);
    assert_eq!(aside(Some(then), "port-taken", line), None);
    assert_eq!(aside(Some(later), "port-taken", line), Some(Over::Loaded));
    assert_eq!(aside(Some(later), "no-shared-cipher", refused), None);
    // Of several reasons the one that is nearest is told.
    let long_ago = line.replace("2026/11/26", "2026/11/20");
    assert_eq!(
        aside(Some(later), "port-taken", &long_ago),
        Some(Over::Loaded)
    );
    let long_ago = refused.replace("2026/11/26", "2026/11/20");
    assert_eq!(
        aside(Some(later), "no-shared-cipher", &long_ago),
        Some(Over::LongAgo)
    );
}
