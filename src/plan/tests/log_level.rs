//! Which logs are made to tell more, and that nothing else of any file is touched.

use super::Stand;
use super::stand::{changed, text};
use crate::error::Problem;
use crate::plan::{Plan, raised_level};

const NGINX_CONF: &str = "/etc/nginx/nginx.conf";
const CONF: &str = "/etc/nginx/conf.d/nms-http.conf";

fn raised(stand: &Stand) -> Result<Plan, Problem> {
    raised_level(&stand.facts())
}

/// The stock host, with this in place of its `error_log` line.
fn with(line: &str) -> Stand {
    let stand = Stand::stock();
    let before = &stand.files[NGINX_CONF];
    let old = before.lines().find(|line| line.starts_with("error_log"));
    let old = old.unwrap().to_owned();
    stand.edit_file(NGINX_CONF, &old, line)
}

fn line_after(stand: &Stand) -> String {
    let plan = raised(stand).unwrap();
    assert_eq!(changed(&plan), [NGINX_CONF]);
    let (before, after) = (&stand.files[NGINX_CONF], text(&plan, NGINX_CONF));
    let differs: Vec<&str> = after
        .lines()
        .filter(|line| !before.contains(line))
        .collect();
    assert_eq!(differs.len(), 1, "{differs:?}");
    assert!(plan.raises_level());
    differs[0].to_owned()
}

#[test]
fn the_level_alone_is_exchanged_however_the_line_is_written() {
    for (line, then) in [
        (
            "error_log /var/log/e.log;",
            "error_log /var/log/e.log info;",
        ),
        (
            "error_log /var/log/e.log crit;",
            "error_log /var/log/e.log info;",
        ),
        (
            "error_log  \"/var/log/a crit.log\"   crit ; # ours",
            "error_log  \"/var/log/a crit.log\"   info ; # ours",
        ),
        (
            "error_log /var/log/crit crit;",
            "error_log /var/log/crit info;",
        ),
        (
            "error_log /var/log/e.log 'warn';",
            "error_log /var/log/e.log info;",
        ),
        (
            "error_log syslog:server=unix:/dev/log notice;",
            "error_log syslog:server=unix:/dev/log info;",
        ),
    ] {
        assert_eq!(line_after(&with(line)), then);
    }
}

#[test]
fn what_nobody_wrote_is_written_first_in_the_main_file() {
    let line = line_after(&with("# none"));
    assert!(
        line.starts_with("error_log ") && line.ends_with(" info;"),
        "{line}"
    );
}

#[test]
fn where_nothing_is_kept_or_all_is_told_there_is_no_plan() {
    for (line, said) in [
        ("error_log /dev/null;", "/dev/null"),
        (
            "error_log /var/log/e.log info;",
            "tells of refused clients already",
        ),
        (
            "error_log /var/log/e.log debug;",
            "tells of refused clients already",
        ),
    ] {
        let problem = raised(&with(line)).unwrap_err();
        assert!(problem.what.contains(said), "{problem}");
        assert!(problem.remedy.is_some());
    }
    // Beside one that goes nowhere, the other one is raised.
    let both = with("error_log /dev/null; error_log /var/log/e.log;");
    assert_eq!(
        line_after(&both),
        "error_log /dev/null; error_log /var/log/e.log info;"
    );
}

#[test]
fn a_log_of_a_stream_that_ends_tls_is_one_of_them() {
    let stream = "stream {\n    error_log /var/log/stream.log error;\n    server {\n        listen \
                  8443 ssl;\n        proxy_pass 127.0.0.1:9;\n    }\n    server {\n        error_log \
                  /var/log/plain.log error;\n        listen 8444;\n        proxy_pass 127.0.0.1:9;\n    \
                  }\n}\n";
    let stand = with("error_log /var/log/e.log info;");
    let main = stand.files[NGINX_CONF].clone() + stream;
    let stand = stand.with_file(NGINX_CONF, &main);
    assert_eq!(
        line_after(&stand),
        "    error_log /var/log/stream.log info;"
    );
}

#[test]
fn it_is_raised_where_it_is_said_last_and_only_in_an_nginx_that_runs() {
    let own = Stand::stock().edit("server {\n", "server {\n    error_log /var/log/own.log;\n");
    let plan = raised(&own).unwrap();
    assert_eq!(changed(&plan), [CONF]);
    assert!(text(&plan, CONF).contains("error_log /var/log/own.log info;"));
    assert!(raised(&Stand::stock().not_live()).is_err());
    assert!(raised(&Stand::stock().stopped()).is_err());
}
