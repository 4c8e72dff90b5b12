//! Usage reports of NGINX Plus: the lines for each release, and what stands beside them. NGINX Plus
//! itself was never here: the lines are held against what its documentation has of each release.

use std::sync::LazyLock;

use super::Stand;
use super::instance::{answers, facts_of};
use super::stand::text;
use crate::answers::InstanceAnswers;
use crate::error::Problem;
use crate::facts::{Facts, FileFact};
use crate::plan::{Action, Plan, ReachProof, instance};

const NGINX_CONF: &str = "/etc/nginx/nginx.conf";
const CA: &str = "/etc/nms/certs/agent-ca.pem";
pub(super) const R31: &str = "nginx/1.25.3 (nginx-plus-r31-p1)";
pub(super) const R32: &str = "nginx/1.25.5 (nginx-plus-r32)";
pub(super) const R33: &str = "nginx/1.27.2 (nginx-plus-r33-p2)";
/// A release of after the numbers.
const PLS: &str = "nginx/1.29.8 (nginx-plus-pls.37.0.1)";

/// What the documentation has of the block: before R33, and from R33 on.
const BEFORE: &str = "usage_report resolver resolver_timeout connect_timeout read_timeout \
    send_timeout ssl ssl_name ssl_server_name ssl_certificate ssl_certificate_key \
    ssl_password_file ssl_protocols ssl_ciphers ssl_verify ssl_verify_depth \
    ssl_trusted_certificate ssl_crl uuid_file";
const SINCE: &str = "usage_report resolver license_token enforce_initial_report state_path \
    ssl_verify ssl_trusted_certificate ssl_crl";

/// As the vendor's script appends it.
pub(super) const VENDORS: &str =
    "mgmt {\n  usage_report endpoint=127.0.0.1 interval=30m;\n  ssl_verify off;\n}\n";

pub(super) static APPLIED: LazyLock<Stand> = LazyLock::new(|| Stand::stock().applied());

pub(super) fn stand(version: &str) -> Stand {
    APPLIED.clone().with_version(version)
}

/// With this behind nginx.conf.
pub(super) fn with(version: &str, block: &str) -> Stand {
    let stand = stand(version);
    let text = stand.files[NGINX_CONF].clone() + block;
    stand.with_file(NGINX_CONF, &text)
}

pub(super) fn wanted(block: &str) -> InstanceAnswers {
    answers(|text| text.replace("nginx-oss", "nginx-plus") + block)
}

pub(super) fn verified() -> InstanceAnswers {
    wanted("usage_reporting: {endpoint: nim.example.com}\n")
}

fn unverified() -> InstanceAnswers {
    wanted("usage_reporting: {verify: false}\n")
}

pub(super) fn plan(stand: &Stand, answers: &InstanceAnswers) -> Plan {
    instance::plan(&facts_of(stand), answers).unwrap_or_else(|problem| panic!("{problem}"))
}

pub(super) fn refused(facts: &Facts, answers: &InstanceAnswers) -> Problem {
    let problem = instance::plan(facts, answers).expect_err("this was to be refused");
    assert!(problem.remedy.is_some(), "{problem}");
    problem
}

/// What nginx.conf holds beside what it held without a block.
pub(super) fn block_of(plan: &Plan) -> String {
    let before = &APPLIED.files[NGINX_CONF];
    let text = text(plan, NGINX_CONF);
    text.strip_prefix(before.as_str())
        .unwrap_or_else(|| panic!("something else was changed:\n{text}"))
        .to_owned()
}

pub(super) fn proof(plan: &Plan) -> &ReachProof {
    match plan.steps.last().map(|step| &step.action) {
        Some(Action::Reach(proof)) => proof,
        other => panic!("{other:?}"),
    }
}

fn again(stand: &Stand, answers: &InstanceAnswers) -> String {
    let first = plan(stand, answers);
    let after = stand
        .clone()
        .with_file(NGINX_CONF, text(&first, NGINX_CONF));
    let second = plan(&after, answers);
    let changed = second.changed_files();
    let changed: Vec<&str> = changed.map(|file| file.path.as_str()).collect();
    assert!(!changed.contains(&NGINX_CONF), "twice is as once");
    text(&first, NGINX_CONF).to_owned()
}

