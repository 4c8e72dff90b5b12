//! The server that sends browsers on, beside whoever answers on port 80 already.

use super::difference::{difference, holds};
use super::stand::{NMS_HTTP, Stand, changed, text};
use crate::plan::Action;

const OWN: &str = "/etc/nginx/conf.d/nim-tls-redirect.conf";
const OTHER: &str = "/etc/nginx/conf.d/zz-other.conf";

fn asked() -> Stand {
    Stand::stock().answer(
        "certificates:",
        "options: {redirect_http: true}\ncertificates:",
    )
}

fn other(listen: &str, name: &str) -> String {
    format!("server {{\n    listen {listen};\n    server_name {name};\n    return 204;\n}}\n")
}

fn own_lines(stand: &Stand) -> Vec<String> {
    let plan = stand.planned();
    let lines = text(&plan, OWN).lines().map(str::trim);
    let of_server = lines.filter(|line| line.ends_with(';'));
    of_server.map(str::to_owned).collect()
}

const TO: &str = "return 301 https://nim.example.com$request_uri;";

#[test]
fn the_names_of_the_certificate_are_sent_on() {
    let stand = asked().answer("alt_names: []", "alt_names: [nim, 10.0.0.5, '2001:db8::1']");
    let mut lines = own_lines(&stand);
    let names = lines.remove(1);
    let mut names: Vec<&str> = names.trim_end_matches(';').split(' ').collect();
    names.sort_unstable();
    let mut wanted = [
        "10.0.0.5",
        "[2001:db8::1]",
        "nim",
        "nim.example.com",
        "server_name",
    ];
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    assert_eq!(lines, ["listen *:80;", TO]);
    let plan = stand.planned();
    let proof = plan.steps.iter().find_map(|step| match &step.action {
        Action::Prove(proof) => proof.redirect.clone(),
        _ => None,
    });
    let proof = proof.expect("it is proven");
    assert_eq!(proof.to, "https://nim.example.com");
    assert_eq!(
        proof.addresses,
        ["127.0.0.1:80".parse().expect("an address")]
    );
    let listens = plan.steps.iter().find_map(|step| match &step.action {
        Action::Reload(command) => Some(command.listens.clone()),
        _ => None,
    });
    let on_80 = "0.0.0.0:80".parse().expect("an address");
    assert!(listens.expect("a reload").contains(&on_80));
    holds(&stand);
}

#[test]
fn it_listens_where_the_manager_does_and_where_somebody_is_alone() {
    let both = asked().edit(
        "listen 443 ssl http2;",
        "listen 443 ssl http2;\n    listen [::]:443 ssl http2;",
    );
    assert_eq!(own_lines(&both)[..2], ["listen *:80;", "listen [::]:80;"]);
    let one = asked().edit("listen 443 ssl http2;", "listen 10.0.0.5:443 ssl http2;");
    assert_eq!(own_lines(&one)[..1], ["listen 10.0.0.5:80;"]);
    // Whoever has an address for himself would hide a server on all of them there.
    let hidden = asked().with_file(
        OTHER,
        &other("10.0.0.7:80 default_server", "other.example.com"),
    );
    assert_eq!(
        own_lines(&hidden)[..2],
        ["listen *:80;", "listen 10.0.0.7:80;"]
    );
    holds(&hidden);
    // One line for both families leaves no room for one of IPv4.
    let dual = asked().with_file(
        OTHER,
        &other("[::]:80 ipv6only=off default_server", "other.example.com"),
    );
    assert_eq!(own_lines(&dual)[..1], ["listen [::]:80;"]);
    holds(&dual);
}

#[test]
fn whoever_answers_to_all_other_names_goes_on_doing_so() {
    let named = asked().with_file(OTHER, &other("80 default_server", "_"));
    assert_eq!(own_lines(&named)[..1], ["listen *:80;"]);
    assert!(!changed(&named.planned()).contains(&OTHER));
    let first = asked().with_file(OTHER, &other("80", "_"));
    let (_, new) = difference(&first, OTHER);
    assert_eq!(new, ["    listen 80 default_server;"]);
    assert_eq!(own_lines(&first)[..1], ["listen *:80;"]);
    holds(&first);
    let unnamed = asked().with_file(OTHER, "server {\n    return 204;\n}\n");
    let said = unnamed.refusal();
    assert!(said.contains("because it is read first"), "{said}");
}

