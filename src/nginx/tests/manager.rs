//! The whole of it on a host in the shape of an Instance Manager: find what serves the agents,
//! by what it does, and change only that.

use super::super::{
    Edit, Http, Server, Target, apply, commented, insert_after, insert_at_end, set_args, uncomment,
};
use super::Shelf;

const MAIN: &str = "user nginx;\nevents { worker_connections 1024; }\nhttp {\n    include mime.types;\n    default_type text/plain;\n    include /etc/nginx/conf.d/*.conf;\n}\n";

/// Tabs, carriage returns, aligned values, switched-off directives: as vendors ship files.
const OWN: &str = "# Kept by the package.\r
map $uri $to_service {\r
\tdefault\t\tui-service;\r
\t~^/api/dpm\tdpm-service;\r
}\r
upstream ui-service { server unix:/var/run/nms/core.sock; }\r
upstream dpm-service { zone dpm 64k; server unix:/var/run/nms/dpm.sock; }\r
upstream agents-service { server unix:/var/run/nms/am.sock; }\r
\r
server {\r
\tlisten\t\t443 ssl;\r
\tserver_name\t_;\r
\tssl_certificate\t\t/etc/nms/certs/manager-server.pem;\r
\t#ssl_client_certificate\t/etc/nms/certs/ca.pem;\t# for agents\r
\tssl_verify_client\toff;\r
\r
\tlocation / { proxy_pass http://$to_service; }\r
\tlocation = /check { internal; return 204; }\r
\tlocation /f5.nginx.agent.sdk.Commander {\r
\t\tinclude /etc/nms/nginx/errors.loc;\r
\t\t# auth_request /check;\r
\t\tgrpc_pass grpc://agents-service;\r
\t}\r
\tlocation /f5.nginx.agent.sdk.MetricsService {\r
\t\tgrpc_pass grpc://unix:/run/nms/am.sock;\r
\t}\r
}";

fn host() -> Shelf {
    Shelf::of(&[
        ("/etc/nginx/nginx.conf", MAIN),
        ("/etc/nginx/mime.types", "types { text/html html; }\n"),
        ("/etc/nginx/conf.d/nms-http.conf", OWN),
        (
            "/etc/nginx/conf.d/zz.conf",
            "server { listen 443 ssl; server_name other; }\n",
        ),
        (
            "/etc/nms/nginx/errors.loc",
            "error_page 401 = @unauthenticated;\n",
        ),
    ])
}

const COMMANDER: &str = "/f5.nginx.agent.sdk.Commander/CommandChannel";

fn serves_agents(http: &Http<'_>, server: &Server<'_>) -> bool {
    let location = http.find_location_for(server, COMMANDER).location;
    location.is_some_and(|location| !location.scope.own("grpc_pass").is_empty())
}

#[test]
fn the_agents_server_is_found_by_what_it_does() {
    let config = host().load().unwrap();
    let http = config.http().unwrap();
    let found: Vec<&Server<'_>> = http
        .servers
        .iter()
        .filter(|server| serves_agents(&http, server))
        .collect();
    let [server] = found[..] else {
        panic!("{} servers", found.len())
    };
    assert_eq!(
        config.shown(&server.directive.at),
        "/etc/nginx/conf.d/nms-http.conf:10"
    );
    let socket = server.listens[0].sockets().next().unwrap();
    assert_eq!(http.default_server(&socket), Some(server));

    let backends = |path: &str| {
        let location = http.find_location_for(server, path).location.unwrap();
        let pass = ["grpc_pass", "proxy_pass"];
        let pass = pass
            .iter()
            .flat_map(|name| location.scope.own(name))
            .next()
            .unwrap();
        http.backends(&Target::of(pass).unwrap())
    };
    // Only the host can tell that these are one; a plan asks it.
    let shown = |path: &str| {
        let peers = backends(path).into_iter();
        peers.map(|peer| peer.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(shown(COMMANDER), ["unix:/var/run/nms/am.sock"]);
    assert_eq!(
        shown("/f5.nginx.agent.sdk.MetricsService/Stream"),
        ["unix:/run/nms/am.sock"]
    );
    assert!(backends("/ui").is_disjoint(&backends(COMMANDER)));
}

#[test]
fn mutual_tls_is_turned_on_and_nothing_else_changes() {
    let config = host().load().unwrap();
    let http = config.http().unwrap();
    let server = &http.servers[0];
    let verify = server.scope.own("ssl_verify_client")[0];
    let lines = ["location = /own {", "    internal;", "}"].map(str::to_owned);

    let mut edits: Vec<Edit<&str>> = vec![
        set_args(&config, verify, "optional", "ask for certificates"),
        insert_at_end(&config, server.directive, &lines, "our check"),
    ];
    for comment in commented(&config, server.directive) {
        edits.push(uncomment(
            &config,
            &comment,
            "/etc/nms/certs/nim-tls-ca.pem",
            "whom to trust",
        ));
    }
    for level in server.all_locations() {
        let Some(pass) = level.scope.own("grpc_pass").first().copied() else {
            continue;
        };
        if let [check] = &commented(&config, level.directive)[..] {
            edits.push(uncomment(&config, check, "/own", "who is it"));
        } else {
            let line = ["auth_request /own;".to_owned()];
            edits.push(insert_after(&config, pass, &line, "who is it"));
        }
    }
    let edited = apply(OWN, &edits).unwrap();

    let expected = OWN
        .replace("client\toff", "client\toptional")
        .replace("#ssl_client_certificate\t/etc/nms/certs/ca.pem", "ssl_client_certificate\t/etc/nms/certs/nim-tls-ca.pem")
        .replace("# auth_request /check", "auth_request /own")
        .replace(
            "unix:/run/nms/am.sock;\r\n\t}\r\n}",
            "unix:/run/nms/am.sock;\r\n\t\tauth_request /own;\r\n\t}\r\n\tlocation = /own {\r\n\t\tinternal;\r\n\t}\r\n}",
        );
    assert_eq!(edited.text, expected);
    let reasons = [
        (14..15, "whom to trust"),
        (15..16, "ask for certificates"),
        (21..22, "who is it"),
        (26..27, "who is it"),
        (28..31, "our check"),
    ];
    assert_eq!(edited.generated, reasons);

    // What was said is what is now the case, and saying it again changes nothing.
    let mut shelf = host();
    let path = "/etc/nginx/conf.d/nms-http.conf".to_owned();
    shelf.0.insert(path, edited.text.clone().into_bytes());
    let config = shelf.load().unwrap();
    let http = config.http().unwrap();
    let server = &http.servers[0];
    let location = http.find_location_for(server, COMMANDER).location.unwrap();
    assert_eq!(location.scope.value("auth_request"), Some("/own"));
    assert_eq!(location.scope.value("ssl_verify_client"), Some("optional"));
    assert_eq!(location.scope.value("error_page"), Some("401"));
    assert_eq!(commented(&config, server.directive), []);
    let verify = server.scope.own("ssl_verify_client")[0];
    let again = apply(&edited.text, &[set_args(&config, verify, "optional", ())]).unwrap();
    assert_eq!(again.text, edited.text);
}
