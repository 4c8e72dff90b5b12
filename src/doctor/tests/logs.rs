//! Logs of a host in memory.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::super::{Diagnosis, Finding, Severity, examine};
use super::{NOW, looked, request};
use crate::host::{Host as _, Memory};

const LOG: &str = "/var/log/nginx/error.log";
const CONFIG: &str = "error_log /var/log/nginx/error.log info;\nevents {}\nhttp {\n  server {\n    \
                      listen 443 ssl;\n  }\n}\n";

fn host(config: &str, log: &str) -> Memory {
    let host = Memory::new()
        .not_live()
        .with_file("/etc/nginx/nginx.conf", config)
        .with_file(LOG, log);
    host.set_clock(NOW);
    host
}

fn examined_since(host: &Memory, logs: &[PathBuf], since: Option<i64>) -> Diagnosis {
    let facts = looked(host);
    let request = request(host, logs, since);
    examine(host, &facts, &request, &|_| ControlFlow::Continue(()))
}

fn examined(config: &str, log: &str) -> Diagnosis {
    examined_since(&host(config, log), &[], None)
}

fn refused(time: &str, client: &str) -> String {
    format!(
        "{time} [info] 30#30: *9 client sent no required SSL certificate while reading client \
         request headers, client: {client}, server: a\n"
    )
}

fn found<'a>(diagnosis: &'a Diagnosis, id: &str) -> Option<&'a Finding> {
    diagnosis.findings.iter().find(|finding| finding.id == id)
}

const MISSING: &str = "client-certificate-missing";
const TODAY: &str = "2026/11/26 11:00:00";

#[test]
fn a_healthy_log_gives_nothing_and_is_said_to_be_read() {
    let diagnosis = examined(CONFIG, "2026/11/26 11:00:00 [notice] 1#1: start worker\n");
    assert_eq!(diagnosis.findings, []);
    let source = &diagnosis.sources[0];
    assert_eq!(
        (source.path.as_str(), source.read, source.why.as_str()),
        (LOG, true, "1 lines")
    );
}

#[test]
fn lines_are_counted_and_the_latest_are_shown() {
    let mut log = String::from("2026/11/26 10:00:00 [notice] 1#1: start\n");
    for minute in 10..20 {
        log.push_str(&refused(&format!("2026/11/26 11:{minute}:00"), "10.0.0.9"));
    }
    let diagnosis = examined(CONFIG, &log);
    let finding = found(&diagnosis, MISSING).unwrap();
    assert_eq!((finding.count, finding.severity), (10, Severity::Error));
    let lines: Vec<_> = finding.evidence.iter().map(|seen| seen.line).collect();
    assert_eq!(lines, [Some(9), Some(10), Some(11)]);
    assert!(
        finding.evidence[2]
            .text
            .starts_with("2026/11/26 11:19:00 [info]")
    );
}

#[test]
fn numbers_of_lines_hold_beyond_one_piece() {
    let line = "2026/11/26 10:00:00 [notice] 1#1: a line of no interest to anybody at all\n";
    let before = 40_000;
    let log = line.repeat(before) + &refused(TODAY, "10.0.0.9") + &line.repeat(before);
    let diagnosis = examined(CONFIG, &log);
    let finding = found(&diagnosis, MISSING).unwrap();
    assert_eq!(finding.evidence[0].line, Some(before as u64 + 1));
    assert_eq!(
        diagnosis.sources[0].why,
        format!("{} lines", 2 * before + 1)
    );
}

#[test]
fn what_is_over_or_came_from_this_host_is_a_note() {
    let old = examined(CONFIG, &refused("2026/11/24 11:00:00", "10.0.0.9"));
    let finding = found(&old, MISSING).unwrap();
    assert_eq!(finding.severity, Severity::Info);
    assert!(finding.why.contains("more than a day"), "{}", finding.why);

    let own = examined(CONFIG, &refused(TODAY, "127.0.0.1"));
    let finding = found(&own, MISSING).unwrap();
    assert_eq!(finding.severity, Severity::Info);
    let title = &finding.title;
    assert!(title.starts_with("From this host itself: "), "{title}");
    assert!(finding.why.starts_with("The proof"), "{}", finding.why);
    assert!(finding.fix.text.starts_with("nothing, where it was"));

    let mixed = refused("2026/11/24 11:00:00", "10.0.0.9") + &refused(TODAY, "127.0.0.1");
    let mixed = examined(CONFIG, &mixed);
    let finding = found(&mixed, MISSING).unwrap();
    assert_eq!((finding.severity, finding.count), (Severity::Info, 2));
    assert!(
        finding.why.contains("this host itself") && finding.why.contains("more than a day"),
        "{}",
        finding.why
    );

    let both = refused(TODAY, "127.0.0.1") + &refused(TODAY, "10.0.0.9");
    let both = examined(CONFIG, &both);
    let finding = found(&both, MISSING).unwrap();
    assert_eq!((finding.severity, finding.count), (Severity::Error, 1));
}

