//! NGINX Instance Manager 1: the nginx before it.

use super::judge;
use super::stand::{Stand, changed, file, text};
use crate::facts::MANAGER_FILE;
use crate::plan::{Action, Plan, Proof, Status};

const GRPC: &str = "/etc/nginx/conf.d/nginx-manager-grpc.conf";
const UI: &str = "/etc/nginx/conf.d/nginx-manager-noauth.conf";
const OTHER: &str = "/etc/nginx/conf.d/other.conf";

fn judged() -> Stand {
    let stand = Stand::nim1().with_version(&judge::version());
    stand.without_module(if judge::has_status_page() {
        "none"
    } else {
        "http_stub_status_module"
    })
}

fn proof(plan: &Plan) -> &Proof {
    let found = plan.steps.iter().find_map(|step| match &step.action {
        Action::Prove(proof) => Some(proof),
        _ => None,
    });
    found.expect("a proof")
}

/// Somebody else's site on port 443, the default of it by being the only one.
fn other_site(listen: &str) -> String {
    format!(
        "server {{\n    {listen}\n    server_name other.example.com;\n    ssl_certificate \
         /etc/ssl/o.crt;\n    ssl_certificate_key /etc/ssl/o.key;\n    ssl_protocols TLSv1.2 \
         TLSv1.3;\n    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;\n    return 200 other;\n}}\n"
    )
}

pub(super) fn beside(stand: Stand, listen: &str) -> Stand {
    let (_, pair) = &*super::authority::VENDOR;
    stand
        .with_file(OTHER, &other_site(listen))
        .with_file("/etc/ssl/o.crt", &pair.chain)
        .with_file("/etc/ssl/o.key", &pair.key)
}

#[test]
fn a_real_nginx_takes_the_files_of_each_method_and_applying_twice_changes_nothing() {
    for stand in [
        judged(),
        judged().ssl_termination(),
        judged().answer("alt_names", "options: {enforce: observe}\nalt_names"),
        judged().answer("alt_names", "options: {redirect_http: true}\nalt_names"),
        judged().answer("alt_names", "options: {security_headers: false}\nalt_names"),
        judged().answer("alt_names", "options: {status_page: false}\nalt_names"),
        judged().with_address("2001:db8::5"),
        beside(judged(), "listen 443 ssl;"),
        beside(judged(), "listen [::]:443 ssl; listen 10.0.0.5:443 ssl;"),
    ] {
        judge::accepts(&stand.settled());
    }
}

#[test]
fn only_agents_with_a_certificate_pass_and_the_port_is_theirs_alone() {
    let plan = Stand::nim1().planned();
    let grpc = text(&plan, GRPC);
    for line in [
        "    listen *:10443 ssl http2;",
        "    ssl_verify_client on;",
        "    ssl_client_certificate /etc/ssl/nginx-manager/ca.pem;",
        "        grpc_pass grpc://nginx-manager_grpc_servers;",
        "    ssl_session_cache off;",
    ] {
        assert!(grpc.contains(&format!("{line}\n")), "{line}\n{grpc}");
    }
    assert!(!text(&plan, UI).contains("grpc"));
    let proof = proof(&plan);
    assert_eq!(
        proof.agents_listeners(),
        ["127.0.0.1:10443".parse().unwrap()]
    );
    assert_eq!(proof.listeners, ["127.0.0.1:443".parse().unwrap()]);
    assert!(proof.agents.as_ref().unwrap().enforced);
    // Newer versions have a directive for HTTP/2.
    let newer = Stand::nim1().newer().planned();
    let grpc = text(&newer, GRPC);
    assert!(
        grpc.contains("    listen *:10443 ssl;\n    http2 on;\n"),
        "{grpc}"
    );
}

/// Red where a server that sorts first takes the names that nobody knows (`others_stay_default`).
#[test]
fn whoever_answered_to_unknown_names_goes_on_doing_so() {
    let plan = beside(Stand::nim1(), "listen 443 ssl;").planned();
    let other = text(&plan, OTHER);
    assert!(other.contains("listen 443 ssl default_server;"), "{other}");
    assert!(proof(&plan).nameless_elsewhere);
    // One that is named as the default, or read first, stays as it is written.
    for stand in [
        beside(Stand::nim1(), "listen 443 ssl default_server;"),
        Stand::nim1()
            .with_file("/etc/nginx/conf.d/a.conf", &other_site("listen 443 ssl;"))
            .with_file("/etc/ssl/o.crt", "")
            .with_file("/etc/ssl/o.key", ""),
    ] {
        let plan = stand.planned();
        assert!(!changed(&plan).contains(&OTHER));
        assert!(!changed(&plan).contains(&"/etc/nginx/conf.d/a.conf"));
        assert!(proof(&plan).nameless_elsewhere);
    }
}

