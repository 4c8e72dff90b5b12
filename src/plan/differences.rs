//! What the answers want otherwise than it is, and no plan changes: each is said, so that "nothing
//! to do" is never taken for more than it is.

use super::certificates::Certificates;
use super::placed::below;
use super::site::Site;
use super::step::LEFT;
use super::template::CHECK;
use crate::answers::{Answers, KeepKey};
use crate::certificate::{Certificate, EntryName, Validity, spread_days};
use crate::error::Problem;
use crate::facts::{CaKey, Facts, FoundCa, FoundContent, Known};
use crate::method::Method;
use crate::nginx::Directive;
use crate::values::{AbsPath, SubjectName};

/// How many names a note lists.
const SHOWN: usize = 5;

/// The file of the server for agents alone.
pub(super) const AGENTS_SERVER: &str = "nim-tls-agents-server.conf";

/// Refuses another way of judging agents beside the one in the server with the pages.
pub(super) fn in_place_is_in_force(site: &Site<'_>) -> Result<(), Problem> {
    match check_in(site) {
        None => Ok(()),
        Some(line) => Err(back_first(
            site,
            line,
            "agents are judged in the server with the pages",
        )),
    }
}

/// The same the other way round.
fn own_server_is_in_force(site: &Site<'_>) -> Result<(), Problem> {
    let line = site.server.directive;
    let own = site.config.file(line.at.file).path.ends_with(AGENTS_SERVER);
    if own {
        return Err(back_first(site, line, "agents have a server of their own"));
    }
    Ok(())
}

fn back_first(site: &Site<'_>, line: &Directive, what: &str) -> Problem {
    Problem::host(format!(
        "{}: {what}, and a plan does not take that away: the run that brought it has to be put \
         back first",
        site.config.shown(&line.at)
    ))
    .remedy("nim-tls rollback")
}

/// Where our own check is asked.
fn check_in<'a>(site: &Site<'a>) -> Option<&'a Directive> {
    let gates = site.gates.iter();
    let mut lines = gates.flat_map(|gate| gate.scope.nearest("auth_request"));
    lines.find(|line| line.arg(0) == Some(CHECK))
}

/// Refuses answers that ask for less than client mTLS where ours is in force: agents would go on
/// being refused, and the way back is an undo, not a plan.
pub(super) fn less_is_asked_for(site: &Site<'_>, answers: &Answers) -> Result<(), Problem> {
    if answers.method == Method::ClientMtls {
        return own_server_is_in_force(site);
    }
    match check_in(site) {
        None => Ok(()),
        Some(line) => Err(Problem::host(format!(
            "{}: client-mtls is in force here, agents' certificates are judged, and a plan for {} \
             does not take that away: the run that brought it has to be put back first",
            site.config.shown(&line.at),
            answers.method.title(),
        ))
        .remedy("nim-tls rollback")),
    }
}

/// The notes, in the order of the answers file.
pub(super) fn notes(facts: &Facts, answers: &Answers, made: &Certificates) -> Vec<String> {
    let mut found = Vec::new();
    if let Known::Is(ca) = &facts.state.ca {
        found.extend(other_names(facts, answers, made, ca));
        if made.listing.is_none() {
            found.extend(not_listed(facts, answers));
        }
        found.extend(authority_key_kind(answers, ca));
        found.extend(lifetimes(facts, answers, made, ca));
        found.extend(authority_key(facts, answers, ca));
        found.extend(trust_store(facts, answers, ca));
    }
    found
        .into_iter()
        .map(|note| format!("{LEFT}{note}"))
        .collect()
}

/// Names of a server certificate of ours that neither the answers nor the vendor's certificate
/// know.
fn other_names(
    facts: &Facts,
    answers: &Answers,
    made: &Certificates,
    ca: &FoundCa,
) -> Option<String> {
    let leaf = kept_server(facts, made, ca)?;
    let vendors: Vec<EntryName> = ["/etc/nms/certs/manager-server.pem"]
        .iter()
        .filter_map(|path| first_of(facts, &path.parse().ok()?))
        .flat_map(|certificate| certificate.names.clone())
        .collect();
    let wanted = |name: &SubjectName| {
        answers.alt_names.contains(name) || *name == SubjectName::Dns(answers.manager_name.clone())
    };
    let names = leaf.names.iter().filter(|entry| match entry {
        EntryName::Exact(name) => !wanted(name) && !vendors.contains(entry),
        _ => false,
    });
    let names: Vec<String> = names.map(ToString::to_string).collect();
    (!names.is_empty()).then(|| {
        format!(
            "the server certificate is for {} too, which the answers do not name; certificates: \
             {{server: {{source: generate}}}} would carry them over as well",
            some_of(&names)
        )
    })
}

/// Agents whose certificates are in use, or may be, and that are not among the answers.
fn not_listed(facts: &Facts, answers: &Answers) -> Option<String> {
    let current = |found: &Known<crate::facts::FoundIssued>| match found {
        Known::Is(found) => {
            let leaf = found.chain.first();
            leaf.is_some_and(|leaf| leaf.validity.not_after > facts.looked_at)
        }
        // The key may have been moved to its instance.
        Known::Unclear(_) => true,
        Known::Absent => false,
    };
    let issued = facts.state.issued.iter();
    let names: Vec<String> = issued
        .filter(|(name, found)| !answers.agents.contains(*name) && current(found))
        .map(|(name, _)| name.to_string())
        .collect();
    (!names.is_empty()).then(|| {
        format!(
            "certificates of agents that are not listed ({}): whoever has one is let through until \
             it expires. List those that are meant; to shut one out: nim-tls certs revoke NAME",
            some_of(&names)
        )
    })
}

