//! Certificates that an authority elsewhere signs: when requests are written, when the plan waits, and
//! when it goes on.

use rcgen::{CertificateSigningRequestParams, ExtendedKeyUsagePurpose, Issuer};
use time::OffsetDateTime;

use super::authority::NOW;
use super::difference::holds;
use super::imported::{Ca, ca, plain, two_levels};
use super::stand::{STATE, Stand, changed, file, text};
use crate::plan::{AWAITED, Content, Piece, Plan, Status};

const DAY: i64 = 86_400;
const LIST: &str = "/etc/nginx/conf.d/nim-tls-listed.conf";
const SERVER: &str = "/etc/nms/certs/server.crt";
const KEY: &str = "/etc/nms/certs/server.key";
pub(super) const BOTH: &str = "server: {source: csr}, clients: {source: csr}";

fn at(name: &str) -> String {
    format!("{STATE}/requests/{name}")
}

fn asking(sources: &str) -> Stand {
    asking_on(&Stand::stock(), sources)
}

pub(super) fn asking_on(stand: &Stand, sources: &str) -> Stand {
    stand.clone().answer("ca_key: {keep: plaintext}", sources)
}

/// What the authority makes of a request: for so many days, with these names where it gives others.
fn signed(stand: &Stand, request: &str, chain: &[Ca], days: i64, names: Option<&str>) -> String {
    let mut params = CertificateSigningRequestParams::from_pem(&stand.files[&at(request)]).unwrap();
    let at = |day: i64| OffsetDateTime::from_unix_timestamp(NOW + day * DAY).unwrap();
    (params.params.not_before, params.params.not_after) = (at(-1), at(days));
    if let Some(names) = names {
        let given = rcgen::CertificateParams::new(vec![names.to_owned()]).unwrap();
        params.params.subject_alt_names = given.subject_alt_names;
    }
    let issuer = Issuer::new(chain[0].params.clone(), &chain[0].key);
    let leaf = params
        .signed_by(&issuer)
        .unwrap()
        .pem()
        .replace("\r\n", "\n");
    let between = chain[..chain.len() - 1].iter();
    leaf + &between.map(|one| one.pem.as_str()).collect::<String>()
}

fn with_authority(stand: Stand, chain: &[Ca]) -> Stand {
    let text: String = chain.iter().map(|one| one.pem.as_str()).collect();
    stand.with_file(&at("ca.pem"), &text)
}

/// Everything that was asked for is there.
fn all_back(stand: Stand, chain: &[Ca], days: i64) -> Stand {
    let mut stand = with_authority(stand, chain);
    let requests: Vec<String> = stand.files.keys().cloned().collect();
    for path in requests {
        if let Some(stem) = path
            .strip_prefix(&at(""))
            .and_then(|rest| rest.strip_suffix(".csr"))
        {
            let text = signed(&stand, &format!("{stem}.csr"), chain, days, None);
            stand = stand.with_file(&at(&format!("{stem}.crt")), &text);
        }
    }
    stand
}

fn awaited(plan: &Plan) -> String {
    let notes = plan.notes.iter().filter(|note| note.starts_with(AWAITED));
    notes.cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn at_first_there_are_requests_and_nothing_else() {
    let stand = asking(BOTH);
    let plan = stand.planned();
    let asked = [
        "agents/web-1.example.com.csr",
        "agents/web-1.example.com.key",
        "server.csr",
        "server.key",
    ];
    assert_eq!(changed(&plan), asked.map(at));
    let titles: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(titles, ["issue", "place"]);
    for (name, secret, mode) in [("server.key", true, 0o600), ("server.csr", false, 0o644)] {
        let file = file(&plan, &at(name));
        assert_eq!((file.is_sensitive(), file.mode.0), (secret, mode));
    }
    // The vendor's name, which others may have pinned, is asked for, too.
    let recipe = plan
        .issuing()
        .unwrap()
        .requests
        .as_ref()
        .unwrap()
        .server
        .as_ref()
        .unwrap();
    let names: Vec<String> = recipe.names.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["nim.example.com", "manager-server"]);
    for name in ["server.csr", "web-1.example.com", "requests/ca.pem"] {
        assert!(awaited(&plan).contains(name), "{name}");
    }
    let waiting = stand.settled();
    assert!(awaited(&waiting.planned()).contains("server.csr"));
    // What others signed before is not what was asked for.
    assert!(serde_json::to_string(&plan).is_ok_and(|text| !text.contains("PRIVATE KEY")));
}