#[test]
fn what_the_servers_could_not_stand_beside_is_refused_with_its_place() {
    let pass = |listen: &str| {
        format!(
            "server {{\n    {listen}\n    location / {{ grpc_pass grpc://127.0.0.1:10000; }}\n}}\n"
        )
    };
    for (stand, said) in [
        (
            Stand::nim1().with_file(OTHER, &pass("listen 9000 http2;")),
            "/etc/nginx/conf.d/other.conf:3: passes to grpc://127.0.0.1:10000, which is the manager",
        ),
        (
            Stand::nim1().with_file(
                OTHER,
                "server { listen 9001; location / { grpc_ssl_certificate /a.crt; grpc_pass \
                 grpcs://127.0.0.1:10443; } }\n",
            ),
            "passes to the agents' port 10443, or may do so, with a certificate of its own",
        ),
        (
            Stand::nim1().edit_file(
                "/etc/nginx/nginx.conf",
                "http {",
                "stream { server { listen 9001; proxy_ssl on; proxy_ssl_certificate /a.crt; \
                 proxy_pass 127.0.0.1:10443; } }\nhttp {",
            ),
            "/etc/nginx/nginx.conf:11: passes to the agents' port 10443, or may do so, with a certificate",
        ),
        (
            Stand::nim1().with_file(OTHER, "server { listen 10443; return 200; }\n"),
            "/etc/nginx/conf.d/other.conf:1: this server listens on port 10443",
        ),
        (
            Stand::nim1().with_file(OTHER, "server { listen 443; return 200; }\n"),
            "/etc/nginx/conf.d/other.conf:1: this server answers on port 443 without TLS",
        ),
        (
            beside(Stand::nim1(), "listen 443 ssl;").edit_file(
                OTHER,
                "other.example.com",
                "nim.example.com",
            ),
            "/etc/nginx/conf.d/other.conf:1: this server answers to nim.example.com on port 443",
        ),
        (
            Stand::nim1().with_file(GRPC, "# by hand\n"),
            "/etc/nginx/conf.d/nginx-manager-grpc.conf is there, and is not as nim-tls wrote it",
        ),
        (
            Stand::nim1().edit_file(MANAGER_FILE, "grpc_port: 10000", "grpc-port: 10000"),
            "/etc/nginx-manager/nginx-manager.conf has grpc-port",
        ),
        (
            Stand::nim1().edit_file(MANAGER_FILE, "grpc_port: 10000", "grpc_port: ten"),
            "grpc_port is \"ten\", which is no port",
        ),
        (
            Stand::nim1().with_file(
                OTHER,
                "server { listen 88; location / { proxy_pass http://127.0.0.1:11000; } }\n",
            ),
            "/etc/nginx/conf.d/other.conf:1: passes to http://127.0.0.1:11000, which is the manager",
        ),
        (
            beside(Stand::nim1(), "listen 127.0.0.1:443 ssl;"),
            "nginx listens on port 443 for this host alone (127.0.0.1:443)",
        ),
        (
            Stand::nim1().edit_file(MANAGER_FILE, "127.0.0.1", "nim.example.com"),
            "bind_address is \"nim.example.com\", and where that leads could not be told",
        ),
        (
            Stand::nim1().answer("alt_names", "ports: {https: 11000}\nalt_names"),
            "ports.https is 11000, and so is the manager's gateway_port",
        ),
        (
            Stand::nim1().edit_file(MANAGER_FILE, "grpc_port: 10000", "grpc_port: 10001"),
            "nobody listens on port 10001 of 127.0.0.1",
        ),
        (
            Stand::nim1().with_file(
                OTHER,
                "upstream z { server 127.0.0.1:1; }\nupstream NGINX-manager_servers { server \
                 127.0.0.1:11000; }\n",
            ),
            "/etc/nginx/conf.d/other.conf:2: upstream NGINX-manager_servers is there already",
        ),
        (
            Stand::nim1().with_stranger("0.0.0.0:10443"),
            "port 10443 belongs to stranger",
        ),
    ] {
        let found = stand.refusal();
        assert!(found.contains(said), "{said}\n{found}");
    }
}

