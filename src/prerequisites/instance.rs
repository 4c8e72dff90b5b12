//! A host that is managed: its agent, and what the agent is told today.

use super::check::{Check, about};
use crate::facts::{AGENT_FILES, Facts};
use crate::plan::unverified_reports;

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![kind(), agent(facts), settings(facts)];
    checks.extend(today(facts));
    checks.extend(overrides(facts));
    checks.extend(reports(facts));
    checks
}

fn kind() -> Check {
    about("nim", "NGINX Instance Manager").ok("not here: this is an instance (role: instance)")
}

fn agent(facts: &Facts) -> Check {
    let subject = about("agent", "NGINX Agent");
    let install = "curl --cacert ca.pem https://MANAGER/install/nginx-agent | sudo sh";
    subject.of(
        &facts.agent,
        |version| match version.split('.').next() {
            Some("2") => subject.ok(format!("version {version}")),
            Some("0" | "1") => {
                subject.ok(format!("version {version}, for NGINX Instance Manager 1"))
            }
            _ => subject.failed(
                format!("version {version}; NGINX Instance Manager 2 works with version 2"),
                install,
            ),
        },
        || subject.failed("it is not installed here", install),
    )
}

fn settings(facts: &Facts) -> Check {
    let subject = about("agent-settings", "settings of the agent");
    subject.of(
        &facts.agent_setup.file,
        |file| subject.ok(file.path.as_str()),
        || {
            let usual = AGENT_FILES[1];
            subject.warning(
                format!("it has none; {usual} would be made"),
                format!("ls -l {usual}"),
            )
        },
    )
}

/// What it does with them, where they can be read.
fn today(facts: &Facts) -> Option<Check> {
    let subject = about("agent-today", "how the agent connects today");
    let (good, words) = facts.agent_setup.file.is()?.connects();
    Some(if good {
        subject.ok(words)
    } else {
        subject.warning(words, "nim-tls plan --answers FILE, with role: instance")
    })
}

/// They count more than the file.
fn overrides(facts: &Facts) -> Option<Check> {
    let subject = about("agent-overrides", "settings that count more than the file");
    let made = &facts.agent_setup.overrides;
    let words: Vec<String> = made
        .iter()
        .map(|one| format!("{} in {}", one.key, one.made_in))
        .collect();
    let remedy = "systemctl cat nginx-agent; cat /var/lib/nginx-agent/agent-dynamic.conf";
    (!words.is_empty()).then(|| subject.warning(words.join("; "), remedy))
}

/// Usage reports of NGINX Plus, where whoever answers gets them.
fn reports(facts: &Facts) -> Option<Check> {
    let config = facts.config.is()?;
    let place = config.shown(&unverified_reports(facts, config)?);
    let subject = about("usage-reports", "usage reports of NGINX Plus");
    let words = format!("NOT VERIFIED: they go to whoever answers ({place})");
    let remedy = "nim-tls plan --answers FILE, with usage_reporting: {verify: true}";
    Some(subject.warning(words, remedy))
}
