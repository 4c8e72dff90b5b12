//! The journal of systemd, as a stand-in of `journalctl` tells it to a host in memory.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use super::super::{Diagnosis, Severity, Source, Told, examine, tail_of_journal};
use super::{NOW, looked, request};
use crate::host::{Command, Memory, Output};
use crate::values::Attributes;

const LOG: &str = "/var/log/nginx/error.log";
const SOURCE: &str = "journal of nginx.service";
const TAKEN: &str = "bind() to 0.0.0.0:443 failed (98: Address already in use)";

const BUILD: &str = "nginx version: nginx/1.28.0\nconfigure arguments: --prefix=/etc/nginx \
                     --conf-path=/etc/nginx/nginx.conf --error-log-path=/var/log/nginx/error.log\n";

type Asked = Arc<Mutex<Vec<Vec<String>>>>;

/// A host with nginx as a unit, and what it was asked.
fn host(journal: impl Fn(&Memory, &Command) -> Output + Send + Sync + 'static) -> (Memory, Asked) {
    let asked = Asked::default();
    let kept = Arc::clone(&asked);
    let machine = Memory::new()
        .with_file(
            "/etc/nginx/nginx.conf",
            format!("error_log {LOG};\nevents {{}}\nhttp {{}}\n"),
        )
        .with_file("/run/systemd/system/x", "")
        .with_program("/usr/sbin/nginx")
        .with_program("/usr/bin/systemctl")
        .with_program("/usr/bin/journalctl")
        .answering(move |machine, command| {
            let name = command.program.file_name()?.to_str()?;
            match name {
                "nginx" if command.args == ["-V"] => Some(Output {
                    code: Some(0),
                    stderr: BUILD.into(),
                    ..Output::default()
                }),
                "systemctl" => Some(units(command)),
                "journalctl" => {
                    kept.lock().unwrap().push(command.args.clone());
                    Some(journal(machine, command))
                }
                _ => None,
            }
        });
    machine.set_clock(NOW);
    (machine, asked)
}

fn units(command: &Command) -> Output {
    let names = command.args.iter().filter(|arg| !arg.starts_with('-'));
    let names = names.skip_while(|name| *name == "show");
    let said: Vec<_> = names
        .map(|name| match name.as_str() {
            "nginx" => "LoadState=loaded\nActiveState=active\n",
            _ => "LoadState=not-found\nActiveState=inactive\n",
        })
        .collect();
    said_well(&said.join("\n"))
}

fn said_well(text: &str) -> Output {
    Output {
        code: Some(0),
        stdout: text.into(),
        ..Output::default()
    }
}

/// An entry of so many seconds ago. `message`: as JSON.
fn entry(ago: i64, pid: u32, message: &str) -> String {
    format!(
        "{{\"__CURSOR\":\"s=1;i={ago}\",\"__REALTIME_TIMESTAMP\":\"{}\",\"_PID\":\"{pid}\",\
         \"SYSLOG_IDENTIFIER\":\"nginx\",\"MESSAGE\":{message},\"PRIORITY\":\"6\"}}\n",
        (NOW - ago) * 1_000_000
    )
}

fn emerg(ago: i64) -> String {
    entry(ago, 812, &format!("\"nginx: [emerg] {TAKEN}\""))
}

fn examined(host: &Memory, since: Option<i64>) -> Diagnosis {
    let facts = looked(host);
    examine(host, &facts, &request(host, &[], since), &|_| {
        ControlFlow::Continue(())
    })
}

fn source<'a>(diagnosis: &'a Diagnosis, path: &str) -> Option<&'a Source> {
    diagnosis.sources.iter().find(|source| source.path == path)
}

fn count(diagnosis: &Diagnosis) -> u64 {
    let mut found = diagnosis.findings.iter();
    found
        .find(|finding| finding.id == "port-taken")
        .map_or(0, |finding| finding.count)
}