/// Red where ports of today are compared with those of the new files alone.
#[test]
fn a_port_that_is_given_up_is_said() {
    let said = |stand: &Stand| {
        let notes = stand.planned().notes.into_iter();
        notes
            .filter(|note| note.contains("no longer listen"))
            .collect::<Vec<_>>()
    };
    let stand = Stand::nim1();
    assert!(said(&stand).is_empty());
    let moved = stand
        .applied()
        .answer("alt_names", "ports: {grpc: 10444}\nalt_names");
    let notes = said(&moved);
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].contains("listen on port 10443: agents"),
        "{notes:?}"
    );
    let held = moved.with_file(OTHER, "server { listen 10443; return 404; }\n");
    assert!(said(&held).is_empty());
}

/// Browsers remember it for a name, whatever the port: said before the first time, and not again.
#[test]
fn that_browsers_will_insist_on_https_is_said_once() {
    let said = |stand: &Stand| {
        let notes = stand.planned().notes.join("\n");
        notes.contains("Strict-Transport-Security is sent from now on")
    };
    assert!(said(&Stand::nim1()));
    let other = "options: {status_page: false}\nalt_names";
    assert!(!said(&Stand::nim1().applied().answer("alt_names", other)));
    let without = "options: {security_headers: false}\nalt_names";
    assert!(!said(&Stand::nim1().answer("alt_names", without)));
}

/// Red where the settings of before stay in force beside nginx.
#[test]
fn the_manager_itself_goes_back_to_loopback_and_without_tls() {
    let stand = Stand::nim1()
        .edit_file(
            MANAGER_FILE,
            "bind_address: 127.0.0.1\n",
            "bind_address: 0.0.0.0\ncert: /etc/ssl/a.crt\nkey: /etc/ssl/a.key # ours\n",
        )
        .with_address("10.0.0.5");
    // There is no systemd, so it could not be restarted, and would stay open beside nginx.
    assert!(
        stand
            .refusal()
            .contains("no service nginx-manager of systemd")
    );
    let plan = stand.clone().not_live().planned();
    assert_eq!(
        text(&plan, MANAGER_FILE),
        "# Where it listens.\nbind_address: \"127.0.0.1\"\n# cert: /etc/ssl/a.crt\n\
         # key: /etc/ssl/a.key # ours\ngrpc_port: 10000\ngateway_port: 11000\n"
    );
    assert_eq!(file(&plan, MANAGER_FILE).reasons.len(), 3);
    // What its file says is nothing to go by where it listens elsewhere.
    let mut open = Stand::nim1();
    open.services = vec![
        "0.0.0.0:10000".parse().unwrap(),
        "127.0.0.1:11000".parse().unwrap(),
    ];
    assert!(
        open.refusal()
            .contains("no service nginx-manager of systemd")
    );
    // As it is shipped, nothing of it changes, and it can be seen that nobody else reaches it.
    let plan = Stand::nim1().with_address("10.0.0.5").planned();
    assert_eq!(file(&plan, MANAGER_FILE).status, Status::Unchanged);
    assert_eq!(proof(&plan).closed.len(), 2);
}

#[test]
fn a_manager_without_settings_of_its_own_is_one_as_it_is_shipped() {
    for text in ["", "# nothing is said\n", "log: {level: info}\n"] {
        let plan = Stand::nim1().with_file(MANAGER_FILE, text).planned();
        assert!(!changed(&plan).contains(&MANAGER_FILE), "{text:?}");
    }
    let mut gone = Stand::nim1();
    gone.files.remove(MANAGER_FILE);
    // What tells that it is there is gone with it, where no package does.
    gone.files.insert(
        "/var/lib/dpkg/status".to_owned(),
        "Package: nginx-manager\nStatus: install ok installed\nVersion: 1.0.4\n".to_owned(),
    );
    assert!(!changed(&gone.planned()).contains(&MANAGER_FILE));
}

