//! Where NGINX Plus reports its usage: whoever takes the reports is the one whom NGINX expects. A
//! report itself is for NGINX to send.

use super::attempt::{PATIENCE, said};
use super::client::{Alpn, Client, Handshake, Target, Versions};
use super::on_host::OnHost;
use super::reach::{first_answering, roots_of};
use super::trust::{Judgement, Trust};
use crate::host::Host;
use crate::plan::ReportsProof;
use crate::report::Row;
use crate::values::SubjectName;

pub(super) fn rows(host: &dyn Host, proof: &ReportsProof, note: &mut dyn FnMut(Row)) {
    let leg = format!("usage reports at {}:{}", proof.endpoint, proof.port);
    let case = "its certificate";
    let expected = format!("for {}", proof.endpoint);
    if proof.ca.is_none() {
        let why =
            "usage_reporting.verify is false: NGINX takes whoever answers there for the manager";
        note(Row::not_tried(&leg, case, &expected, why));
    } else {
        let (seen, ok) = match judged(host, proof) {
            Ok(Judgement::Trusted) => ("it is".to_owned(), true),
            Ok(Judgement::Distrusted(why)) => (why.to_string(), false),
            Ok(Judgement::NotJudged) => ("not judged".to_owned(), false),
            Err(why) => (why, false),
        };
        note(said(&leg, case, &expected, seen, ok));
    }
    note(Row::not_tried(
        &leg,
        "a report of NGINX Plus",
        "delivered",
        "NGINX alone sends one, when it is due: its error log says \"during usage report\" where it fails",
    ));
}

/// With what NGINX is told to trust, and the name that it says, if it says one.
fn judged(host: &dyn Host, proof: &ReportsProof) -> Result<Judgement, String> {
    let path = proof.ca.as_ref().ok_or("nothing to verify it with")?;
    let roots = roots_of(host, path)?;
    let (address, _) = first_answering(host, &proof.endpoint, proof.port)?;
    let handshake = Handshake {
        trust: Trust::Only {
            roots,
            name: SubjectName::Dns(proof.endpoint.clone()),
            now: host.now(),
        },
        identity: None,
        alpn: vec![Alpn::Http11],
        versions: Versions::Both,
    };
    let target = Target {
        address,
        sni: proof.says_name.then(|| proof.endpoint.clone()),
        patience: PATIENCE,
    };
    let session =
        Client::new(handshake).and_then(|mut client| client.connect(&OnHost(host), &target));
    let session = session.map_err(|fault| fault.to_string())?;
    Ok(session.negotiated().judgement.clone())
}