#[test]
fn lines_of_the_journal_are_evidence_without_a_number() {
    let (host, asked) = host(|_, _| said_well(&emerg(60)));
    let diagnosis = examined(&host, None);
    let taken = &diagnosis.findings[0];
    assert_eq!(
        (taken.id.as_str(), taken.severity),
        ("port-taken", Severity::Error)
    );
    let seen = &taken.evidence[0];
    assert_eq!((seen.file.as_str(), seen.line), (SOURCE, None));
    assert_eq!(
        seen.text,
        format!("2026-11-26T11:59:00Z nginx[812]: nginx: [emerg] {TAKEN}")
    );
    let read = source(&diagnosis, SOURCE).unwrap();
    assert_eq!((read.read, read.why.as_str()), (true, "1 lines"));
    let week = format!("--since=@{}", NOW - 7 * 24 * 60 * 60);
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    for word in [
        "--unit=nginx.service",
        "--reverse",
        "--output=json",
        "--no-pager",
        &week,
    ] {
        assert!(asked[0].iter().any(|arg| arg == word), "{word}: {asked:?}");
    }
}

/// A text that cannot be printed comes as numbers, one of several lines is as many, and what no
/// text is is none.
#[test]
fn messages_of_every_form_are_read() {
    let bytes: Vec<String> = format!("\u{1b}[31m{TAKEN} [emerg]")
        .bytes()
        .map(|byte| byte.to_string())
        .collect();
    let said = [
        entry(10, 1, &format!("[{}]", bytes.join(","))),
        entry(20, 1, &format!("\"first\\n[emerg] {TAKEN}\\nthird\"")),
        entry(30, 1, "null"),
        entry(40, 1, "[\"one\", \"two\"]"),
        "no JSON\n".to_owned(),
        emerg(50),
    ];
    let said = said.concat();
    let (host, _) = host(move |_, _| said_well(&said));
    let diagnosis = examined(&host, None);
    assert_eq!(count(&diagnosis), 3);
    assert_eq!(source(&diagnosis, SOURCE).unwrap().why, "5 lines");
}

#[test]
fn pieces_follow_each_other_until_what_was_asked_for_is_there() {
    let since = NOW - 700;
    let (host, asked) = host(|_, command| {
        let from = command
            .args
            .iter()
            .find_map(|arg| arg.strip_prefix("--after-cursor=s=1;i="));
        let from: i64 = from.map_or(0, |from| from.parse().unwrap());
        // It need not keep to the time once it has a cursor.
        said_well(&(from + 1..=from + 500).map(emerg).collect::<String>())
    });
    let diagnosis = examined(&host, Some(since));
    assert_eq!(count(&diagnosis), 700);
    let asked = asked.lock().unwrap();
    let from = |at: usize| {
        asked[at]
            .iter()
            .filter(|arg| arg.starts_with("--since") || arg.starts_with("--after"))
    };
    assert_eq!(from(0).collect::<Vec<_>>(), [&format!("--since=@{since}")]);
    assert_eq!(from(1).collect::<Vec<_>>(), ["--after-cursor=s=1;i=500"]);
    assert_eq!(asked.len(), 2);
}

#[test]
fn a_journal_without_an_end_is_left_after_a_while_and_so_is_a_slow_one() {
    let endless = |seconds: u64| {
        host(move |machine, _| {
            machine.advance(std::time::Duration::from_secs(seconds));
            said_well(&(1..=500).map(emerg).collect::<String>())
        })
        .0
    };
    let why = |host: &Memory| source(&examined(host, None), SOURCE).unwrap().why.clone();
    assert_eq!(
        why(&endless(0)),
        "20000 lines: no more than 20000 entries of one unit"
    );
    assert_eq!(why(&endless(20)), "1000 lines: what could be read in 30 s");
}

#[test]
fn why_it_was_not_read_is_told() {
    let failed = |code, timed_out, err: &str| Output {
        code,
        timed_out,
        stderr: err.into(),
        ..Output::default()
    };
    for (output, why) in [
        (
            failed(
                Some(1),
                false,
                "Hint: You are currently not seeing messages from other users and the system.\n",
            ),
            "only root and members of the group systemd-journal may read it",
        ),
        (
            failed(
                Some(1),
                false,
                "No journal files were opened due to insufficient permissions.\n",
            ),
            "only root and members of the group systemd-journal may read it",
        ),
        (
            failed(Some(1), false, "Failed to open: x\n"),
            "journalctl said: Failed to open: x",
        ),
        (
            failed(Some(0), false, "No journal files were found.\n"),
            "journalctl said: No journal files were found.",
        ),
        (failed(None, true, ""), "journalctl did not end within 10 s"),
    ] {
        let (host, _) = host(move |_, _| output.clone());
        let diagnosis = examined(&host, None);
        let found = source(&diagnosis, SOURCE).unwrap();
        assert_eq!((found.read, found.why.as_str()), (false, why));
    }
    let (host, _) = host(|_, _| said_well(""));
    host.take_away("/usr/bin/journalctl");
    let diagnosis = examined(&host, None);
    let found = source(&diagnosis, "journal").unwrap();
    assert_eq!(
        (found.read, found.why.as_str()),
        (false, "journalctl is not installed")
    );
}