fn authority_key_kind(answers: &Answers, ca: &FoundCa) -> Option<String> {
    let (found, wanted) = (&ca.root.key_kind, answers.key.as_str());
    (found != wanted).then(|| {
        format!("the authority has a key of kind {found}, and certificates.key is {wanted}")
    })
}

/// Certificates of ours that stay, and were made for other lifetimes.
fn lifetimes(facts: &Facts, answers: &Answers, made: &Certificates, ca: &FoundCa) -> Vec<String> {
    let days = answers.days;
    let new = made.issuing.as_ref();
    let mut others = Vec::new();
    let mut judge = |field: &str,
                     whose: String,
                     own: &Certificate,
                     wanted: u32,
                     issuer: Option<&Certificate>| {
        let found = lifetime(own);
        // One that was cut to its issuer's end is as long as it can be.
        let cut = issuer.is_some_and(|issuer| issuer.validity.not_after == own.validity.not_after);
        if found.abs_diff(wanted) > 1 && !(cut && found < wanted) {
            others.push(format!(
                "{whose}, made for {found} days; certificates.days.{field} counts for new ones"
            ));
        }
    };
    judge("root", "the root".to_owned(), &ca.root, days.root, None);
    let (intermediate, root) = (&ca.intermediate, Some(&ca.root));
    judge(
        "intermediate",
        "the intermediate".to_owned(),
        intermediate,
        days.intermediate,
        root,
    );
    if let Some(leaf) = kept_server(facts, made, ca) {
        let whose = "the server certificate".to_owned();
        judge("server", whose, leaf, days.server, Some(intermediate));
    }
    let own = made.listing.is_none();
    for agent in answers.agents.iter().filter(|_| own) {
        let found = facts.state.issued.get(agent).and_then(Known::is);
        let leaf = found.and_then(|found| found.chain.first());
        let is_new = new.is_some_and(|new| new.agents.contains_key(agent));
        if let Some(leaf) = leaf.filter(|_| !is_new) {
            let wanted = spread_days(days.agent, agent.as_str());
            judge(
                "agent",
                format!("the certificate of {agent}"),
                leaf,
                wanted,
                Some(intermediate),
            );
        }
    }
    let more = others.len().saturating_sub(SHOWN + 3);
    others.truncate(SHOWN + 3);
    if more > 0 {
        others.push(format!(
            "{more} further certificates, made for other lifetimes"
        ));
    }
    others
}

fn lifetime(certificate: &Certificate) -> u32 {
    let validity = certificate.validity;
    let seconds = validity.not_after - validity.not_before - Validity::BACKDATED;
    u32::try_from(seconds.max(0) / Validity::DAY).unwrap_or(u32::MAX)
}

/// What became of the authority's key before, where the answers say otherwise today.
fn authority_key(facts: &Facts, answers: &Answers, ca: &FoundCa) -> Option<String> {
    let folder = below(&facts.state.folder, "ca");
    let keys = format!("{folder}/root.key {folder}/intermediate.key");
    match (answers.ca_key?, ca.key) {
        (KeepKey::Plaintext, CaKey::Plaintext)
        | (KeepKey::Encrypted, CaKey::Encrypted)
        | (KeepKey::Discard, CaKey::Gone) => None,
        (KeepKey::Discard, CaKey::Plaintext) => Some(format!(
            "the keys of the authority lie in {folder}, NOT encrypted, although \
             certificates.ca_key.keep is discard: rm {keys}"
        )),
        (KeepKey::Discard, CaKey::Encrypted) => Some(format!(
            "the keys of the authority lie in {folder}, encrypted, although \
             certificates.ca_key.keep is discard: rm {keys}"
        )),
        (KeepKey::Encrypted, CaKey::Plaintext) => Some(format!(
            "the keys of the authority lie in {folder}, NOT encrypted, although \
             certificates.ca_key.keep is encrypted; nim-tls rollback and another apply make a \
             new authority"
        )),
        (KeepKey::Plaintext, CaKey::Encrypted) => Some(format!(
            "the keys of the authority in {folder} are encrypted, although \
             certificates.ca_key.keep is plaintext"
        )),
        (KeepKey::Plaintext | KeepKey::Encrypted, CaKey::Gone) => Some(format!(
            "the key of the authority is no longer in {folder}, although certificates.ca_key.keep \
             wants it kept: nothing can be issued or renewed"
        )),
    }
}

fn trust_store(facts: &Facts, answers: &Answers, ca: &FoundCa) -> Option<String> {
    let store = facts.trust_store.is().filter(|_| !answers.trust_store)?;
    let anchor = below(&store.anchors.parse().ok()?, store.file);
    let is_ours = first_of(facts, &anchor).is_some_and(|found| found.der() == ca.root.der());
    is_ours.then(|| {
        let command = format!("{} {}", store.command, store.options);
        format!(
            "this system trusts the root, although options.trust_store is false: rm {anchor} && {}",
            command.trim()
        )
    })
}

/// The server certificate of ours that stays.
fn kept_server<'a>(facts: &'a Facts, made: &Certificates, ca: &FoundCa) -> Option<&'a Certificate> {
    let leaf = first_of(facts, &made.server.chain)?;
    (!made.new_server && leaf.names_as_issuer(&ca.intermediate)).then_some(leaf)
}

fn first_of<'a>(facts: &'a Facts, path: &AbsPath) -> Option<&'a Certificate> {
    match &facts.file(path).file()?.content {
        FoundContent::Certificates(chain) => chain.first(),
        _ => None,
    }
}

fn some_of(names: &[String]) -> String {
    let first = names
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
