//! Which certificates stay and which are made.

use super::authority::vendor_pair;
use super::stand::{NMS_HTTP, STATE, Stand, changed, text};
use crate::certificate::Recipe;
use crate::plan::{Authority, Plan, ProofTrust};

fn server_recipe(plan: &Plan) -> Option<&Recipe> {
    plan.issuing()?.server.as_ref()
}

fn proof_trust(plan: &Plan) -> ProofTrust {
    let mut actions = plan.steps.iter().map(|step| &step.action);
    actions
        .find_map(|action| match action {
            crate::plan::Action::Prove(proof) => Some(proof.trust),
            _ => None,
        })
        .unwrap()
}

fn valid() -> Stand {
    Stand::stock().with_pair(&vendor_pair(&["nim.example.com"], 365))
}

#[test]
fn the_vendors_is_replaced_and_its_names_are_carried_over() {
    let plan = Stand::stock()
        .answer("alt_names: []", "alt_names: [10.0.0.5, nim]")
        .planned();
    let names: Vec<_> = server_recipe(&plan)
        .unwrap()
        .names
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names[0], "nim.example.com");
    for name in ["10.0.0.5", "nim", "manager-server"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
    let notes = plan.notes.join("\n");
    assert!(notes.contains("is not for nim.example.com"), "{notes}");
    assert!(notes.contains("was for manager-server"), "{notes}");
    assert_eq!(proof_trust(&plan), ProofTrust::OurRoot);
}

#[test]
fn a_valid_one_stays_and_its_lines_with_it() {
    let stand = valid();
    let plan = stand.planned();
    assert!(server_recipe(&plan).is_none());
    assert!(text(&plan, NMS_HTTP).contains("/etc/nms/certs/manager-server.pem;"));
    assert_eq!(proof_trust(&plan), ProofTrust::Kept);
    stand.settled();
    // However its lines are written: by a relative path, or for the whole of http.
    let relative = valid()
        .edit("/etc/nms/certs/manager-server.", "own.")
        .with_file(
            "/etc/nginx/own.pem",
            &stand.files["/etc/nms/certs/manager-server.pem"],
        )
        .with_file(
            "/etc/nginx/own.key",
            &stand.files["/etc/nms/certs/manager-server.key"],
        );
    assert!(text(&relative.planned(), NMS_HTTP).contains(" own.pem;"));
    relative.settled();
    let upward = valid().edit(
        "/etc/nms/certs/manager-server.pem",
        "../nms/certs/manager-server.pem",
    );
    let said = upward.refusal();
    assert!(said.starts_with(&format!("{NMS_HTTP}:")), "{said}");
    let lines = "    ssl_certificate_key    /etc/nms/certs/manager-server.key;\n    ssl_certificate        /etc/nms/certs/manager-server.pem;\n";
    let of_http = valid().edit(lines, "").edit_file(
        "/etc/nginx/nginx.conf",
        "    default_type",
        &format!("{lines}    default_type"),
    );
    assert!(!text(&of_http.planned(), NMS_HTTP).contains("ssl_certificate "));
}

#[test]
fn two_valid_ones_of_different_keys_both_stay() {
    let second = vendor_pair(&["nim.example.com"], 200);
    let stand = valid()
        .edit(
            "    ssl_session_timeout",
            "    ssl_certificate /etc/nms/certs/b.pem;\n    ssl_certificate_key /etc/nms/certs/b.key;\n    ssl_session_timeout",
        )
        .with_file("/etc/nms/certs/b.pem", &second.chain)
        .with_file("/etc/nms/certs/b.key", &second.key);
    let plan = stand.planned();
    assert!(server_recipe(&plan).is_none(), "{:?}", plan.notes);
    assert_eq!(
        text(&plan, NMS_HTTP).matches("ssl_certificate_key").count(),
        2
    );
    // One that is not valid is replaced, and the other with it.
    let other = vendor_pair(&["elsewhere.example.com"], 200);
    let stand = stand
        .with_file("/etc/nms/certs/b.pem", &other.chain)
        .with_file("/etc/nms/certs/b.key", &other.key);
    let plan = stand.planned();
    assert!(server_recipe(&plan).is_some());
    assert_eq!(
        text(&plan, NMS_HTTP).matches("ssl_certificate_key").count(),
        1
    );
    stand.settled();
}

#[test]
fn keep_refuses_what_cannot_stay_and_generate_replaces_what_could() {
    let keep = "certificates: {server: {source: keep}, ca_key";
    let said = Stand::stock()
        .answer("certificates: {ca_key", keep)
        .refusal();
    assert!(
        said.contains("is keep") && said.contains("is not for nim.example.com"),
        "{said}"
    );
    assert!(server_recipe(&valid().answer("certificates: {ca_key", keep).planned()).is_none());
    let generate = valid().answer("certificates: {ca_key", &keep.replace("keep}", "generate}"));
    assert!(server_recipe(&generate.planned()).is_some());
    let expired = Stand::stock().with_pair(&vendor_pair(&["nim.example.com"], 0));
    let expired = expired.answer("certificates: {ca_key", keep);
    // It ends in the second in which it is looked at; one later it has.
    assert!(expired.plan().is_ok());
    let no_key = valid().with_file("/etc/nms/certs/manager-server.key", "");
    let said = no_key.answer("certificates: {ca_key", keep).refusal();
    assert!(
        said.contains("manager-server.key does not hold its key"),
        "{said}"
    );
}

