//! An authority from elsewhere that vouches for agents: which are taken, and what follows.

use std::sync::LazyLock;

use rcgen::{BasicConstraints, CertificateParams, DnType, GeneralSubtree, IsCa, Issuer, KeyPair};
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose, NameConstraints};
use time::OffsetDateTime;

use super::authority::NOW;
use super::difference::holds;
use super::stand::{NMS_HTTP, STATE, Stand, changed, file, text};
use crate::error::Exit;
use crate::plan::{Action, AgentProof, Authority, ClientsToday, Plan, agents_today};
use crate::values::Port;

const CA_CERT: &str = "/mnt/ca.pem";
const CA_KEY: &str = "/mnt/ca.key";
const LIST: &str = "/etc/nginx/conf.d/nim-tls-listed.conf";
const BUNDLE: &str = "/etc/nms/certs/nim-tls-ca.pem";
const DAY: i64 = 86_400;

pub(super) struct Ca {
    pub(super) params: CertificateParams,
    pub(super) key: KeyPair,
    pub(super) pem: String,
}

pub(super) fn ca(
    name: &str,
    above: Option<&Ca>,
    change: impl FnOnce(&mut CertificateParams),
) -> Ca {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let at = |days: i64| OffsetDateTime::from_unix_timestamp(NOW + days * DAY).unwrap();
    (params.not_before, params.not_after) = (at(-1), at(3650));
    change(&mut params);
    let made = match above {
        Some(above) => params.signed_by(&key, &Issuer::new(above.params.clone(), &above.key)),
        None => params.self_signed(&key),
    };
    let pem = made.unwrap().pem().replace("\r\n", "\n");
    Ca { params, key, pem }
}

pub(super) fn plain(_: &mut CertificateParams) {}

/// Two authorities between an agent and the root, the one that issues first.
pub(super) fn two_levels() -> [Ca; 3] {
    let root = ca("corporate root", None, plain);
    let upper = ca("corporate upper", Some(&root), plain);
    let lower = ca("corporate lower", Some(&upper), plain);
    [lower, upper, root]
}

fn with_chain(stand: Stand, chain: &[&Ca], key: Option<&Ca>) -> Stand {
    let text: String = chain.iter().map(|one| one.pem.as_str()).collect();
    let stand = stand.with_file(CA_CERT, &text);
    let (with_key, stand) = match key {
        Some(key) => (
            format!(", ca_key: {CA_KEY}"),
            stand.with_file(CA_KEY, &key.key.serialize_pem()),
        ),
        None => (String::new(), stand),
    };
    stand.answer(
        "certificates: {",
        &format!("certificates: {{clients: {{source: import-ca, ca_cert: {CA_CERT}{with_key}}}, "),
    )
}

pub(super) fn imported(stand: Stand) -> Stand {
    let chain = two_levels();
    with_chain(stand, &chain.each_ref(), Some(&chain[0]))
}

/// The chain of one that issues, and its key; always the same one.
pub(super) fn corporate() -> (String, String) {
    static MADE: LazyLock<(String, String)> = LazyLock::new(|| {
        let [lower, upper, root] = two_levels();
        let chain = [&lower, &upper, &root].map(|one| one.pem.as_str()).concat();
        (chain, lower.key.serialize_pem())
    });
    MADE.clone()
}

fn proof(plan: &Plan) -> AgentProof {
    let mut proofs = plan.steps.iter().filter_map(|step| match &step.action {
        Action::Prove(proof) => proof.agents.clone(),
        _ => None,
    });
    proofs.next().unwrap()
}

fn today(stand: &Stand) -> ClientsToday {
    let facts = stand.facts();
    let config = facts.config.is().unwrap();
    agents_today(&facts, config, Port::HTTPS).unwrap().0
}

#[test]
fn agents_are_issued_by_it_and_listed_by_their_whole_subject() {
    let stand = imported(Stand::stock()).answer(
        "ca_key: {keep",
        r#"subject: {organization: 'Lab "$x"; {Inc.}'}, ca_key: {keep"#,
    );
    let plan = stand.planned();
    let issuing = plan.issuing().unwrap();
    assert_eq!(
        issuing
            .clients
            .as_ref()
            .unwrap()
            .chain
            .matches("BEGIN")
            .count(),
        3
    );
    // The manager's own is still of ours.
    assert!(matches!(issuing.authority, Authority::New { .. }));
    let list = text(&plan, LIST);
    let pattern = r#"    "~^CN=web-1\.example\.com,O=Lab\x20\x5C\x22\x24x\x5C\x22\x5C\x3B\x20\x7BInc\.\x7D\z" 1;"#;
    assert!(list.contains(pattern), "{list}");
    assert_eq!(text(&plan, BUNDLE).matches("BEGIN CERTIFICATE").count(), 3);
    let server = text(&plan, NMS_HTTP);
    assert!(server.contains("ssl_verify_depth 2;"), "{server}");
    let written = serde_json::to_string(&plan).unwrap();
    assert!(!written.contains("PRIVATE KEY"));
    let after = holds(&stand);
    assert_eq!(today(&after), ClientsToday::Enforced);
    // Once the list is not asked any more, everybody of that authority gets through.
    let text = "if ($nim_tls_listed = 1) {\n        return 204;\n    }\n    return 401;";
    let check = "/etc/nms/nginx/locations/nim-tls-agents.conf";
    let opened = after.edit_file(check, text, "return 204;");
    assert!(opened.refusal().contains(check));
}

