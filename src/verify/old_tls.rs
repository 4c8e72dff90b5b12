//! Old protocols and weak suites are refused on a port, asked for by a hello made by hand:
//! no library of today offers them.

use std::net::SocketAddr;
use std::time::Duration;

use super::attempt::said;
use super::client::Target;
use super::hello::{HelloOutcome, Offer};
use super::on_host::OnHost;
use crate::host::Host;
use crate::report::Row;
use crate::values::HostName;

const PATIENCE: Duration = Duration::from_secs(5);

/// Why nothing of it could be mended, where that is so.
const NOT_OURS: &str = "the manager decides on this itself, and has no setting for it";

/// `by_manager`: nginx does not decide on it.
pub(super) fn rows(
    host: &dyn Host,
    by_manager: bool,
    name: &HostName,
    address: SocketAddr,
    tell: &mut dyn FnMut(Row),
) {
    let why = if by_manager {
        Some(NOT_OURS)
    } else {
        host.knows_no_old_tls()
    };
    for (offer, case) in [
        (Offer::Tls11, "TLS 1.1"),
        (Offer::Tls12Cbc, "TLS 1.2, CBC suites only"),
        (Offer::Tls12StaticRsa, "TLS 1.2, no forward secrecy"),
    ] {
        let expected = "refused";
        tell(match &why {
            Some(why) => Row::not_tried(&tls(address), case, expected, *why),
            None => hello(host, name, address, offer, case, expected),
        });
    }
    let expected = "accepted";
    tell(hello(
        host,
        name,
        address,
        Offer::Tls13,
        "TLS 1.3",
        expected,
    ));
}

fn tls(address: SocketAddr) -> String {
    format!("TLS at {address}")
}

fn hello(
    host: &dyn Host,
    name: &HostName,
    address: SocketAddr,
    offer: Offer,
    case: &str,
    expected: &str,
) -> Row {
    let leg = tls(address);
    let target = Target {
        address,
        sni: Some(name.clone()),
        patience: PATIENCE,
    };
    match offer.make(&OnHost(host), &target) {
        Ok(HelloOutcome::Accepted { version, suite }) => {
            let seen = format!("accepted: {version}, {suite}");
            said(&leg, case, expected, seen, expected == "accepted")
        }
        Ok(HelloOutcome::Alert { alert, .. }) => said(
            &leg,
            case,
            expected,
            format!("alert: {alert}"),
            expected == "refused",
        ),
        Ok(HelloOutcome::Closed) => said(
            &leg,
            case,
            expected,
            "hung up".to_owned(),
            expected == "refused",
        ),
        Ok(HelloOutcome::Other(what)) => said(&leg, case, expected, what, false),
        Err(fault) => said(&leg, case, expected, fault.to_string(), false),
    }
}
