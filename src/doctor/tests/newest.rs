//! The newest lines first; what was rotated away, packed or not; and how reading is called off.

use std::cell::RefCell;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::gzip::forwards_up_to;
use super::super::reading::{self, LONGEST};
use super::super::{Diagnosis, Finding, Told, examine};
use super::{NOW, looked, request};
use crate::host::Memory;
use crate::values::moment;

const LOG: &str = "/var/log/nginx/error.log";
const CONFIG: &str = "error_log /var/log/nginx/error.log info;\nevents {}\nhttp {\n  access_log \
                      logs/access.log;\n  server {\n    listen 443 ssl;\n  }\n}\n";
const DAY: i64 = 24 * 60 * 60;
const ORDINARY: &str =
    "2026/11/26 10:00:00 [notice] 1#1: a line of no interest to anybody at all\n";

fn refused(time: &str) -> String {
    format!(
        "{time} [info] 30#30: *9 client sent no required SSL certificate while reading client \
         request headers, client: 10.0.0.9, server: a\n"
    )
}

fn packed(text: &str) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text.as_bytes()).unwrap();
    packer.finish().unwrap()
}

fn host() -> Memory {
    let host = Memory::new()
        .not_live()
        .with_file("/etc/nginx/nginx.conf", CONFIG);
    host.set_clock(NOW);
    host
}

fn examined(
    host: &Memory,
    logs: &[PathBuf],
    since: Option<i64>,
    told: &dyn Fn(Told<'_>) -> ControlFlow<()>,
) -> Diagnosis {
    let facts = looked(host);
    let request = request(host, logs, since);
    examine(host, &facts, &request, told)
}

fn quietly(host: &Memory, since: Option<i64>) -> Diagnosis {
    examined(host, &[], since, &|_| ControlFlow::Continue(()))
}

fn missing(diagnosis: &Diagnosis) -> &Finding {
    let mut findings = diagnosis.findings.iter();
    findings
        .find(|finding| finding.id == "client-certificate-missing")
        .unwrap()
}

fn why<'a>(diagnosis: &'a Diagnosis, path: &str) -> (bool, &'a str) {
    let mut sources = diagnosis.sources.iter();
    let source = sources.find(|source| source.path == path).unwrap();
    (source.read, &source.why)
}

#[test]
fn what_was_seen_last_is_told_before_the_rest_is_read() {
    let log =
        refused("2026/11/26 09:00:00") + &ORDINARY.repeat(20_000) + &refused("2026/11/26 11:59:00");
    let host = host().with_file(LOG, log.as_str());
    let heard = RefCell::new(Vec::new());
    let diagnosis = examined(&host, &[], None, &|told| {
        heard.borrow_mut().push(match told {
            Told::Reading { path, done, of } => format!("{path} {done} {of}"),
            Told::Seen { id, .. } => id.to_owned(),
        });
        ControlFlow::Continue(())
    });
    let heard = heard.into_inner();
    let seen = heard
        .iter()
        .position(|words| words == "client-certificate-missing");
    let of_log = heard.iter().filter(|words| words.starts_with(LOG)).count();
    assert!(seen.unwrap() < 5 && of_log > 5, "{heard:?}");
    let last = heard.iter().rfind(|words| words.starts_with(LOG));
    assert_eq!(last, Some(&format!("{LOG} {} {}", log.len(), log.len())));
    let finding = missing(&diagnosis);
    let times = (finding.first.as_deref(), finding.last.as_deref());
    assert_eq!(
        times,
        (Some("2026-11-26T09:00:00Z"), Some("2026-11-26T11:59:00Z"))
    );
    let lines: Vec<_> = finding.evidence.iter().map(|seen| seen.line).collect();
    assert_eq!((finding.count, lines), (2, vec![Some(1), Some(20_002)]));
}

#[test]
fn who_calls_it_off_gets_what_was_found_until_then() {
    let log =
        refused("2026/11/26 09:00:00") + &ORDINARY.repeat(20_000) + &refused("2026/11/26 11:59:00");
    let host = host()
        .with_file(LOG, log)
        .with_file("/etc/nginx/logs/access.log", "x\n");
    let diagnosis = examined(&host, &[], None, &|told| match told {
        Told::Seen { .. } => ControlFlow::Break(()),
        Told::Reading { .. } => ControlFlow::Continue(()),
    });
    let finding = missing(&diagnosis);
    assert_eq!((finding.count, finding.evidence[0].line), (1, None));
    assert!(
        why(&diagnosis, LOG).1.contains("called off"),
        "{:?}",
        diagnosis.sources
    );
    let other = why(&diagnosis, "/etc/nginx/logs/access.log");
    assert!(!other.0 && other.1.contains("called off"), "{other:?}");
}

