//! The real binary, as far as it needs neither root nor nginx.

use std::path::Path;
use std::process::{Command, Output};

fn nim_tls(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nim-tls"))
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Plans for the sample host with these answers.
fn plan_with(answers: &Path, more: &[&str]) -> Output {
    let answers = answers.to_string_lossy();
    let mut args = vec![
        "plan",
        "--root",
        "assets/sample-host",
        "--answers",
        &answers,
    ];
    args.extend(more);
    nim_tls(&args)
}

#[test]
fn help_lists_the_commands_that_exist_and_no_others() {
    let help = text(&nim_tls(&["--help"]).stdout);
    let listed: Vec<&str> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .filter(|word| word.chars().all(|c| c.is_ascii_lowercase()))
        .collect();
    for command in [
        "demo", "methods", "check", "plan", "apply", "watch", "history", "rollback", "verify",
    ] {
        assert!(listed.contains(&command), "{command} is missing in\n{help}");
    }
    assert!(!help.contains("__"), "{help}");
    let demo = text(&nim_tls(&["demo", "--help"]).stdout);
    for word in ["Simulated:", "without effect", "limit_req*"] {
        assert!(demo.contains(word), "{demo}");
    }
    let refused = nim_tls(&["demo", "--root", "/"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("takes no --root"));
    for word in ["--host", "--lesson", "--autoplay", "--list"] {
        assert!(!demo.contains(word), "{demo}");
    }
}

/// Red where all of them are named: to find the place of each, the file is read again.
#[test]
fn of_very_many_faults_the_first_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("answers.yaml");
    let sample = std::fs::read_to_string("assets/sample-answers.yaml").unwrap();
    let (head, rest) = sample.split_once("agents:").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    let agents = "web-1.example.com, ".repeat(30_000);
    std::fs::write(&file, format!("{head}agents: [{agents}]\n{rest}")).unwrap();
    let output = plan_with(&file, &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.lines().count() < 20, "{said}");
    assert!(
        said.contains("agents[1] (line ") && said.contains("and 29987 more"),
        "{said}"
    );
}

#[test]
fn wrong_usage_exits_2() {
    for args in [&["plan"][..], &["nonsense"], &["plan", "--answers"], &[]] {
        let output = nim_tls(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            !output.stderr.is_empty() && output.stdout.is_empty(),
            "{args:?}"
        );
    }
}

#[test]
fn the_sample_host_can_be_planned_for_and_the_plan_is_the_same_twice() {
    let answers = Path::new("assets/sample-answers.yaml");
    let output = plan_with(answers, &["--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], 1);
    assert!(
        document["steps"]
            .as_array()
            .unwrap()
            .iter()
            .all(|step| step["why"].is_string())
    );
    let files = document["files"].as_array().unwrap();
    let sensitive = files.iter().filter(|file| file["sensitive"] == true);
    assert!(sensitive.clone().count() > 0);
    assert!(sensitive.clone().all(|file| file["diff"].is_null()));
    assert!(!text(&output.stdout).contains("PRIVATE KEY"));
    assert_eq!(
        output.stdout,
        plan_with(answers, &["--format", "json"]).stdout
    );
}

#[test]
fn answers_that_cannot_be_read_are_named_and_exit_2() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let huge = folder.path().join("huge.yaml");
    std::fs::File::create(&huge)
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    let cases = [
        file("unknown.yaml", b"version: 1\ncolour: red\n"),
        file("random.yaml", &[0xff, 0x00, 0xfe, 0x80]),
        huge,
        folder.path().to_owned(),
        folder.path().join("not-there.yaml"),
    ];
    for answers in &cases {
        let output = plan_with(answers, &[]);
        let said = text(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{}: {said}",
            answers.display()
        );
        assert!(said.starts_with("nim-tls: "), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn an_error_is_one_json_document_too() {
    for args in [
        &["plan", "--answers", "/nowhere.yaml", "--format", "json"][..],
        &["plan", "--format=json"],
        &["nonsense", "--format", "json"],
        &["history", "--root", "/nowhere", "--format", "json"],
    ] {
        let output = nim_tls(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["schema"], 1, "{args:?}");
        assert!(
            !document["problem"].as_str().unwrap().is_empty(),
            "{args:?}"
        );
        assert!(!output.stderr.is_empty());
    }
}

#[test]
fn a_result_that_cannot_be_written_is_told_and_a_reader_that_left_is_not() {
    let to = |stdout: std::process::Stdio| {
        Command::new(env!("CARGO_BIN_EXE_nim-tls"))
            .args(["methods", "--root", "assets/sample-host"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdout(stdout)
            .output()
            .unwrap()
    };
    #[expect(clippy::disallowed_methods, reason = "a test opens what it needs")]
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = to(full.into());
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("could not be written to standard output"),
        "{said}"
    );

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = to(writer.into());
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

#[test]
fn text_fits_80_columns_but_for_differences_and_commands() {
    let answers = Path::new("assets/sample-answers.yaml");
    let plan = text(&plan_with(answers, &[]).stdout);
    assert!(!plan.contains("left alone"), "{plan}");
    let methods = text(&nim_tls(&["methods", "--root", "assets/sample-host"]).stdout);
    let check = text(&nim_tls(&["check", "--root", "assets/sample-host"]).stdout);
    for line in [plan, methods, check].iter().flat_map(|text| text.lines()) {
        let of_diff =
            line.starts_with(['+', '-', '@']) || line.starts_with(' ') && !line.starts_with("  ");
        let is_free = of_diff || line.trim_start().starts_with("do: ") || line.starts_with("     ");
        assert!(is_free || line.chars().count() <= 80, "{line}");
    }
}
