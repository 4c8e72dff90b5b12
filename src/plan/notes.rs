//! What the operator should know of a plan for a manager, beside what it does.

use super::certificates::Certificates;
use super::differences;
use super::enabling;
use super::in_front;
use crate::answers::Answers;
use crate::facts::{Facts, Known, Nginx};

/// `configured`: what is to be said of nginx, which comes first.
pub(super) fn all(
    facts: &Facts,
    answers: &Answers,
    made: &Certificates,
    configured: &[String],
) -> Vec<String> {
    let mut notes = [configured, &made.notes].concat();
    if made.issuing.is_some() {
        notes.extend(shortened(answers));
    }
    if let (true, Known::Unclear(why)) = (facts.live, &facts.listeners) {
        notes.push(format!(
            "whether other programs hold nginx's ports could not be told: {why}"
        ));
    }
    if let Some(why) = &facts.no_private_copy {
        notes.push(format!(
            "nginx -t can be asked in no private copy of the file system here ({why}): the new \
             files get the weaker test, on a copy of the configuration with other paths in it"
        ));
    }
    notes.extend(facts.nginx.is().and_then(upgraded));
    notes.extend(enabling::note(facts, answers.enable_services));
    notes.extend(in_front::note(facts, answers).or_else(|| elsewhere(facts, answers)));
    notes.extend(differences::notes(facts, answers, made));
    if !facts.live {
        notes.push(
            "this is a folder (--root), not a running system: nginx is not tested or reloaded, \
             the trust store is not rebuilt, and nothing is proven"
                .to_owned(),
        );
    }
    notes
}

/// Agents go where the name leads. Behind a load balancer that is meant; else it is a mistake
/// that shows only once they are cut off.
fn elsewhere(facts: &Facts, answers: &Answers) -> Option<String> {
    let name = &answers.manager_name;
    let addresses = facts.names.get(name)?.is()?;
    let own = |address| facts.own_addresses.contains(address);
    if !facts.live || addresses.is_empty() || addresses.iter().any(own) {
        return None;
    }
    let words: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    Some(format!(
        "manager_name {name} leads to {}, and that is no address of this host: agents and \
         browsers go there, and unless it passes them on to this host nothing here concerns them: \
         getent hosts {name}",
        words.join(", ")
    ))
}

/// A package upgrade without a restart: the old master parses every reload.
fn upgraded(nginx: &Nginx) -> Option<String> {
    let next = nginx.on_disk.as_ref()?;
    Some(format!(
        "{} runs and {next} is on disk: what is written here is read by both; \
         systemctl restart nginx makes them one",
        nginx.build
    ))
}

/// Default lifetimes that a shorter-lived issuer cuts down.
fn shortened(answers: &Answers) -> Vec<String> {
    let days = answers.days;
    let intermediate = days.intermediate.min(days.root);
    [
        ("intermediate", days.intermediate, days.root),
        ("server", days.server, intermediate),
        ("agent", days.agent, intermediate),
    ]
    .into_iter()
    .filter(|(_, own, issuer)| own > issuer)
    .map(|(name, own, issuer)| {
        format!("{name} certificates live {issuer} days instead of {own}: their issuer ends then")
    })
    .collect()
}