/// What was read before counts.
#[test]
fn one_that_hangs_halfway_is_read_halfway() {
    let (host, _) = host(|_, command| {
        if command.args.iter().any(|arg| arg.starts_with("--after")) {
            return Output {
                timed_out: true,
                ..Output::default()
            };
        }
        said_well(&(1..=500).map(emerg).collect::<String>())
    });
    let diagnosis = examined(&host, None);
    assert_eq!(count(&diagnosis), 500);
    let found = source(&diagnosis, SOURCE).unwrap();
    assert_eq!(found.why, "500 lines: journalctl did not end within 10 s");
}

#[test]
fn whoever_calls_it_off_is_heard_between_two_pieces() {
    let (host, asked) = host(|_, _| said_well(&(1..=500).map(emerg).collect::<String>()));
    let facts = looked(&host);
    let diagnosis = examine(
        &host,
        &facts,
        &request(&host, &[], None),
        &|told| match told {
            Told::Seen { .. } => ControlFlow::Break(()),
            Told::Reading { .. } => ControlFlow::Continue(()),
        },
    );
    assert_eq!((count(&diagnosis), asked.lock().unwrap().len()), (500, 1));
    let found = source(&diagnosis, SOURCE).unwrap();
    assert!(found.read && found.why.contains("called off"), "{found:?}");
}

#[test]
fn what_stands_in_the_log_of_the_program_is_told_once() {
    let (host, asked) = host(|_, command| {
        let since = command
            .args
            .iter()
            .find_map(|arg| arg.strip_prefix("--since=@"));
        let since: i64 = since.unwrap().parse().unwrap();
        let said = [30, 300, 400].map(|ago| (ago, emerg(ago)));
        let said = said.iter().filter(|(ago, _)| NOW - ago >= since);
        said_well(&said.map(|(_, entry)| entry.as_str()).collect::<String>())
    });
    host.set_clock(NOW - 300);
    let log = format!("2026/11/26 11:55:00 [emerg] 9#9: {TAKEN}\n");
    host.put(LOG, crate::host::Entry::file(log, Attributes::root(0o644)));
    let diagnosis = examined(&host, None);
    assert_eq!(count(&diagnosis), 2);
    let found = source(&diagnosis, SOURCE).unwrap();
    assert_eq!(found.why, "1 lines that are not in its own log");
    let since = format!("--since=@{}", NOW - 300);
    assert!(asked.lock().unwrap()[0].contains(&since), "{asked:?}");
}

#[test]
fn what_nginx_writes_to_standard_error_is_read_there() {
    let (host, _) = host(|_, _| said_well(&emerg(60)));
    let config = "error_log stderr;\nevents {}\nhttp {}\n";
    host.put(
        "/etc/nginx/nginx.conf",
        crate::host::Entry::file(config, Attributes::root(0o644)),
    );
    let diagnosis = examined(&host, None);
    assert_eq!((count(&diagnosis), source(&diagnosis, "stderr")), (1, None));
    host.take_away("/usr/bin/journalctl");
    let diagnosis = examined(&host, None);
    assert!(source(&diagnosis, "stderr").is_some_and(|source| !source.read));
}

#[test]
fn the_end_of_the_journal_is_whole_lines() {
    let (host, _) = host(|_, _| said_well(&[emerg(60), emerg(70)].concat()));
    let whole = tail_of_journal(&host, SOURCE, 1000).unwrap().unwrap();
    let text = String::from_utf8(whole.text).unwrap();
    assert_eq!((text.lines().count(), whole.cut), (2, None));
    let end = tail_of_journal(&host, SOURCE, text.len() - 1)
        .unwrap()
        .unwrap();
    let last = text.lines().last().unwrap();
    assert_eq!(String::from_utf8(end.text).unwrap(), format!("{last}\n"));
    assert!(last.starts_with("2026-11-26T11:59:00Z") && end.cut.is_some());
    assert!(tail_of_journal(&host, LOG, 1000).is_none());
}
