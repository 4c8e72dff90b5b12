//! Red where the rules for addresses count by the server alone, or where any own address counts
//! as one that the server listens on.

use super::Stand;

const PUBLIC: &str = "8.8.4.4";

fn notes(stand: &Stand) -> Vec<String> {
    let notes = stand.planned().notes.into_iter();
    notes.filter(|note| note.contains("anybody")).collect()
}

#[test]
fn pages_on_an_address_of_the_internet_are_said() {
    assert!(notes(&Stand::stock()).is_empty());
    let stand = Stand::stock().with_address(PUBLIC);
    let said = notes(&stand);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("8.8.4.4:443 is an address"), "{said:?}");
    assert!(
        said[0].contains("/etc/nginx/conf.d/nms-http.conf:"),
        "{said:?}"
    );
    // Agents' certificates keep nobody from the pages.
    assert_eq!(notes(&stand.applied()).len(), 1);
}

#[test]
fn pages_that_are_closed_to_strangers_are_not() {
    let stand = || Stand::stock().with_address(PUBLIC);
    let first = "server {";
    let with = |lines: &str| stand().edit(first, &format!("server {{ {lines}"));
    assert!(notes(&with("allow 10.0.0.0/8; deny all;")).is_empty());
    assert_eq!(notes(&with("deny 10.0.0.0/8; allow all;")).len(), 1);
    let elsewhere = stand().edit("listen 443 ssl", "listen 10.0.0.5:443 ssl");
    assert!(notes(&elsewhere).is_empty());
}

#[test]
fn pages_of_the_first_generation_too() {
    assert!(notes(&Stand::nim1()).is_empty());
    let said = notes(&Stand::nim1().with_address(PUBLIC));
    assert_eq!(said.len(), 1);
    // The next plan would refuse a file of ours that was edited.
    assert!(
        said[0].ends_with("in the firewall") && !said[0].contains("allow"),
        "{said:?}"
    );
}
