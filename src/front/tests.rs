//! One host, one set of answers, three fronts: one plan, and no secret in anything that is
//! shown or kept.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "answers files are files of this machine"
)]

pub(super) mod wishes;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::output::Output;
use super::place::Ground;
use super::plan_text;
use super::session;
use crate::answers::Entered;
use crate::cli::{Format, Place, When};
use crate::error::Problem;
use crate::host::{Host, Memory};
use crate::plan::Plan;
use crate::plan::tests::hosts::{HOSTS, Met, PASSPHRASE};
use crate::preview;
use crate::tests::fuzz::is_long;
use wishes::{WISHES, Wish};

/// What a front has come to, and all that it has let anybody see.
pub(super) struct Told {
    /// The plan that would be carried out, as it is written down; or why there is none.
    pub(super) plan: Result<String, String>,
    pub(super) shown: String,
    /// Where it was told to save the answers.
    pub(super) saved: PathBuf,
}

/// A plan as it is written down, which is also what its hash is of.
pub(super) fn written(plan: &Plan) -> String {
    serde_json::to_string(plan).unwrap()
}

pub(super) fn output() -> Output {
    Output::new(&Place {
        root: None,
        state_dir: None,
        format: Format::Text,
        color: When::Never,
        ascii: true,
    })
}

/// As `plan --answers` and `apply --answers` come to their plan.
fn unattended(ground: &Ground, file: &Path) -> Told {
    let answers = session::answers(file).unwrap();
    let planned = session::planned(ground, &answers);
    let shown = planned.as_ref().map_or_else(ToString::to_string, |plan| {
        let output = output();
        let files = preview::files(plan);
        let diffs = plan_text::diffs(plan);
        format!("{}{diffs}{files:?}", plan_text::whole(plan, &output))
    });
    Told {
        plan: told(planned),
        shown,
        saved: file.to_owned(),
    }
}

fn told(planned: Result<Plan, Problem>) -> Result<String, String> {
    planned
        .map(|plan| written(&plan))
        .map_err(|problem| problem.what)
}

/// Everything that must be seen nowhere: the passphrase, and of each private key the part that is
/// nobody else's. Before it stands what all keys begin with, and behind it the public key, which
/// certificates hold as well.
fn secrets(host: &Memory) -> BTreeSet<String> {
    let mut secrets = BTreeSet::from([PASSPHRASE.to_owned(), "PRIVATE KEY".to_owned()]);
    for entry in host.entries().values() {
        let text = String::from_utf8_lossy(&entry.bytes);
        let mut lines = text.lines();
        if lines.any(|line| line.contains("PRIVATE KEY")) {
            secrets.insert(lines.next().unwrap()[48..].to_owned());
            secrets.insert(lines.next().unwrap()[..24].to_owned());
        }
    }
    secrets
}

fn same_plan_from_each_front(met: &Met, wish: &Wish, folder: &Path) -> bool {
    let about = format!("{}, {}", met.name, wish.name);
    let host = Arc::new(met.host());
    let secrets = secrets(&host);
    assert!(secrets.len() > 2, "{about}: no private key lies there");
    let before = host.entries();
    let ground = Arc::new(Ground::of(Arc::clone(&host) as Arc<dyn Host>));

    let file = folder.join("written.yaml");
    fs::write(&file, wish.file(met.has_authority)).unwrap();
    let by_file = unattended(&ground, &file);
    let begun = Entered::from_yaml(wish.begun).unwrap_or_default();
    let on_screen = super::tui::tests::led::led(&ground, wish, begun.clone(), folder);
    let in_lines = super::plain::tests::led::led(&ground, wish, begun, folder);

    for (front, told) in [
        ("file", &by_file),
        ("screen", &on_screen),
        ("lines", &in_lines),
    ] {
        assert_eq!(told.plan, by_file.plan, "{about}: {front}");
        let saved = fs::read_to_string(&told.saved).unwrap();
        let again = unattended(&ground, &told.saved);
        assert_eq!(again.plan, by_file.plan, "{about}: {front}:\n{saved}");
        let plan = told.plan.as_ref().unwrap_or_else(|why| why);
        for secret in &secrets {
            for seen in [plan, &told.shown, &again.shown, &saved] {
                assert!(
                    !seen.contains(secret),
                    "{about}: {front} shows {secret}:\n{seen}"
                );
            }
        }
    }
    assert_eq!(host.entries(), before, "{about}: asking has changed it");
    by_file.plan.is_ok()
}

/// Without the long form, of each host and of each wish every so many-th pair. No method has fewer
/// wishes, so that no host is left out.
const SAMPLED: usize = 3;

/// Every host with every wish of a method, or a sample in which each host and each wish is found;
/// how many hosts can carry all that is wished of them.
fn hosts_that_carry_all(method: &str) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let nth = if is_long() { 1 } else { SAMPLED };
    let wishes: Vec<&Wish> = WISHES.iter().filter(|wish| wish.method == method).collect();
    let mut tried = 0;
    let mut carries_all = |(at, met): &(usize, &Met)| {
        let of_host = wishes.iter().enumerate();
        let asked = of_host.filter(|(wish, _)| (at + wish) % nth == 0);
        // Each is compared, also after one that is refused.
        asked.fold(true, |all, (_, wish)| {
            tried += 1;
            let planned = same_plan_from_each_front(met, wish, folder.path());
            all & (planned || wish.may_fail())
        })
    };
    let hosts = HOSTS.iter().enumerate().filter(&mut carries_all).count();
    let pairs = HOSTS.len() * wishes.len();
    println!("{method} through every front: sample of {tried} of {pairs} hosts with a wish");
    assert!(
        wishes.len() >= nth && tried >= pairs / nth,
        "{tried} of {pairs}"
    );
    hosts
}

#[test]
fn client_mtls_is_the_same_plan_through_every_front() {
    assert!(hosts_that_carry_all("client-mtls") >= 12);
}

#[test]
fn ssl_termination_is_the_same_plan_through_every_front() {
    assert!(hosts_that_carry_all("ssl-termination") >= 12);
}
