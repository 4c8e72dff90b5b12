//! What the operator should know of usage reports before they go elsewhere.

use super::usage_today::{ENDPOINT, endpoint, lines};
use crate::answers::UsageReporting;
use crate::facts::{Build, Facts, FileFact};
use crate::nginx::{Config, Directive};

/// Where reports go unless the configuration tells: before R33, and from R33 on.
const USUAL: [&str; 2] = ["nginx-mgmt.local", "product.connect.nginx.com"];
/// Where the licence is, unless the configuration tells.
const LICENCE: &str = "license.jwt";

/// `block`: the one that is there.
pub(super) fn tell(
    facts: &Facts,
    config: &Config,
    usage: &UsageReporting,
    block: Option<&Directive>,
    notes: &mut Vec<String>,
) {
    let to = usage.receiver();
    if !usage.verify {
        // Before everything else.
        notes.insert(
            0,
            format!(
                "NOT VERIFIED: usage_reporting.verify is false, so NGINX Plus reports its usage \
                 to whoever answers as {to}, and takes the answer of anybody for the manager's"
            ),
        );
    }
    let nginx = facts.nginx.is();
    let builds = nginx.map(|nginx| [Some(&nginx.build), nginx.on_disk.as_ref()]);
    let must = builds.map(|builds| builds.into_iter().flatten().any(Build::must_report_usage));
    notes.extend(moved(block, &to, must));
    notes.push(consequence(must).to_owned());
    notes.push(
        "what NGINX Plus keeps for its reports, how often it sends them, and by which way \
         (state_path, license_token, interval, proxy, resolver) stays as it is"
            .to_owned(),
    );
    if must == Some(true) {
        notes.extend(licence(facts, config, block));
    }
    let names = ["proxy", "ssl_crl", "ssl_name"];
    let told = block
        .into_iter()
        .flat_map(|block| names.map(|name| lines(block, name)));
    for line in told.flatten() {
        let place = config.shown(&line.at);
        notes.extend(beside(usage, line).map(|words| format!("{place}: {words}")));
    }
}

fn moved(block: Option<&Directive>, to: &str, must: Option<bool>) -> Option<String> {
    let line = block.and_then(|block| lines(block, "usage_report").next());
    let told = line.and_then(endpoint);
    let told = told.and_then(|word| word.strip_prefix(ENDPOINT));
    let usual = USUAL[usize::from(must?)];
    let from = match (told, block) {
        (Some(told), _) => told,
        // R31 and R32 report nothing without the block.
        (None, None) if must == Some(false) => return None,
        (None, _) => usual,
    };
    (from != to).then(|| format!("usage reports go to {from} today, and to {to} from then on"))
}

fn consequence(must: Option<bool>) -> &'static str {
    match must {
        Some(true) => {
            "NGINX Plus R33 and later depends on these reports: one that starts and has never \
             delivered any passes on no traffic until its first has arrived (with \
             enforce_initial_report off it has 180 days), and one whose reports do not arrive for \
             180 days stops. That a report was delivered cannot be proven here: look for \"usage \
             report\" in the error log once the next is due"
        }
        Some(false) => {
            "NGINX Plus R31 or R32 serves on whether its reports arrive or not; from R33 on it \
             does not. That a report was delivered cannot be proven here: look for \"usage \
             report\" in the error log once the next is due"
        }
        None => {
            "the release of NGINX Plus is not known here: before R31 the mgmt block is an unknown \
             directive, and nginx does not start with it"
        }
    }
}

/// It does not start without one from R33 on.
fn licence(facts: &Facts, config: &Config, block: Option<&Directive>) -> Option<String> {
    let line = block.and_then(|block| lines(block, "license_token").next());
    let named = line.and_then(|line| line.arg(0)).unwrap_or(LICENCE);
    let path = config.resolved(named).parse().ok()?;
    let missing = matches!(facts.files.get(&path)?, FileFact::Nothing { .. });
    missing.then(|| {
        format!(
            "{path}, the licence, is not there: NGINX Plus R33 and later does not start without \
             it: ls -l {path}"
        )
    })
}

/// Lines that have a say in it, and are not ours to write.
fn beside(usage: &UsageReporting, line: &Directive) -> Option<String> {
    let name = line.arg(0).unwrap_or_default();
    match line.name.as_str() {
        "proxy" => Some("reports go by this proxy, and the proof connects without it".to_owned()),
        "ssl_crl" if usage.verify => Some(
            "with a list of revoked certificates NGINX wants one of each authority, the manager's \
             among them, or it delivers nothing"
                .to_owned(),
        ),
        "ssl_name" if usage.verify && name != usage.endpoint.as_str() => Some(format!(
            "the manager's certificate would have to be for {name}, and reports go to {}: the \
             line is taken out",
            usage.endpoint
        )),
        _ => None,
    }
}