#[test]
fn what_was_rotated_away_is_read_a_week_back_or_as_far_as_asked() {
    let host = host();
    let put = |path: &str, age: i64, bytes: Vec<u8>| {
        host.set_clock(NOW - age);
        host.put(
            path,
            crate::host::Entry::file(bytes, crate::host::Attributes::root(0o644)),
        );
        host.set_clock(NOW);
    };
    put(LOG, 0, refused("2026/11/26 11:00:00").into());
    put(
        &format!("{LOG}.1"),
        DAY / 4,
        refused("2026/11/26 06:00:00").into(),
    );
    put(
        &format!("{LOG}.2.gz"),
        DAY / 2,
        packed(&(ORDINARY.to_owned() + &refused("2026/11/26 00:00:00"))),
    );
    put(
        &format!("{LOG}.3.gz"),
        8 * DAY,
        packed(&refused("2026/11/18 00:00:00")),
    );
    put(
        &format!("{LOG}.4.gz"),
        9 * DAY,
        packed(&refused("2026/11/17 00:00:00")),
    );
    put(
        "/var/log/nginx/error.log.swp",
        0,
        refused("2026/11/26 11:00:00").into(),
    );
    let diagnosis = quietly(&host, None);
    let finding = missing(&diagnosis);
    let seen: Vec<_> = finding
        .evidence
        .iter()
        .map(|seen| (seen.file.as_str(), seen.line))
        .collect();
    let expected = [
        ("/var/log/nginx/error.log.2.gz", Some(2)),
        ("/var/log/nginx/error.log.1", Some(1)),
        (LOG, Some(1)),
    ];
    assert_eq!((finding.count, &seen[..]), (3, &expected[..]));
    assert_eq!(
        why(&diagnosis, "/var/log/nginx/error.log.2.gz"),
        (true, "2 lines")
    );
    let old = why(&diagnosis, "/var/log/nginx/error.log.3.gz");
    assert!(
        !old.0 && old.1.contains("--since") && old.1.contains("and 1 more"),
        "{old:?}"
    );

    let diagnosis = quietly(&host, Some(NOW - 8 * DAY - DAY / 2));
    let finding = missing(&diagnosis);
    assert_eq!(
        (finding.count, finding.first.as_deref()),
        (4, Some("2026-11-18T00:00:00Z"))
    );
    let diagnosis = quietly(&host, Some(NOW - DAY / 8));
    assert_eq!(missing(&diagnosis).count, 1);
    assert!(!why(&diagnosis, "/var/log/nginx/error.log.1").0);
}

#[test]
fn a_packed_log_that_is_damaged_or_without_end_is_said_to_be() {
    let whole = packed(&refused("2026/11/26 11:00:00").repeat(500));
    let host = host().with_file("/home/me/cut.gz", &whole[..whole.len() - 9]);
    let logs = [PathBuf::from("/home/me/cut.gz")];
    let diagnosis = examined(&host, &logs, None, &|_| ControlFlow::Continue(()));
    let cut = why(&diagnosis, "/home/me/cut.gz");
    assert!(!cut.0 && cut.1.contains("could not be unpacked"), "{cut:?}");
    // What came before the damage counts.
    assert_eq!(missing(&diagnosis).count, 500);

    let bomb = packed(&"x".repeat(8 << 20));
    let host = host.with_file("/home/me/bomb.gz", bomb);
    let mut most = 0;
    let read = forwards_up_to(&host, "/home/me/bomb.gz".as_ref(), 4 << 20, &mut |piece| {
        most = most.max(piece.text.len());
        ControlFlow::Continue(())
    });
    assert_eq!(
        read,
        Ok(Some(
            "no more than 4194304 bytes of what is in it".to_owned()
        ))
    );
    assert!(most <= 2 * LONGEST, "{most}");
}

#[test]
fn a_line_without_end_is_taken_in_parts() {
    let host = host().with_file(LOG, "x".repeat(5 * LONGEST) + "\nlast");
    let (mut most, mut all) = (0, 0);
    let size = 5 * LONGEST as u64 + 5;
    let read = reading::backwards(&host, LOG.as_ref(), size, &mut |piece| {
        most = most.max(piece.text.len());
        all += piece.text.len();
        ControlFlow::Continue(())
    });
    assert_eq!((read, all), (Ok(()), 5 * LONGEST + 5));
    assert!(most <= 2 * LONGEST, "{most}");
    // What is shorter now than it was a moment ago was rotated.
    let read = reading::backwards(&host, LOG.as_ref(), size + 9, &mut |_| {
        ControlFlow::Continue(())
    });
    assert!(read.unwrap_err().contains("rotated"));
}

#[test]
fn lines_before_the_time_asked_for_are_only_counted() {
    let old = refused("2026/11/25 09:00:00").repeat(8_000);
    let host = host().with_file(LOG, old + &refused("2026/11/26 11:00:00"));
    let diagnosis = quietly(&host, Some(NOW - DAY / 4));
    let finding = missing(&diagnosis);
    assert_eq!((finding.count, finding.evidence[0].line), (1, Some(8_001)));
    assert_eq!(why(&diagnosis, LOG), (true, "8001 lines"));
    assert_eq!(finding.first, Some(moment(NOW - 3600)));
}

#[test]
fn logs_of_services_and_what_was_answered_are_read() {
    let answered = "10.0.0.9 - - [26/Nov/2026:11:00:00 +0000] \"POST /f5.nginx.agent.sdk.Commander/\
                    CommandChannel HTTP/2.0\" 502 157 \"-\" \"nginx-agent/v2.46.7\"\n";
    let host = host()
        .with_file(LOG, "")
        .with_file("/etc/nginx/logs/access.log", answered)
        .with_file("/var/log/nms/nms.log", "x\n")
        .with_file("/var/log/nms/nms.txt", "x\n")
        .with_file(
            "/var/log/nginx-manager/manager.log",
            "2026-11-26T11:00:00Z nginx-manager: http: TLS handshake error from 10.0.0.9:4: tls: \
             client didn't provide a certificate\n",
        );
    let diagnosis = quietly(&host, None);
    let ids: Vec<&str> = diagnosis
        .findings
        .iter()
        .map(|found| found.id.as_str())
        .collect();
    for id in ["manager-client-without-certificate", "access-services-down"] {
        assert!(ids.contains(&id), "{ids:?}");
    }
    assert!(why(&diagnosis, "/var/log/nms/nms.log").0);
    let read = |path: &str| diagnosis.sources.iter().any(|source| source.path == path);
    assert!(!read("/var/log/nms/nms.txt"));
}