#[test]
fn once_all_of_it_is_there_the_plan_goes_on() {
    let chain = two_levels();
    let waiting = asking(BOTH).applied();
    let partly = with_authority(waiting.clone(), &chain);
    assert!(partly.planned().is_empty() && !awaited(&partly.planned()).contains("ca.pem"));
    let stand = all_back(waiting, &chain, 300);
    let plan = stand.planned();
    assert!(plan.issuing().is_none() && plan.proves() && awaited(&plan).is_empty());
    let sent = text(&plan, SERVER);
    assert_eq!(sent, stand.files[&at("server.crt")]);
    assert_eq!(file(&plan, KEY).content, Content::Issued(Piece::CarriedKey));
    for key in ["server.key", "agents/web-1.example.com.key"] {
        assert_eq!(file(&plan, &at(key)).status, Status::Remove);
    }
    assert!(text(&plan, LIST).contains(r#""~^CN=web-1\.example\.com\z" 1;"#));
    let issued = format!("{STATE}/issued/web-1.example.com");
    assert_eq!(
        text(&plan, &format!("{issued}/agent.crt"))
            .matches("BEGIN")
            .count(),
        3
    );
    // The root above the manager's certificate is that of the agents' authority.
    assert_eq!(text(&plan, &format!("{issued}/ca.pem")), chain[2].pem);
    let after = holds(&stand).settled();
    assert_eq!(after.files[KEY], stand.files[&at("server.key")]);
    // Whatever becomes of what was brought.
    let mut tidied = after;
    tidied
        .files
        .retain(|path, _| !path.starts_with(&at("")) || path.ends_with("ca.pem"));
    let again = tidied.planned();
    assert!(again.is_empty(), "{:?}", changed(&again));
}

#[test]
fn other_names_are_asked_for_anew_and_one_that_is_not_given_only_once() {
    let chain = two_levels();
    let more = |stand: Stand| stand.answer("alt_names: []", "alt_names: [more.example.com]");
    let waiting = more(asking(BOTH).applied());
    assert_eq!(
        changed(&waiting.planned()),
        ["server.csr", "server.key"].map(at)
    );
    let waiting = waiting.settled();
    let all = all_back(waiting, &chain, 300);
    let one = signed(&all, "server.csr", &chain, 300, Some("nim.example.com"));
    let stand = all.with_file(&at("server.crt"), &one);
    assert!(
        stand
            .planned()
            .notes
            .join("\n")
            .contains("more.example.com, for which it was asked")
    );
    let after = stand.settled();
    assert!(awaited(&after.planned()).is_empty());
    // A name that nobody was asked for is asked for, and what is in use stays meanwhile.
    let other = after.answer("more.example.com", "other.example.com");
    let plan = other.planned();
    assert_eq!(changed(&plan), ["server.csr", "server.key"].map(at));
    assert!(awaited(&plan).contains("to take the place of the one that is used meanwhile"));
    let other = other.settled();
    let key = other.answer("certificates: {", "certificates: {key: rsa-2048, ");
    assert!(changed(&key.planned()).contains(&at("server.key").as_str()));
}

#[test]
fn what_ends_soon_is_asked_for_anew_and_nothing_waits_for_it() {
    let chain = two_levels();
    let stand = all_back(asking(BOTH).applied(), &chain, 300).settled();
    let soon = stand.later(250);
    let plan = soon.planned();
    let names = [
        "agents/web-1.example.com.csr",
        "agents/web-1.example.com.key",
        "server.csr",
        "server.key",
    ];
    assert_eq!(changed(&plan), names.map(at));
    assert!(awaited(&plan).contains("web-1.example.com"));
    let asked = soon.settled();
    // The answers change meanwhile, and that is not held up.
    let other = asked
        .clone()
        .answer("agents: [", "options: {hsts_max_age: 300}\nagents: [");
    assert!(changed(&other.planned()).contains(&super::stand::NMS_HTTP));
    // What was used so far has ended before its successor came.
    let late = asked.clone().later(60);
    assert!(late.planned().is_empty() && awaited(&late.planned()).contains("before anything else"));
    let back = all_back(asked, &chain, 700);
    let plan = back.planned();
    assert_eq!(file(&plan, SERVER).status, Status::Change);
    back.settled();
}

#[test]
fn an_agent_that_takes_too_long_can_be_taken_out_and_one_more_waits_alone() {
    let chain = two_levels();
    let two = asking(BOTH).answer(
        "[web-1.example.com]",
        "[db-1.example.com, web-1.example.com]",
    );
    let back = all_back(two.applied(), &chain, 300);
    let mut without = back.clone();
    without.files.remove(&at("agents/db-1.example.com.crt"));
    assert!(without.planned().is_empty());
    assert!(awaited(&without.planned()).contains("take it out of agents"));
    let one = without.answer("db-1.example.com, ", "");
    assert!(!text(&one.planned(), LIST).contains("db-1"));
    let both = back.settled();
    let three = both.answer("[db-1", "[cache-1.example.com, db-1");
    let names = [
        "agents/cache-1.example.com.csr",
        "agents/cache-1.example.com.key",
    ];
    assert_eq!(changed(&three.planned()), names.map(at));
}

#[test]
fn what_is_brought_is_looked_at() {
    let chain = two_levels();
    let waiting = asking(BOTH).applied();
    let good = all_back(waiting.clone(), &chain, 300);
    let stranger = [ca("stranger", None, plain)];
    let agent = "agents/web-1.example.com";
    let of = |name: &str| good.files[&at(&format!("{name}.crt"))].clone();
    let other_request = all_back(asking(BOTH).applied(), &chain, 300);
    let issuers: String = chain.iter().map(|one| one.pem.as_str()).collect();
    for (name, brought, said) in [
        ("server", of(agent), "has another key"),
        (agent, of("server"), "has another key"),
        (
            "server",
            other_request.files[&at("server.crt")].clone(),
            "has another key",
        ),
        (
            "server",
            good.files[&at("server.csr")].clone(),
            "a signing request",
        ),
        (
            "server",
            good.files[&at("server.key")].clone(),
            "a private key",
        ),
        (
            "server",
            "see attachment\n".to_owned(),
            "no certificate in PEM",
        ),
        ("server", String::new(), "no certificate in PEM"),
        (
            "server",
            issuers.clone() + &of("server"),
            "comes first in its file",
        ),
        (
            "server",
            signed(&good, "server.csr", &chain, 300, Some("x.example.com")),
            "is not for nim.example.com",
        ),
        (
            "server",
            signed(&good, "server.csr", &chain, 0, None),
            "has expired",
        ),
        (
            agent,
            signed(&good, &format!("{agent}.csr"), &stranger, 300, None),
            "and not the authority of agents",
        ),
        (
            agent,
            signed(&good, &format!("{agent}.csr"), &chain[1..], 300, None),
            "and not the authority of agents",
        ),
    ] {
        let stand = good
            .clone()
            .with_file(&at(&format!("{name}.crt")), &brought)
            .later(1);
        let found = stand.refusal();
        assert!(found.contains(said), "{said}: {found}");
        assert!(found.contains(&at(&format!("{name}.crt"))), "{found}");
    }
    let usage = |stand: &Stand, request: &str, usage: ExtendedKeyUsagePurpose| {
        let mut params =
            CertificateSigningRequestParams::from_pem(&stand.files[&at(request)]).unwrap();
        params.params.extended_key_usages = vec![usage];
        let until = OffsetDateTime::from_unix_timestamp(NOW + 90 * DAY).unwrap();
        params.params.not_after = until;
        let issuer = Issuer::new(chain[0].params.clone(), &chain[0].key);
        params.signed_by(&issuer).unwrap().pem()
    };
    for (name, use_, said) in [
        (
            "server",
            ExtendedKeyUsagePurpose::ClientAuth,
            "is not made for servers",
        ),
        (
            agent,
            ExtendedKeyUsagePurpose::ServerAuth,
            "is not made for clients",
        ),
    ] {
        let brought = usage(&good, &format!("{name}.csr"), use_);
        let found = good
            .clone()
            .with_file(&at(&format!("{name}.crt")), &brought)
            .refusal();
        assert!(found.contains(said), "{said}: {found}");
    }
    // Before there is a request, nothing can be for it.
    let found = asking(BOTH)
        .with_file(&at("server.crt"), &of("server"))
        .refusal();
    assert!(found.contains("its key is not in"), "{found}");
}

#[test]
fn each_of_the_two_can_be_asked_for_alone() {
    let chain = two_levels();
    let server = asking("server: {source: csr}, ca_key: {keep: plaintext}");
    let plan = server.planned();
    assert_eq!(changed(&plan), ["server.csr", "server.key"].map(at));
    let stand = all_back(server.applied(), &chain, 300);
    let plan = stand.planned();
    assert!(plan.issuing().unwrap().requests.is_none());
    assert_eq!(plan.issuing().unwrap().agents.len(), 1);
    holds(&stand).settled();

    let clients = asking("clients: {source: csr}, ca_key: {keep: plaintext}");
    assert!(!changed(&clients.planned()).contains(&at("server.csr").as_str()));
    let stand = all_back(clients.applied(), &chain, 300);
    assert!(stand.planned().issuing().unwrap().server.is_some());
    holds(&stand).settled();
}
