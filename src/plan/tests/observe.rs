//! Agents judged and logged, and nobody refused: what is written, and how it becomes a refusal.

use super::difference::holds;
use super::stand::{NMS_HTTP, Stand, changed, text};
use crate::plan::{Action, ClientsToday, agents_today};
use crate::values::Port;

const CHECK: &str = "/etc/nms/nginx/locations/nim-tls-agents.conf";

fn observing() -> Stand {
    Stand::stock().answer(
        "certificates:",
        "options: {enforce: observe}\ncertificates:",
    )
}

fn requiring(stand: &Stand) -> Stand {
    stand.clone().answer("enforce: observe", "enforce: require")
}

fn today(stand: &Stand) -> ClientsToday {
    let facts = stand.facts();
    let config = facts.config.is().expect("a configuration");
    agents_today(&facts, config, Port::HTTPS)
        .expect("the manager's server")
        .0
}

fn enforced(stand: &Stand) -> bool {
    let plan = stand.planned();
    let proof = plan.steps.iter().find_map(|step| match &step.action {
        Action::Prove(proof) => proof.agents.clone(),
        _ => None,
    });
    proof.expect("agents are proven").enforced
}

#[test]
fn everybody_is_asked_and_let_in() {
    let stand = observing();
    let plan = stand.planned();
    assert!(text(&plan, NMS_HTTP).contains("    ssl_verify_client      optional_no_ca;\n"));
    let check = text(&plan, CHECK);
    assert!(
        check.contains("NOT ENFORCED") && !check.contains("401"),
        "{check}"
    );
    assert!(
        check.contains("    log_subrequest on;\n    return 204;\n}"),
        "{check}"
    );
    assert!(
        plan.notes[0].starts_with("NOT ENFORCED: "),
        "{:?}",
        plan.notes
    );
    assert!(!enforced(&stand));
    let after = holds(&stand);
    assert_eq!(today(&after), ClientsToday::Observed);
}

#[test]
fn to_require_is_to_change_two_files_and_back() {
    let observed = observing().settled();
    let required = requiring(&observed);
    assert_eq!(changed(&required.planned()), [NMS_HTTP, CHECK]);
    assert!(enforced(&required));
    // Sessions of before remember how a client was judged then.
    assert!(text(&required.planned(), NMS_HTTP).contains("shared:nim_tls_2:10m"));
    let after = holds(&required);
    assert_eq!(today(&after), ClientsToday::Enforced);
    let back = after.answer("enforce: require", "enforce: observe");
    let notes = back.planned().notes;
    assert!(
        notes[1].contains("are refused here today, and will be let in"),
        "{notes:?}"
    );
    assert_eq!(today(&holds(&back)), ClientsToday::Observed);
}

#[test]
fn a_check_within_the_server_is_replaced_there() {
    let include = "    include /etc/nms/nginx/locations/*.conf;\n";
    let observed = observing().edit(include, "").settled();
    let required = requiring(&observed);
    let plan = required.planned();
    let new = text(&plan, NMS_HTTP);
    assert_eq!(
        new.matches("location = /nim-tls/agent-certificate {")
            .count(),
        1,
        "{new}"
    );
    assert!(new.contains("        return 401;\n"), "{new}");
    assert_eq!(today(&holds(&required)), ClientsToday::Enforced);
}

#[test]
fn a_check_that_somebody_opened_is_not_called_observed() {
    let stand = observing().settled();
    let opened = stand.edit_file(CHECK, "    return 204;\n", "    return 200;\n");
    assert_ne!(today(&opened), ClientsToday::Observed);
}

#[test]
fn nothing_else_may_go_by_a_certificate_that_nobody_verifies() {
    for (from, to) in [
        (
            "    location = / {\n",
            "    location = / {\n        if ($ssl_client_s_dn !~ \"CN=admin\") { return 403; }\n",
        ),
        (
            "    location = / {\n",
            "    location = / {\n        if ($ssl_client_verify = NONE) { return 403; }\n",
        ),
        (
            "    proxy_set_header Host $host;\n",
            "    proxy_set_header Host $host;\n    proxy_set_header X-Client $ssl_client_s_dn;\n",
        ),
    ] {
        let stand = observing().edit(from, to);
        let said = stand.refusal();
        assert!(
            said.contains("goes by the certificate of a client"),
            "{said}"
        );
        requiring(&stand).planned();
    }
    // Made of a certificate outside, and read within.
    let map = "map $ssl_client_s_dn $who { default no; }\nmap $http_upgrade";
    let made = observing().edit("map $http_upgrade", map);
    made.planned();
    let reads = "    location = / {\n        if ($who = no) { return 403; }\n";
    let said = made.edit("    location = / {\n", reads).refusal();
    assert!(
        said.contains("goes by the certificate of a client"),
        "{said}"
    );
    let outside = "http {\n    proxy_set_header X-Client $ssl_client_s_dn;";
    let said = observing()
        .edit_file("/etc/nginx/nginx.conf", "http {", outside)
        .refusal();
    assert!(
        said.contains("goes by the certificate of a client"),
        "{said}"
    );
    // Who asks whether it was verified asks the right thing.
    let success =
        "    location = / {\n        if ($ssl_client_verify != SUCCESS) { return 403; }\n";
    observing().edit("    location = / {\n", success).planned();
}