#[test]
fn a_status_page_takes_no_port_from_anybody() {
    for text in [
        "server { listen 8080; return 200; }\n",
        "server { listen 127.0.0.1:8080; server_name localhost; return 200; }\n",
    ] {
        let plan = Stand::nim1().with_file(OTHER, text).planned();
        assert!(!changed(&plan).contains(&"/etc/nginx/conf.d/stub-status.conf"));
        let notes = plan.notes.join("\n");
        assert!(
            notes.contains("other.conf:1: this server listens on port 8080"),
            "{notes}"
        );
    }
    let plan = Stand::nim1()
        .applied()
        .answer("alt_names", "options: {status_page: false}\nalt_names");
    // Of no use any more.
    let gone = file(&plan.planned(), "/etc/nginx/conf.d/stub-status.conf").status;
    assert_eq!(gone, Status::Remove);
    assert!(plan.settled().planned().is_empty());
}

/// Red where only the page of the NGINX that is there now is looked for (`Places::all`).
#[test]
fn the_status_page_of_the_other_nginx_goes_and_a_strangers_of_that_name_stays() {
    const STUB: &str = "/etc/nginx/conf.d/stub-status.conf";
    const API: &str = "/etc/nginx/conf.d/status-api.conf";
    let plus = |stand: Stand| {
        stand
            .with_version("nginx/1.27.4 (nginx-plus-r34)")
            .answer("proxy: nginx-oss", "proxy: nginx-plus")
    };
    let after = plus(Stand::nim1().applied());
    assert_eq!(file(&after.planned(), STUB).status, Status::Remove);
    assert!(text(&after.planned(), API).contains("api;"));
    assert!(after.settled().planned().is_empty());
    let stranger = "server { listen 8090; return 200; }\n";
    let plan = plus(Stand::nim1().with_file(STUB, stranger)).planned();
    assert!(!changed(&plan).contains(&STUB));
}

#[test]
fn less_than_today_is_said_first_and_shown_line_by_line() {
    let after = Stand::nim1().applied().ssl_termination();
    let plan = after.planned();
    assert!(
        plan.notes[0].starts_with("LESS THAN TODAY"),
        "{:?}",
        plan.notes
    );
    let before = file(&plan, GRPC).text_before.as_deref().unwrap();
    assert!(before.contains("ssl_verify_client on;"));
    assert!(!text(&plan, GRPC).contains("ssl_verify_client"));
}

#[test]
fn answers_of_grpc_are_kept_where_no_pattern_reads_them() {
    let plan = judged().edit_file("/etc/nginx/nginx.conf", "conf.d/*.conf", "conf.d/*");
    let grpc = plan.planned();
    assert!(text(&grpc, GRPC).contains("include /etc/nginx/errors.grpc_conf;"));
    judge::accepts(&plan.settled());
}

#[test]
fn what_only_nginx_plus_has_is_planned_for_it_alone() {
    let plus = Stand::nim1()
        .with_version("nginx/1.27.4 (nginx-plus-r34)")
        .answer("proxy: nginx-oss", "proxy: nginx-plus");
    let of_plus = ["status_zone", "health_check", "api;"];
    let all = |plan: &Plan| {
        let files = plan
            .files
            .iter()
            .filter(|file| file.path.as_str().contains("/nginx/"));
        files
            .map(|file| text(plan, file.path.as_str()))
            .collect::<String>()
    };
    let oss = all(&Stand::nim1().planned());
    assert!(of_plus.iter().all(|name| !oss.contains(name)), "{oss}");
    let with = all(&plus.planned());
    assert!(of_plus.iter().all(|name| with.contains(name)), "{with}");
    // Agents are called by nothing but agents: their health is checked where that was chosen.
    assert!(!text(&plus.planned(), GRPC).contains("health_check"));
    let checks = plus.answer("method: client-mtls", "method: grpc-health-checks");
    let grpc = text(&checks.planned(), GRPC).to_owned();
    assert!(
        grpc.contains("health_check type=grpc grpc_status=12;"),
        "{grpc}"
    );
    let open = checks.answer("alt_names", "options: {grpc_publish: open}\nalt_names");
    let plan = open.planned();
    assert!(
        !text(&plan, GRPC).contains("ssl_certificate"),
        "{}",
        text(&plan, GRPC)
    );
    assert!(
        plan.notes.iter().any(|note| note.contains("NOT ENCRYPTED")),
        "{:?}",
        plan.notes
    );
}
