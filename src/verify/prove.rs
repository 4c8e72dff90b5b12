//! The whole proof: what to try, in which order, and what is known of before.

use super::agents::Agents;
use super::agents_port;
use super::attempt::said;
use super::browsers::{self, Baseline};
use super::cast::Cast;
use super::check_log::CheckLog;
use super::closed;
use super::old_workers;
use super::pace::Pace;
use super::reach;
use super::reports;
use super::saved_session::SavedSession;
use crate::certificate::{Certificate, read_pem_chain};
use crate::host::Host;
use crate::pki::Authority;
use crate::plan::{Action, Plan, Proof, ReachProof};
use crate::report::{ELSEWHERE, Row};

/// Proves by connections. `before` may be called first, while everything is as it was; what it
/// saw is then held against what is seen later.
#[derive(Default)]
pub struct Prove {
    before: Option<(Baseline, Vec<SavedSession>)>,
    /// Requests made for it: they count against the server's limit.
    spent: u32,
}

impl Prove {
    pub fn new() -> Self {
        Self::default()
    }

    /// How the UI answers today, and sessions that must be worth nothing later.
    pub fn before(&mut self, host: &dyn Host, plan: &Plan) {
        let proof = plan.steps.iter().find_map(|step| match &step.action {
            Action::Prove(proof) => Some(proof),
            _ => None,
        });
        let Some(proof) = proof else { return };
        let pace = Pace::of(host, proof, 0);
        let baseline = Baseline::take(host, proof, &pace);
        let reloads = plan
            .steps
            .iter()
            .any(|step| matches!(step.action, Action::Reload(_)));
        let enforced = proof.agents.as_ref().is_some_and(|agents| agents.enforced);
        let sessions = if reloads && enforced {
            SavedSession::save(host, proof, &pace)
        } else {
            Vec::new()
        };
        self.spent = pace.spent();
        self.before = Some((baseline, sessions));
    }

    /// Tries everything now; tells each row as it comes, and gives all.
    pub fn prove(
        &mut self,
        host: &dyn Host,
        proof: &Proof,
        authority: Option<&Authority>,
        tell: &mut dyn FnMut(&Row),
    ) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut note = |row: Row| {
            tell(&row);
            rows.push(row);
        };
        let pace = Pace::of(host, proof, self.spent);
        let (baseline, mut sessions) = self
            .before
            .take()
            .unwrap_or_else(|| (Baseline::unknown(proof), Vec::new()));
        if let Some(master) = proof.master {
            note(old_workers::row(host, master));
        }
        if proof.listeners.is_empty() {
            // Without a connection the other rows would say yes to nothing.
            let seen = "no address to connect to is known".to_owned();
            note(said("nginx", "its listeners", "tried", seen, false));
        }
        if let Some(agents) = &proof.agents {
            let cast = Cast::gather(host, proof, agents, authority);
            let log = CheckLog::from_here(host, agents.check_log.as_ref());
            let agents = Agents {
                host,
                proof,
                agents,
                log,
                pace: &pace,
            };
            agents.rows(&cast, &mut sessions, &mut note);
        }
        let root = root(host, proof);
        agents_port::rows(host, proof, &root, &pace, &mut note);
        browsers::rows(host, proof, &root, &baseline, &pace, &mut note);
        closed::rows(host, proof, &mut note);
        note(Row::not_tried(
            ELSEWHERE,
            "agent and browser",
            "as above",
            "this program runs on the manager; try it from an instance too",
        ));
        self.spent = pace.spent();
        rows
    }

    /// The same from an instance.
    pub fn reach(
        &mut self,
        host: &dyn Host,
        proof: &ReachProof,
        tell: &mut dyn FnMut(&Row),
    ) -> Vec<Row> {
        let pace = Pace::new(host, self.spent);
        let mut rows = reach::reach(host, proof, &pace, tell);
        if let Some(proof) = &proof.reports {
            reports::rows(host, proof, &mut |row| {
                tell(&row);
                rows.push(row);
            });
        }
        self.spent = pace.spent();
        rows
    }
}

fn root(host: &dyn Host, proof: &Proof) -> Result<Certificate, String> {
    let path = proof
        .state
        .join("ca/root.crt")
        .map_err(|error| error.to_string())?;
    let bytes = host
        .read(path.as_path(), 1024 * 1024)
        .map_err(|error| error.to_string())?;
    let mut chain = read_pem_chain(&bytes).map_err(|error| format!("{path}: {error}"))?;
    Ok(chain.remove(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Memory;
    use crate::plan::ProofTrust;
    use crate::report::holds;

    #[test]
    fn nothing_is_proven_where_there_is_no_listener() {
        let proof = Proof {
            listeners: Vec::new(),
            barred: std::collections::BTreeMap::default(),
            name: "nim.example.com".parse().expect("a name"),
            other_names: Vec::new(),
            elsewhere: Vec::new(),
            nameless_elsewhere: false,
            trust: ProofTrust::Kept,
            headers: Vec::new(),
            redirect: None,
            agents: None,
            agents_port: None,
            closed: Vec::new(),
            state: "/var/lib/nim-tls".parse().expect("a path"),
            master: Some(100),
        };
        let rows = Prove::new().prove(&Memory::new(), &proof, None, &mut |_| {});
        // That no worker of before is left is true, and proves nothing.
        assert!(rows.iter().any(|row| row.ok == Some(true)), "{rows:?}");
        assert!(!holds(&rows), "{rows:?}");
    }
}
