//! Usage reports of NGINX Plus: where they go, what is said of them, and who cannot send any.

use super::Stand;
use super::instance::{answers, facts_of};
use super::usage::*;
use crate::answers::{Goal, read};
use crate::facts::FileFact;
use crate::plan::{instance, live_only, unverified_reports};

#[test]
fn another_port_of_the_manager_is_where_reports_go_too() {
    let answers = wanted("usage_reporting: {}\nports: {grpc: 8443}\n");
    let plan = plan(&stand(R33), &answers);
    assert!(block_of(&plan).contains("endpoint=nim.example.com:8443;"));
    assert_eq!(proof(&plan).reports.as_ref().unwrap().port.number(), 8443);
}

#[test]
fn what_comes_of_reports_that_fail_is_said_for_each_release() {
    let notes = |stand: &Stand| plan(stand, &verified()).notes.join("\n");
    let since = notes(&with(R33, VENDORS));
    for words in [
        "passes on no traffic until its first has arrived",
        "usage reports go to 127.0.0.1 today",
    ] {
        assert!(since.contains(words), "{since}");
    }
    assert!(notes(&stand(R33)).contains("go to product.connect.nginx.com today"));
    let before = notes(&stand(R31));
    assert!(
        before.contains("serves on whether its reports arrive or not"),
        "{before}"
    );
    assert!(
        !before.contains("today") && !before.contains("licence"),
        "{before}"
    );
    // R33 lies on disk: after a restart it counts.
    let facts = facts_of(&stand(R33).running_deleted(R32));
    let plan = instance::plan(&facts, &verified()).unwrap();
    assert!(
        plan.notes.join(" ").contains("R33 and later depends"),
        "{:?}",
        plan.notes
    );
}

#[test]
fn a_missing_licence_is_named() {
    let told = |block: &str, path: &str| {
        let mut facts = facts_of(&with(R33, block));
        let nothing = FileFact::Nothing { obstacle: None };
        facts.files.insert(path.parse().unwrap(), nothing);
        let notes = instance::plan(&facts, &verified())
            .unwrap()
            .notes
            .join("\n");
        notes.contains(&format!("{path}, the licence, is not there"))
    };
    assert!(told("", "/etc/nginx/license.jwt"));
    assert!(told(
        "mgmt { license_token custom/l.jwt; }\n",
        "/etc/nginx/custom/l.jwt"
    ));
    assert!(!told(
        "mgmt { license_token /x.jwt; }\n",
        "/etc/nginx/license.jwt"
    ));
    let files = verified().files();
    assert!(
        files
            .iter()
            .any(|path| path.as_str() == "/etc/nginx/license.jwt")
    );
}

#[test]
fn who_cannot_report_is_refused() {
    let r30 = facts_of(&stand("nginx/1.25.1 (nginx-plus-r30)"));
    let problem = refused(&r30, &verified());
    assert!(problem.what.contains("this is NGINX Plus r30"), "{problem}");
    let old = facts_of(&stand(R31).running_deleted("nginx/1.25.1 (nginx-plus-r30)"));
    let problem = refused(&old, &verified());
    assert_eq!(problem.remedy.as_deref(), Some("systemctl restart nginx"));
    let oss = facts_of(&APPLIED);
    assert!(
        refused(&oss, &verified())
            .what
            .contains("this instance runs nginx 1.22.1")
    );
    for (block, words) in [
        (format!("{VENDORS}{VENDORS}"), "a second mgmt block"),
        (
            "mgmt { usage_report; usage_report; }\n".to_owned(),
            "a second usage_report line",
        ),
    ] {
        let problem = refused(&facts_of(&with(R33, &block)), &verified());
        assert!(problem.what.contains(words), "{problem}");
    }
    let unknown = wanted("usage_reporting: {endpoint: other.example.com}\n");
    let mut facts = facts_of(&stand(R33));
    let none = crate::facts::Known::Absent;
    facts
        .names
        .insert("other.example.com".parse().unwrap(), none);
    let problem = refused(&facts, &unknown);
    assert!(
        problem
            .what
            .starts_with("usage_reporting.endpoint other.example.com"),
        "{problem}"
    );
}

#[test]
fn it_belongs_to_instances_with_nginx_plus() {
    let text = "version: 1\nrole: instance\ngeneration: nim2\nproxy: nginx-plus\nmethod: \
                ssl-termination\nmanager_name: nim.example.com\nusage_reporting: {}\n";
    let check = |text: &str| Goal::check(&read(text.as_bytes()).unwrap());
    assert!(check(text).is_ok());
    for (from, to, words) in [
        ("nginx-plus", "nginx-oss", "proxy: nginx-plus"),
        ("nim2", "nim1", "generation: nim2"),
        (
            "role: instance",
            "role: manager",
            "belongs to role instance",
        ),
        ("role: instance", "role: ca", "belongs to role instance"),
    ] {
        let refusals = check(&text.replace(from, to)).unwrap_err();
        let found = refusals.iter().find(|one| one.field == "usage_reporting");
        assert!(found.unwrap().why.contains(words), "{refusals:?}");
    }
}

#[test]
fn reports_to_anybody_are_found_by_the_doctor() {
    let found = |version: &str, block: &str| {
        let stand = with(version, block);
        let facts = facts_of(&stand);
        unverified_reports(&facts, facts.config.is().unwrap()).is_some()
    };
    for (version, block, unsafe_) in [
        (R33, VENDORS, true),
        (R32, VENDORS, true),
        (
            R32,
            "mgmt { usage_report endpoint=nim.example.com; }\n",
            true,
        ),
        (R32, "mgmt { ssl_verify on; }\n", false),
        (
            R33,
            "mgmt { usage_report endpoint=nim.example.com; }\n",
            false,
        ),
        (R33, "", false),
        (R32, "", false),
    ] {
        assert_eq!(found(version, block), unsafe_, "{version}: {block}");
    }
}

#[test]
fn without_an_authority_of_its_own_the_systems_are_named() {
    let text = |text: String| {
        let from = "client-mtls";
        let start = text.find("certificates:").unwrap();
        text[..start]
            .replace(from, "ssl-termination")
            .replace("nginx-oss", "nginx-plus")
            + "usage_reporting: {}\n"
    };
    let block = block_of(&plan(&stand(R32), &answers(text)));
    assert!(
        block.contains("ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;"),
        "{block}"
    );
    let mut facts = facts_of(&stand(R32));
    facts.trust_store = crate::facts::Known::Absent;
    let problem = refused(&facts, &answers(text));
    assert!(
        problem.what.starts_with("usage_reporting.verify"),
        "{problem}"
    );
}

#[test]
fn a_folder_is_written_and_what_is_left_to_do_is_said() {
    let plan = plan(&stand(R33).not_live(), &verified());
    assert!(block_of(&plan).contains("ssl_verify on;"));
    let left: Vec<&str> = live_only(&plan).iter().map(|(id, _)| *id).collect();
    for id in ["test", "reload", "restart", "prove"] {
        assert!(left.contains(&id), "{id} is not in {left:?}");
    }
    let notes = plan.notes.join(" ");
    assert!(
        notes.contains("nginx is not tested or reloaded, the agent is not restarted"),
        "{notes}"
    );
}