#[test]
fn a_kept_one_that_lacks_further_names_is_said_so() {
    let plan = valid()
        .answer("alt_names: []", "alt_names: [10.0.0.5]")
        .planned();
    assert!(
        plan.notes.join("\n").contains("is not for 10.0.0.5"),
        "{:?}",
        plan.notes
    );
}

#[test]
fn no_authority_is_made_where_nothing_needs_one() {
    let stand = valid()
        .ssl_termination()
        .answer("agents: [web-1.example.com]", "agents: []")
        .answer(
            "certificates: {ca_key: {keep: plaintext}}",
            "certificates: {}",
        );
    let plan = stand.planned();
    assert!(plan.issuing().is_none());
    assert_eq!(changed(&plan), [NMS_HTTP]);
    stand.settled();
}

#[test]
fn one_more_agent_brings_its_files_and_nothing_else() {
    let agents = "agents: [web-1.example.com]";
    let more = Stand::stock()
        .settled()
        .answer(agents, "agents: [web-1.example.com, web-2.example.com]");
    let plan = more.planned();
    let folder = format!("{STATE}/issued/web-2.example.com");
    let names = ["agent.crt", "agent.key", "ca.pem", "nginx-agent.conf"];
    assert_eq!(changed(&plan), names.map(|name| format!("{folder}/{name}")));
    let ids: Vec<_> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["issue", "place", "prove"], "nginx is not reloaded");
    let issuing = plan.issuing().unwrap();
    assert_eq!(issuing.authority, Authority::Existing { encrypted: false });
    assert!(issuing.server.is_none() && issuing.agents.len() == 1);
    more.settled();
}

#[test]
fn an_agent_outside_of_what_the_authority_may_vouch_for_is_refused() {
    let agents = "agents: [web-1.example.com]";
    let stand = Stand::stock()
        .settled()
        .answer(agents, "agents: [web-1.example.com, web.example.net]");
    let said = stand.refusal();
    assert!(said.contains("web.example.net lies outside"), "{said}");
}

#[test]
fn without_the_key_of_the_authority_nothing_is_issued() {
    let stand = Stand::stock().answer("keep: plaintext", "keep: discard");
    let notes = stand.planned().notes.join("\n");
    assert!(
        notes.contains("nothing can be issued, renewed or revoked"),
        "{notes}"
    );
    let after = stand.settled();
    assert!(!after.files.keys().any(|path| path.ends_with("root.key")));
    let agents = "agents: [web-1.example.com]";
    let said = after
        .answer(agents, "agents: [web-2.example.com]")
        .refusal();
    assert!(said.contains("was discarded"), "{said}");
}

#[test]
fn a_new_name_makes_a_new_certificate_in_the_same_place() {
    let after = Stand::stock()
        .settled()
        .answer("alt_names: []", "alt_names: [nim-2.example.com]");
    let plan = after.planned();
    assert_eq!(
        changed(&plan),
        ["/etc/nms/certs/server.crt", "/etc/nms/certs/server.key"]
    );
    assert!(plan.step("reload").is_some());
    after.settled();
}

const OWN: &str = "/root/own.crt";
const OWN_KEY: &str = "/root/own.key";

/// With a certificate that was brought for the manager's name.
fn brought(pair: &super::authority::Pair) -> Stand {
    Stand::stock()
        .with_file(OWN, &pair.chain)
        .with_file(OWN_KEY, &pair.key)
        .answer(
            "certificates: {",
            "certificates: {server: {source: import, cert: /root/own.crt, key: /root/own.key}, ",
        )
}

#[test]
fn one_that_was_brought_is_placed_with_its_key_and_nginx_is_told() {
    let pair = vendor_pair(&["nim.example.com"], 365);
    let stand = brought(&pair);
    let plan = stand.planned();
    assert!(server_recipe(&plan).is_none());
    assert_eq!(proof_trust(&plan), ProofTrust::Kept);
    assert_eq!(text(&plan, "/etc/nms/certs/server.crt"), pair.chain);
    let conf = text(&plan, NMS_HTTP);
    assert!(conf.contains("/etc/nms/certs/server.crt;"), "{conf}");
    assert!(conf.contains("/etc/nms/certs/server.key;"), "{conf}");
    // The key is read when it is placed, and is in no plan.
    let written = serde_json::to_string(&plan).unwrap();
    assert!(!written.contains(pair.key.lines().nth(1).unwrap()));
    super::judge::accepts(&stand.with_version(&super::judge::version()).settled());
}

#[test]
fn what_was_brought_and_would_not_do_is_refused_with_its_path() {
    let good = vendor_pair(&["nim.example.com"], 365);
    let other = vendor_pair(&["other.example.com"], 365);
    for (stand, said) in [
        (
            brought(&other),
            "/root/own.crt holds CN=other.example.com, which is not for nim.example.com",
        ),
        (
            brought(&good).with_file(OWN_KEY, &other.key),
            "/root/own.key is not the key of the certificate beside it",
        ),
        (
            brought(&good).with_file(OWN, &good.key),
            "/root/own.crt holds a private key, and no certificate",
        ),
        (
            brought(&good).with_file(OWN, &format!("{}{}", other.chain, good.chain)),
            "which is followed by certificates that are not in order",
        ),
        (
            brought(&good).with_file(OWN, "nothing"),
            "holds no certificate in PEM",
        ),
    ] {
        let found = stand.refusal();
        assert!(found.contains(said), "{said}\n{found}");
    }
    let mut gone = brought(&good);
    gone.files.remove(OWN_KEY);
    assert!(gone.refusal().contains("/root/own.key is not there"));
}