#[test]
fn the_depth_is_written_only_where_one_is_not_enough() {
    let chain = two_levels();
    let [_, upper, root] = &chain;
    for chain in [vec![upper, root], vec![root]] {
        let stand = with_chain(Stand::stock(), &chain, Some(chain[0]));
        let plan = stand.planned();
        assert!(!text(&plan, NMS_HTTP).contains("ssl_verify_depth"));
        holds(&stand);
    }
    // What goes deeper already stays.
    let deep = "    ssl_verify_depth 7;\n    ssl_session_timeout";
    let stand = imported(Stand::stock()).edit("    ssl_session_timeout", deep);
    assert!(text(&stand.planned(), NMS_HTTP).contains("ssl_verify_depth 7;"));
    let flat = "    ssl_verify_depth 1;\n    ssl_session_timeout";
    let stand = imported(Stand::stock()).edit("    ssl_session_timeout", flat);
    assert!(text(&stand.planned(), NMS_HTTP).contains("ssl_verify_depth 2;"));
}

#[test]
fn without_its_key_nothing_is_issued_and_names_are_listed() {
    let chain = two_levels();
    let stand = with_chain(Stand::stock(), &chain.each_ref(), None);
    let plan = stand.planned();
    assert!(plan.issuing().unwrap().clients.is_none());
    assert!(plan.issuing().unwrap().agents.is_empty());
    let changed = changed(&plan);
    assert!(!changed.iter().any(|path| path.contains("/issued/")));
    let folder = format!("{STATE}/issued");
    let mut folders = plan.folders.iter();
    assert!(!folders.any(|one| one.path.as_str().starts_with(&folder)));
    assert!(text(&plan, LIST).contains(r#"    "~^CN=web-1\.example\.com(,|\z)" 1;"#));
    assert!(proof(&plan).listed.unwrap().is_empty());
    assert!(proof(&plan).authority.is_none());
    let notes = plan.notes.join("\n");
    assert!(
        notes.contains("each brings its own of CN=corporate lower"),
        "{notes}"
    );
    holds(&stand);
}

#[test]
fn what_could_not_vouch_for_agents_is_refused_with_the_reason() {
    let chain = two_levels();
    let [lower, upper, root] = &chain;
    let no_room = ca("no room", Some(root), |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    let below = ca("below", Some(&no_room), plain);
    let narrow_root = ca("narrow root", None, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    let of_narrow = ca("of narrow", Some(&narrow_root), plain);
    let elsewhere = ca("elsewhere", Some(root), |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example.org".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let servers = ca("servers", Some(root), |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let no_signer = ca("no signer", Some(root), |params| {
        params.key_usages = vec![KeyUsagePurpose::CrlSign];
    });
    let old = ca("old", Some(root), |params| {
        params.not_after = OffsetDateTime::from_unix_timestamp(NOW - 60).unwrap();
    });
    let person = ca("person", Some(root), |params| params.is_ca = IsCa::NoCa);
    let twin = ca("corporate root", None, plain);
    for (chain, said) in [
        (
            vec![lower, upper],
            "certificate 2 of the chain (CN=corporate upper) is not signed by itself, and what has signed it is not here: the root is missing",
        ),
        (vec![lower], "the root is missing"),
        (vec![root, upper, lower], "the order is wrong"),
        (vec![upper, lower, root], "the order is wrong"),
        (
            vec![lower, root],
            "was issued by CN=corporate upper, which is not here",
        ),
        (vec![lower, upper, &twin], "signed by another key"),
        (
            vec![&below, &no_room, root],
            "(CN=no room) is not allowed to have so many authorities below it",
        ),
        (
            vec![&of_narrow, &narrow_root],
            "(CN=narrow root) is not allowed to have so many",
        ),
        (
            vec![&elsewhere, root],
            "must not vouch for web-1.example.com",
        ),
        (
            vec![&servers, root],
            "cannot be used as a certificate for: agent",
        ),
        (vec![&no_signer, root], "is not an authority"),
        (vec![&old, root], "has expired"),
        (vec![&person, root], "is not an authority"),
    ] {
        let stand = with_chain(Stand::stock(), &chain, Some(chain[0]));
        let found = stand.refusal();
        assert!(found.contains(said), "{said}: {found}");
        assert!(
            found.starts_with("certificates.clients: /mnt/ca.pem"),
            "{found}"
        );
    }
    // pathlen 0 is room enough for leaves.
    let chain = [&no_room, root];
    with_chain(Stand::stock(), &chain, Some(&no_room)).planned();
    let other = with_chain(Stand::stock(), &[lower, upper, root], Some(upper)).refusal();
    assert!(
        other.contains("/mnt/ca.key is not the key of the certificate beside it"),
        "{other}"
    );
}

#[test]
fn nothing_outlives_it() {
    let root = ca("short", None, |params| {
        params.not_after = OffsetDateTime::from_unix_timestamp(NOW + 100 * DAY).unwrap();
    });
    let stand = with_chain(Stand::stock(), &[&root], Some(&root));
    let notes = stand.planned().notes.join("\n");
    assert!(
        notes.contains("live 100 days at most instead of 365"),
        "{notes}"
    );
    let explicit = stand.answer("ca_key: {keep", "days: {agent: 200}, ca_key: {keep");
    let problem = explicit.plan().unwrap_err();
    assert_eq!(problem.exit, Exit::Usage, "{problem}");
    assert!(problem.what.contains("longer than CN=short lives (100)"));
}

#[test]
fn an_agent_that_is_taken_out_is_listed_no_more_and_one_with_another_subject_still_is() {
    let after = imported(Stand::stock()).settled();
    let other = after
        .clone()
        .answer("agents: [web-1.example.com]", "agents: [db-1.example.com]");
    let plan = other.planned();
    assert!(
        !text(&plan, LIST).contains("web-1"),
        "{}",
        text(&plan, LIST)
    );
    // Who goes is told and shown.
    let notes = plan.notes.join("\n");
    assert!(
        notes.contains("are not listed: web-1.example.com"),
        "{notes}"
    );
    let before = file(&plan, LIST).text_before.as_deref().unwrap();
    assert!(before.contains("web-1"), "{before}");
    // Sessions need not be forgotten for it: the list is asked at each call.
    assert!(!changed(&plan).contains(&NMS_HTTP));
    let renamed = after.answer(
        "ca_key: {keep",
        "subject: {organization: Lab}, ca_key: {keep",
    );
    let plan = renamed.planned();
    let list = text(&plan, LIST);
    assert!(
        list.contains(r#""~^CN=web-1\.example\.com\z" 1;"#),
        "{list}"
    );
    assert!(
        list.contains(r#""~^CN=web-1\.example\.com,O=Lab\z" 1;"#),
        "{list}"
    );
}

#[test]
fn where_no_folder_is_read_the_list_stands_before_the_server_and_follows_the_answers() {
    let path = "/etc/nms/nginx/manager.conf";
    let stock = Stand::stock();
    let include = "include /etc/nginx/conf.d/*.conf;\n    include /etc/nginx/sites-enabled/*;";
    let mut stand = stock
        .clone()
        .with_file(path, &stock.files[NMS_HTTP])
        .edit_file(
            "/etc/nginx/nginx.conf",
            include,
            "include /etc/nms/nginx/manager.conf;",
        );
    stand.files.remove(NMS_HTTP);
    let stand = imported(stand);
    let first = text(&stand.planned(), path).to_owned();
    assert_eq!(
        first
            .matches("map $ssl_client_s_dn $nim_tls_listed {")
            .count(),
        1
    );
    let after = holds(&stand);
    let more = after.answer("agents: [web-1.example.com]", "agents: [db-1.example.com]");
    let plan = more.planned();
    let list = text(&plan, path);
    assert_eq!(
        list.matches("map $ssl_client_s_dn $nim_tls_listed {")
            .count(),
        1
    );
    assert!(
        list.contains("CN=db-1") && !list.contains("CN=web-1"),
        "{list}"
    );
    holds(&more);
}

#[test]
fn observed_it_refuses_nobody_and_knows_who_is_listed() {
    let stand = imported(Stand::stock()).answer(
        "certificates:",
        "options: {enforce: observe}\ncertificates:",
    );
    let plan = stand.planned();
    let check = text(&plan, "/etc/nms/nginx/locations/nim-tls-agents.conf");
    assert!(
        check.contains("return 202;") && !check.contains("401"),
        "{check}"
    );
    let after = holds(&stand);
    assert_eq!(today(&after), ClientsToday::Observed);
    let required = after.answer("enforce: observe", "enforce: require");
    assert_eq!(today(&holds(&required)), ClientsToday::Enforced);
}

#[test]
fn behind_manager_1_its_own_file_has_the_list_and_the_depth() {
    let stand = imported(Stand::nim1());
    let plan = stand.planned();
    let file = text(&plan, "/etc/nginx/conf.d/nginx-manager-grpc.conf");
    for line in [
        "map $ssl_client_s_dn $nim_tls_listed {",
        "    ssl_verify_depth 2;",
        "        if ($nim_tls_listed = 1) {",
    ] {
        assert!(file.contains(&format!("\n{line}")), "{line}: {file}");
    }
    holds(&stand);
}