#[test]
fn a_new_block_has_lines_that_every_release_knows() {
    for version in [R31, R32, R33, PLS] {
        let plan = plan(&stand(version), &verified());
        let block = block_of(&plan);
        assert_eq!(
            block,
            format!(
                "\nmgmt {{\n    usage_report endpoint=nim.example.com;\n    ssl_verify on;\n    \
                 ssl_trusted_certificate {CA};\n}}\n"
            )
        );
        for line in block.lines().filter_map(|line| line.strip_prefix("    ")) {
            let name = line.split(' ').next().unwrap();
            for known in [BEFORE, SINCE] {
                assert!(known.split_whitespace().any(|one| one == name), "{name}");
            }
        }
        again(&stand(version), &verified());
    }
}

#[test]
fn every_line_has_its_reason() {
    for answers in [verified(), unverified()] {
        let plan = plan(&stand(R33), &answers);
        let file = super::stand::file(&plan, NGINX_CONF);
        let lines = block_of(&plan).lines().count() - 1;
        assert_eq!(file.reasons.len(), lines, "{:?}", file.reasons);
        for (_, why) in &file.reasons {
            assert_ne!(crate::preview::explained(why), why.id, "this has no words");
        }
    }
}

#[test]
fn the_vendors_block_is_merged_and_nothing_else_is_touched() {
    let stand = with(R33, VENDORS);
    let block = block_of(&plan(&stand, &verified()));
    assert_eq!(
        block,
        format!(
            "mgmt {{\n  usage_report endpoint=nim.example.com interval=30m;\n  ssl_verify on;\n  \
             ssl_trusted_certificate {CA};\n}}\n"
        )
    );
    again(&stand, &verified());
    let one_line = "mgmt { usage_report interval=1h; license_token /x.jwt; } # ours\n";
    let block = block_of(&plan(&with(R33, one_line), &verified()));
    assert!(
        block.starts_with("mgmt { usage_report interval=1h endpoint=nim.example.com; ")
            && block.ends_with("license_token /x.jwt; } # ours\n"),
        "{block}"
    );
    again(&with(R33, one_line), &verified());
}

#[test]
fn blanks_line_ends_comments_and_quotes_stay() {
    let tabs = "mgmt {\r\n\tusage_report\tinterval=2h \"endpoint=10.0.0.1\";\t# why\r\n\t# \
                resolver 10.0.0.2;\r\n\tssl_verify\ton;\r\n}\r\n";
    let before = APPLIED.files[NGINX_CONF].replace('\n', "\r\n");
    let stand = stand(R32).with_file(NGINX_CONF, &(before.clone() + tabs));
    let found = again(&stand, &verified());
    assert_eq!(
        found.strip_prefix(&before).unwrap(),
        format!(
            "mgmt {{\r\n\tusage_report\tinterval=2h \"endpoint=nim.example.com\";\t# why\r\n\t# \
             resolver 10.0.0.2;\r\n\tssl_verify\ton;\r\n\tssl_trusted_certificate {CA};\r\n}}\r\n"
        )
    );
}

#[test]
fn a_block_in_a_file_that_is_read_once_is_edited_there() {
    let stand =
        with(R33, "include /etc/nginx/mgmt.main;\n").with_file("/etc/nginx/mgmt.main", VENDORS);
    let plan = plan(&stand, &verified());
    assert!(text(&plan, "/etc/nginx/mgmt.main").contains("endpoint=nim.example.com interval=30m"));
    assert!(
        plan.files
            .iter()
            .all(|file| file.path.as_str() != NGINX_CONF)
    );

    let twice = with(R33, "include /etc/nginx/mgmt.main;\n")
        .with_file(
            "/etc/nginx/mgmt.main",
            "mgmt { include /etc/nginx/two; include /etc/nginx/two; }\n",
        )
        .with_file("/etc/nginx/two", "ssl_verify off;\n");
    let problem = refused(&facts_of(&twice), &verified());
    assert!(
        problem.what.contains("is included more than once"),
        "{problem}"
    );
}