#[test]
fn what_is_older_than_asked_for_is_passed_over() {
    let log = refused("2026/11/26 10:00:00", "10.0.0.9") + &refused(TODAY, "10.0.0.9");
    let host = host(CONFIG, &log);
    let diagnosis = examined_since(&host, &[], Some(NOW - 2 * 60 * 60 + 1));
    assert_eq!(found(&diagnosis, MISSING).unwrap().count, 1);
    let diagnosis = examined_since(&host, &[], Some(NOW - 60));
    assert_eq!(found(&diagnosis, MISSING), None);
}

#[test]
fn a_quiet_log_is_named_with_its_line() {
    let config = CONFIG.replace("error.log info", "error.log");
    let diagnosis = examined(&config, "");
    let finding = found(&diagnosis, "log-level-hides").unwrap();
    assert_eq!(finding.severity, Severity::Warning);
    let evidence = &finding.evidence[0];
    assert_eq!(evidence.file, "/etc/nginx/nginx.conf");
    assert_eq!(
        (evidence.line, evidence.text.as_str()),
        (Some(1), "error_log /var/log/nginx/error.log;")
    );
    // The level that counts is the one of the server.
    let config = config.replace(
        "listen 443 ssl;",
        "listen 443 ssl;\n    error_log logs/a.log debug;",
    );
    assert_eq!(found(&examined(&config, ""), "log-level-hides"), None);
    // Where nothing speaks TLS nothing is hidden.
    let config = CONFIG
        .replace("error.log info", "error.log")
        .replace(" ssl", "");
    assert_eq!(found(&examined(&config, ""), "log-level-hides"), None);
}

#[test]
fn logs_that_are_in_no_file_are_named_as_not_read() {
    let config = "error_log stderr;\nevents {}\nhttp {\n  error_log syslog:server=10.0.0.1;\n  \
                  error_log relative.log;\n}\n";
    let diagnosis = examined(config, "");
    let told = |path: &str| {
        let source = diagnosis.sources.iter().find(|source| source.path == path);
        source
            .map(|source| (source.read, source.why.clone()))
            .unwrap_or_default()
    };
    assert!(!told("stderr").0 && told("stderr").1.contains("journalctl"));
    assert!(told("syslog:server=10.0.0.1").1.contains("syslog"));
    assert_eq!(told("/etc/nginx/relative.log").1, "is not there");
    assert_eq!(told("/var/log/nginx-agent/agent.log").1, "is not there");
}

#[test]
fn the_log_of_the_agent_is_where_its_configuration_says() {
    let log = "time=\"2026-11-26T11:00:00Z\" level=error msg=\"x509: certificate signed by unknown \
               authority\"\n";
    for (config, path) in [
        (
            "log:\n  level: info\n  path: /srv/agent/\n",
            "/srv/agent/agent.log",
        ),
        ("log: {path: /srv/agent/its.log}\n", "/srv/agent/its.log"),
        ("server: {host: nim}\n", "/var/log/nginx-agent/agent.log"),
        ("\t: no yaml", "/var/log/nginx-agent/agent.log"),
    ] {
        let host = host(CONFIG, "")
            .with_file("/etc/nginx-agent/nginx-agent.conf", config)
            .with_file(path, log);
        let diagnosis = examined_since(&host, &[], None);
        let finding = found(&diagnosis, "agent-distrusts-manager").expect(config);
        assert_eq!(finding.evidence[0].file, path);
    }
}

#[test]
fn further_logs_are_read_and_findings_stand_gravest_first() {
    let host = host(&CONFIG.replace("error.log info", "error.log"), "")
        .with_file("/home/me/their.log", refused(TODAY, "10.0.0.9"));
    let diagnosis = examined_since(&host, &[PathBuf::from("/home/me/their.log")], None);
    let ids: Vec<&str> = diagnosis
        .findings
        .iter()
        .map(|found| found.id.as_str())
        .collect();
    assert_eq!(ids, [MISSING, "log-level-hides"]);
    assert!(host.read(Path::new("/home/me/their.log"), 4096).is_ok());
}

#[test]
fn bytes_that_are_no_text_are_shown_as_escapes() {
    let line = refused(TODAY, "10.0.0.9").replace("server: a", "server: \u{1b}[2J\u{202e}");
    let mut log = line.into_bytes();
    log.extend(b"\xff\xfe\n");
    let host = host(CONFIG, "").with_file(LOG, log);
    let diagnosis = examined_since(&host, &[], None);
    let text = &found(&diagnosis, MISSING).unwrap().evidence[0].text;
    assert!(text.contains("\\u{1b}[2J\\u{202e}"), "{text}");
}
