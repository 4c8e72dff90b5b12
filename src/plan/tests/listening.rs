//! Where the manager listens, and whom the proof meets there.

use std::net::SocketAddr;

use super::bypasses::refused;
use super::stand::{NMS_HTTP, Stand};
use crate::plan::{Action, Plan, Proof};

fn proof(plan: &Plan) -> &Proof {
    let found = plan.steps.iter().find_map(|step| match &step.action {
        Action::Prove(proof) => Some(proof),
        _ => None,
    });
    found.unwrap()
}

fn listening(lines: &str) -> Stand {
    Stand::stock().edit("    listen 443 ssl http2;", lines)
}

fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn listens(plan: &Plan) -> &[SocketAddr] {
    let found = plan.steps.iter().find_map(|step| match &step.action {
        Action::Reload(command) => Some(&command.listens),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn a_listener_with_a_name_is_tried_at_its_addresses() {
    let stand = listening("    listen nim.example.com:443 ssl http2;");
    let plan = stand.planned();
    assert_eq!(proof(&plan).listeners, addresses(&["127.0.0.1:443"]));
    assert_eq!(listens(&plan), addresses(&["127.0.0.1:443"]));
    stand.settled();
    // A line that has to be edited is edited once, whatever its name stands for.
    let mut both = listening("    listen both.example.com:443;");
    let each = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    both.names.push(("both.example.com".to_owned(), each));
    let plan = both.planned();
    assert_eq!(
        proof(&plan).listeners,
        addresses(&["127.0.0.1:443", "[::1]:443"])
    );
    both.settled();
}

#[test]
fn a_listener_whose_name_means_nothing_is_refused() {
    let stand = listening("    listen gone.example.com:443 ssl http2;");
    refused(
        &stand,
        NMS_HTTP,
        "listen gone",
        "gone.example.com does not resolve",
    );
}

#[test]
fn a_port_of_a_name_that_is_taken_is_told() {
    let said = listening("    listen nim.example.com:443 ssl;")
        .with_stranger("127.0.0.1:443")
        .refusal();
    assert!(said.contains("port 443 belongs to stranger"), "{said}");
}

#[test]
fn a_listener_behind_a_load_balancer_is_refused_with_its_line() {
    let stand = listening("    listen 443 ssl http2 proxy_protocol;");
    refused(&stand, NMS_HTTP, "listen 443", "PROXY protocol");
    refused(
        &stand.ssl_termination(),
        NMS_HTTP,
        "listen 443",
        "PROXY protocol",
    );
    // On another port nobody has to speak it.
    listening("    listen 443 ssl http2;\n    listen 8443 ssl proxy_protocol;").settled();
}

#[test]
fn the_proof_connects_from_where_it_is_let_in() {
    let rules = |rules: &str| {
        listening(&format!("    listen 443 ssl http2;\n    {rules}")).with_address("10.0.0.5")
    };
    for (lines, at) in [
        ("allow 10.0.0.0/8; deny all;", "10.0.0.5:443"),
        ("allow 10.0.0.5; deny all;", "10.0.0.5:443"),
        ("deny 127.0.0.1; allow all;", "10.0.0.5:443"),
        ("allow 127.0.0.0/8; deny all;", "127.0.0.1:443"),
        ("deny 192.0.2.0/24;", "127.0.0.1:443"),
    ] {
        let plan = rules(lines).planned();
        assert_eq!(proof(&plan).listeners, addresses(&[at]), "{lines}");
        assert!(proof(&plan).barred.is_empty());
        assert!(proof(&plan).agents.as_ref().unwrap().barred.is_empty());
    }
}

#[test]
fn where_nothing_lets_this_host_in_the_plan_says_so() {
    let stand = listening("    listen 443 ssl http2;\n    allow 192.0.2.0/24;\n    deny all;")
        .with_address("10.0.0.5");
    let plan = stand.planned();
    let proof = proof(&plan);
    assert_eq!(proof.listeners, addresses(&["127.0.0.1:443"]));
    let barred = &proof.agents.as_ref().unwrap().barred;
    assert!(barred[&proof.listeners[0]].contains("\"deny all\" at /etc/nginx"));
    assert!(proof.barred.contains_key(&proof.listeners[0]));
    let notes = plan.notes.join("\n");
    assert!(
        notes.contains("nms-http.conf:") && notes.contains("that the right agents can get in"),
        "{notes}"
    );
    // It is read back from a receipt as it was.
    let text = serde_json::to_string(proof).unwrap();
    assert_eq!(&serde_json::from_str::<Proof>(&text).unwrap(), proof);
}

#[test]
fn a_listener_that_lets_this_host_in_comes_first() {
    let stand = listening(
        "    listen 127.0.0.1:443 ssl http2;\n    listen 10.0.0.5:443 ssl;\n    allow 10.0.0.0/8;\n    deny all;",
    );
    let plan = stand.with_address("10.0.0.5").planned();
    assert_eq!(
        proof(&plan).listeners,
        addresses(&["10.0.0.5:443", "127.0.0.1:443"])
    );
    assert_eq!(proof(&plan).barred.len(), 1);
}

#[test]
fn a_server_for_agents_beside_the_user_interface_is_refused() {
    let stock = Stand::stock();
    let whole = &stock.files[NMS_HTTP];
    let start = whole.find("    # Measurements").unwrap();
    let end = whole.find("\n    # Judges").unwrap();
    let own = "/etc/nginx/conf.d/zz-agents.conf";
    let server = |name: &str| {
        format!(
            "server {{\n    listen 443 ssl http2;\n    server_name {name};\n    ssl_certificate \
             /etc/nms/certs/manager-server.pem;\n    ssl_certificate_key \
             /etc/nms/certs/manager-server.key;\n    ssl_client_certificate \
             /etc/nms/certs/ca.pem;\n    ssl_verify_client on;\n{}\n}}\n",
            &whole[start..end]
        )
    };
    let stand = stock
        .clone()
        .edit(&whole[start..end], "")
        .with_file(own, &server("agents.example.com"));
    for stand in [stand.clone(), stand.ssl_termination()] {
        refused(
            &stand,
            own,
            "server {",
            "would take the user interface away",
        );
        assert!(stand.refusal().contains(&format!("{NMS_HTTP}:")));
    }
}