#[test]
fn what_would_make_every_report_fail_gives_way() {
    let block = "mgmt {\n  ssl off;\n  ssl_name manager-server;\n  ssl_verify_depth 0;\n  \
                 ssl_server_name on;\n}\n";
    let stand = with(R32, block);
    let plan = plan(&stand, &verified());
    assert_eq!(
        block_of(&plan),
        format!(
            "mgmt {{\n  usage_report endpoint=nim.example.com;\n  ssl_verify on;\n  \
             ssl_trusted_certificate {CA};\n  ssl on;\n  ssl_verify_depth 1;\n  ssl_server_name \
             on;\n}}\n"
        )
    );
    assert!(
        plan.notes
            .iter()
            .any(|note| note.contains("for manager-server")),
        "{:?}",
        plan.notes
    );
    // The one that is meant may stay.
    let right = with(R33, "mgmt {\n  ssl_name nim.example.com;\n}\n");
    assert!(again(&right, &verified()).contains("ssl_name nim.example.com;"));
}

#[test]
fn not_verified_is_said_in_the_file_and_before_all_else() {
    let plan = plan(&stand(R33), &unverified());
    let comment = "# nim-tls: NOT VERIFIED, as usage_reporting.verify is false";
    assert_eq!(
        block_of(&plan),
        format!(
            "\nmgmt {{\n    usage_report endpoint=nim.example.com;\n    {comment}\n    ssl_verify \
             off;\n}}\n"
        )
    );
    assert!(
        plan.notes[0].starts_with("NOT VERIFIED"),
        "{:?}",
        plan.notes
    );
    assert_eq!(plan.defaults["usage_reporting.endpoint"], "nim.example.com");
    let reports = proof(&plan).reports.as_ref().unwrap();
    assert_eq!(reports.ca, None);

    for block in [VENDORS, "mgmt { ssl_verify on; }\n", "mgmt {}\n"] {
        let stand = with(R33, block);
        let off = again(&stand, &unverified());
        assert_eq!(off.matches(comment).count(), 1, "{off}");
        assert!(off.contains("ssl_verify off;"), "{off}");
        // And back: the comment goes with what it is about.
        let on = again(&stand.with_file(NGINX_CONF, &off), &verified());
        assert!(
            !on.contains("NOT VERIFIED") && on.contains("ssl_verify on;"),
            "{on}"
        );
    }
}

#[test]
fn nginx_is_tested_and_reloaded_and_what_is_proven_is_what_nginx_sees() {
    for (version, block, says_name) in [
        (R33, "", true),
        (R32, "", false),
        (R32, "mgmt { ssl_server_name on; }\n", true),
    ] {
        let plan = plan(&with(version, block), &verified());
        let steps: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
        let all = ["fetch", "test", "place", "reload", "restart", "prove"];
        assert_eq!(steps, all);
        let reports = proof(&plan).reports.as_ref().unwrap();
        assert_eq!(reports.ca.as_ref().unwrap().as_str(), CA);
        assert_eq!((reports.port.number(), reports.says_name), (443, says_name));
    }
}

#[test]
fn an_agent_that_has_nothing_new_to_read_is_left_alone() {
    let whole = |block: &str| plan(&stand(R33), &wanted(block));
    assert!(
        whole("").steps.iter().all(|step| step.id != "reload"),
        "nothing was asked for"
    );
    let mut facts = facts_of(&stand(R33));
    let first = instance::plan(&facts, &verified()).unwrap();
    for file in first
        .changed_files()
        .filter(|file| file.path.as_str() != NGINX_CONF)
    {
        let from = match file.path.as_str().rsplit('/').next().unwrap() {
            "agent-ca.pem" => "/var/lib/nim-tls/issued/web-1.example.com/ca.pem".to_owned(),
            name => format!("/var/lib/nim-tls/issued/web-1.example.com/{name}"),
        };
        if let crate::plan::Content::Text(text) = &file.content
            && from.ends_with("agent.conf")
        {
            facts.agent_setup.file = crate::facts::Known::Is(crate::facts::AgentFile {
                path: file.path.clone(),
                text: text.clone(),
            });
            continue;
        }
        let FileFact::File(mut found) = facts.file(&from.parse().unwrap()).clone() else {
            panic!("{from}")
        };
        (found.ours, found.mode) = (true, file.mode);
        facts.files.insert(file.path.clone(), FileFact::File(found));
    }
    let plan = instance::plan(&facts, &verified()).unwrap();
    let steps: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(steps, ["test", "place", "reload", "prove"]);
    assert!(proof(&plan).agent, "it has to be connected all the same");
}
