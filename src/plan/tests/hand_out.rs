//! Certificates first, enforcing later.

use super::super::hand_out_only;
use super::Stand;
use super::stand::{NMS_HTTP, STATE, changed};

#[test]
fn nothing_outside_the_state_folder_changes() {
    let whole = Stand::stock().planned();
    let part = hand_out_only(&whole).unwrap();
    let ids: Vec<&str> = part.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["issue", "place"]);
    assert!(part.issuing().unwrap().server.is_none());
    let inside = changed(&part);
    assert!(
        inside.iter().all(|path| path.starts_with(STATE)),
        "{inside:?}"
    );
    assert!(inside.iter().any(|path| path.ends_with("/agent.key")));
    assert!(
        inside
            .iter()
            .any(|path| path.ends_with("/nginx-agent.conf"))
    );
    for folder in &part.folders {
        assert!(folder.path.as_str().starts_with(STATE), "{}", folder.path);
    }
}

#[test]
fn enforcing_later_takes_what_was_handed_out_as_it_is() {
    let stock = Stand::stock();
    let handed_out = stock.after(&hand_out_only(&stock.planned()).unwrap());
    let rest = handed_out.planned();
    let issuing = rest.issuing().unwrap();
    assert!(issuing.server.is_some());
    assert!(issuing.agents.is_empty());
    let paths = changed(&rest);
    assert!(paths.contains(&NMS_HTTP), "{paths:?}");
    assert!(
        !paths.iter().any(|path| path.starts_with(STATE)),
        "{paths:?}"
    );
    handed_out.settled();
    let again = hand_out_only(&rest).unwrap_err();
    assert!(again.what.contains("to hand out"), "{again}");
}

#[test]
fn a_key_that_is_to_be_discarded_cannot_wait() {
    let stand = Stand::stock().answer("keep: plaintext", "keep: discard");
    let refused = hand_out_only(&stand.planned()).unwrap_err();
    assert!(
        refused.what.contains("before the manager's certificate"),
        "{refused}"
    );
}