#[test]
fn pages_of_the_manager_are_no_longer_served_without_tls() {
    let plain = asked().edit(
        "    listen 443 ssl http2;\n",
        "    listen 80;\n    listen 443 ssl http2;\n",
    );
    let (old, _) = difference(&plain, NMS_HTTP);
    assert!(old.contains(&"    listen 80;".to_owned()), "{old:?}");
    assert_eq!(own_lines(&plain)[..1], ["listen *:80;"]);
    holds(&plain);
    // It answered for all names; the pages of the other site were reached by name only.
    let beside = plain.with_file(OTHER, &other("80", "other.example.com"));
    assert_eq!(own_lines(&beside)[..1], ["listen *:80 default_server;"]);
    assert!(!changed(&beside.planned()).contains(&OTHER));
    holds(&beside);
}

#[test]
fn what_stands_in_the_way_is_said() {
    let taken = asked().with_stranger("0.0.0.0:80").refusal();
    assert!(taken.contains("port 80 belongs to"), "{taken}");
    let named = asked()
        .with_file(OTHER, &other("80", "nim.example.com"))
        .refusal();
    assert!(
        named.starts_with(&format!(
            "{OTHER}:1: this server answers to nim.example.com on port 80"
        )),
        "{named}"
    );
    for word in ["ssl", "proxy_protocol"] {
        let other = other(&format!("80 {word} default_server"), "other.example.com");
        let said = asked().with_file(OTHER, &other).refusal();
        assert!(said.contains("is not for browsers without TLS"), "{said}");
    }
    let nowhere = asked()
        .edit_file(
            "/etc/nginx/nginx.conf",
            "include /etc/nginx/conf.d/*.conf;",
            "include /etc/nginx/conf.d/nms-http.conf;",
        )
        .edit_file(
            "/etc/nginx/nginx.conf",
            "include /etc/nginx/sites-enabled/*;",
            "",
        )
        .refusal();
    assert!(
        nowhere.contains("nginx reads no folder of files"),
        "{nowhere}"
    );
    let stays = asked()
        .settled()
        .answer("redirect_http: true", "redirect_http: false")
        .planned();
    assert!(
        stays
            .notes
            .iter()
            .any(|note| note.starts_with("left as it is: /etc/nginx/conf.d/nim-tls-redirect.conf")),
        "{:?}",
        stays.notes
    );
}

#[test]
fn another_port_is_part_of_the_address() {
    let stand = asked()
        .edit("listen 443 ssl http2;", "listen 8443 ssl http2;")
        .answer("alt_names: []", "ports: {https: 8443}\nalt_names: []");
    assert_eq!(
        own_lines(&stand)[2],
        "return 301 https://nim.example.com:8443$request_uri;"
    );
    holds(&stand);
}

#[test]
fn beside_somebody_on_every_address_only_names_are_taken() {
    let stand = asked()
        .edit("listen 443 ssl http2;", "listen 10.0.0.5:443 ssl http2;")
        .with_file(OTHER, &other("80 default_server", "wiki.example.com"));
    assert_eq!(own_lines(&stand)[..1], ["listen *:80;"]);
    stand.settled();
}

#[test]
fn names_that_led_to_the_manager_go_on_leading_to_it() {
    let plain = asked()
        .edit(
            "server_name _;",
            "server_name nim.example.com nim-old.example.com;",
        )
        .edit(
            "    listen 443 ssl http2;\n",
            "    listen 80;\n    listen 443 ssl http2;\n",
        )
        .with_file(OTHER, &other("80 default_server", "wiki.example.com"));
    assert_eq!(
        own_lines(&plain)[1],
        "server_name nim.example.com nim-old.example.com;"
    );
    holds(&plain);
    let pattern = plain.edit("nim-old.example.com", "~^old\\d");
    assert!(pattern.refusal().contains("cannot be carried over"));
}

#[test]
fn a_line_for_both_families_is_not_taken_away_by_itself() {
    let both = asked().edit(
        "    listen 443 ssl http2;\n",
        "    listen [::]:80 ipv6only=off;\n    listen 443 ssl http2;\n",
    );
    let said = both.refusal();
    assert!(
        said.contains("the manager itself listens on port 80 here"),
        "{said}"
    );
}

#[test]
fn nginx_opens_no_socket_for_one_address_beside_one_for_all() {
    let hidden = asked().with_file(
        OTHER,
        &other("10.0.0.7:80 default_server", "other.example.com"),
    );
    let plan = hidden.planned();
    let listens = plan.steps.iter().find_map(|step| match &step.action {
        Action::Reload(command) => Some(command.listens.clone()),
        _ => None,
    });
    let listens = listens.expect("a reload");
    assert!(
        listens.contains(&"0.0.0.0:80".parse().expect("an address")),
        "{listens:?}"
    );
}
