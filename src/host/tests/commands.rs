//! Programs: their session, their limits, what they see.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::super::machine::Host;
use super::super::{Command, HostError, Signal};
use super::{done, folder, live, sh};

#[test]
fn a_program_has_no_input_no_terminal_and_a_session_of_its_own() {
    assert_eq!(
        done("read line || echo end of input", &[]),
        "end of input\n"
    );
    assert_eq!(sh("tty", &[]).out(), "not a tty\n");
    let output = sh("exec 3</dev/tty", &[]);
    assert!(
        output.err().contains("No such device or address"),
        "{}",
        output.err()
    );
    // Process, group and session in /proc/PID/stat: all the same, and not ours.
    let line = done("cat /proc/$$/stat", &[]);
    let fields: Vec<&str> = line.split(' ').collect();
    assert_eq!((fields[0], fields[0]), (fields[4], fields[5]), "{line}");
}

#[test]
fn what_a_marked_program_leaves_running_is_found_by_its_mark() {
    let mark = format!("/x/runs/{}", std::process::id());
    let script = "setsid sleep 30 </dev/null >/dev/null 2>&1 & echo started";
    let command = Command::new("/bin/sh", &["-c", script]).marked(mark.as_str());
    assert_eq!(live().run(&command).expect("run").out(), "started\n");
    let found = live().marked(&mark).expect("processes");
    assert_eq!(found.len(), 1, "{found:?}");
    live().signal(&found[0], Signal::Kill).expect("it is there");
    let deadline = Instant::now() + Duration::from_secs(5);
    while !live().marked(&mark).expect("processes").is_empty() {
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(
        live()
            .marked("/x/runs/other")
            .expect("processes")
            .is_empty()
    );
}

#[test]
fn a_program_sees_the_same_environment_wherever_it_is_started() {
    let home = std::env::var("HOME").unwrap_or_else(|_| "/".to_owned());
    let output = live().run(&Command::new("env", &[])).expect("run").out();
    let mut lines: Vec<&str> = output.lines().collect();
    lines.sort_unstable();
    let home = format!("HOME={home}");
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    assert_eq!(
        lines,
        [home.as_str(), "LANG=C", "LC_ALL=C", path, "TERM=dumb"]
    );
    assert_eq!(
        live().run(&Command::new("pwd", &[])).expect("run").out(),
        "/\n"
    );
}

#[test]
fn both_outputs_and_the_code_come_back_and_a_signal_is_no_code() {
    let output = sh("echo out; echo err >&2; exit 7", &[]);
    assert_eq!(
        (output.out(), output.err()),
        ("out\n".to_owned(), "err\n".to_owned())
    );
    assert_eq!(
        (output.code, output.timed_out, output.success()),
        (Some(7), false, false)
    );
    let output = sh("kill -TERM $$", &[]);
    assert_eq!((output.code, output.timed_out), (None, false));
}

#[test]
fn the_time_limit_ends_grandchildren_too() {
    let (_guard, folder) = folder();
    let pids = folder.join("pids");
    let script = "sh -c 'echo $$ >> \"$1\"; sleep 60' sh \"$1\" & \
                  echo $$ >> \"$1\"; trap '' TERM; echo begun; wait; sleep 60";
    let args = ["-c", script, "sh", pids.to_str().expect("UTF-8")];
    let start = Instant::now();
    let command = Command::new("/bin/sh", &args).timeout(Duration::from_millis(1500));
    let output = live().run(&command).expect("run");
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(
        (output.timed_out, output.code, output.out()),
        (true, None, "begun\n".to_owned())
    );
    let pids = fs::read_to_string(pids).expect("written");
    assert_eq!(pids.lines().count(), 2, "{pids}");
    let deadline = Instant::now() + Duration::from_secs(5);
    let running =
        |pid: &str| {
            live().processes().expect("listed").iter().any(|process| {
                process.pid.to_string() == pid && !process.exe.as_os_str().is_empty()
            })
        };
    for pid in pids.lines() {
        while running(pid) {
            assert!(Instant::now() < deadline, "process {pid} lives on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_daemon_that_keeps_the_output_open_does_not_hold_us() {
    let start = Instant::now();
    let output = sh("sleep 60 & echo $!", &[]);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(output.success());
    done(&format!("kill {}", output.out().trim()), &[]);
}

#[test]
fn output_is_bounded() {
    let start = Instant::now();
    let error = live()
        .run(&Command::new("cat", &["/dev/zero"]))
        .expect_err("without end");
    assert_eq!(error.to_string(), "cat /dev/zero: wrote more than 64 MiB");
    assert!(start.elapsed() < Duration::from_secs(30));
    let output = sh(
        "head -c 67108864 /dev/zero; head -c 3000000 /dev/zero >&2",
        &[],
    );
    assert!(output.success());
    assert_eq!(
        (output.stdout.len(), output.stderr.len()),
        (64 << 20, 1 << 20)
    );
}

#[test]
fn a_program_may_be_a_name_a_path_or_a_running_executable_that_was_deleted() {
    let (_guard, folder) = folder();
    let sleeper = folder.join("sleeper");
    done("cp \"$(command -v sleep)\" \"$1\"", &[&sleeper]);
    let pid = done("\"$1\" 60 >/dev/null 2>&1 & echo $!", &[&sleeper]);
    let pid = pid.trim();
    let exe = format!("/proc/{pid}/exe");
    let found = || {
        let all = live().processes().expect("listed");
        all.into_iter()
            .find(|process| process.pid.to_string() == pid)
            .expect("it runs")
    };
    // It runs what it was forked from until it has become the program.
    let deadline = Instant::now() + Duration::from_secs(5);
    while found().exe != sleeper {
        assert!(Instant::now() < deadline, "{:?}", found());
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!found().exe_deleted);
    fs::remove_file(&sleeper).expect("removed");
    assert_eq!((found().exe, found().exe_deleted), (sleeper, true));
    let output = live()
        .run(&Command::new(&exe, &["--version"]))
        .expect("run");
    assert!(
        output.out().starts_with("sleep (GNU coreutils)"),
        "{}",
        output.out()
    );
    assert!(
        live()
            .read(Path::new(&exe), 10 << 20)
            .expect("read")
            .starts_with(b"\x7fELF")
    );
    done(&format!("kill {pid}"), &[]);

    for (program, why) in [
        ("nim-tls-no-such", "there is no such program on this host"),
        ("/no/such", "No such file or directory"),
        ("/etc/passwd", "Permission denied"),
    ] {
        match live().run(&Command::new(program, &[])) {
            Err(HostError::Command {
                command,
                why: found,
            }) => {
                assert_eq!(command, program);
                assert!(found.starts_with(why), "{found}");
            }
            other => panic!("{program}: {other:?}"),
        }
    }
    assert!(
        live()
            .find("sh")
            .is_some_and(|path| path.is_absolute() && path.ends_with("sh"))
    );
    assert_eq!(live().find("nim-tls-no-such"), None);
}

#[test]
fn a_command_reads_as_a_shell_would_take_it() {
    let command = Command::new("/bin/echo", &["plain", "two words", "it's", "", "$HOME;x"]);
    let text = command.to_string();
    assert_eq!(text, r"/bin/echo plain 'two words' 'it'\''s' '' '$HOME;x'");
    assert_eq!(done(&text, &[]), live().run(&command).expect("run").out());
}
