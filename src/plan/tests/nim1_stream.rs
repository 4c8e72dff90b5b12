//! NGINX Instance Manager 1: agents met below HTTP.

use super::stand::{Stand, changed, file, text};
use crate::plan::Status;

const FILE: &str = "/etc/nginx/stream.conf.d/nginx-grpc-stream.conf";
const MAIN: &str = "/etc/nginx/nginx.conf";

fn stream() -> Stand {
    let mut stand = Stand::nim1();
    stand.modules.extend(["stream", "stream_ssl_module"]);
    stand.answer("alt_names", "options: {grpc_context: stream}\nalt_names")
}

/// A tree: the manager would have to be restarted, which nothing here can do.
fn passed() -> Stand {
    stream()
        .not_live()
        .answer("stream}", "stream, grpc_passthrough: true}")
}

/// Its change log has `ssl_alpn` in 1.21.4.
#[test]
fn an_nginx_that_cannot_is_told_what_it_lacks() {
    for (stand, said) in [
        (
            stream().without_module("stream"),
            "built without --with-stream",
        ),
        (
            stream().without_module("stream_ssl_module"),
            "built without --with-stream_ssl_module",
        ),
        (
            stream().with_version("nginx/1.21.3"),
            "ssl_alpn from 1.21.4",
        ),
    ] {
        let refusal = stand.refusal();
        assert!(refusal.contains(said), "{refusal}");
    }
    assert!(changed(&stream().with_version("nginx/1.21.4").planned()).contains(&FILE));
    // Bytes alone are passed on by any.
    let old = passed().without_module("stream_ssl_module");
    let plan = old.with_version("nginx/1.18.0").planned();
    assert!(!text(&plan, FILE).contains("ssl"), "{}", text(&plan, FILE));
}

#[test]
fn a_module_of_its_own_has_to_be_loaded() {
    let mut stand = stream().without_module("stream");
    stand.modules.push("stream=dynamic");
    assert!(stand.refusal().contains("does not load"));
    let loads = "load_module modules/ngx_stream_module.so;\n";
    let main = format!("{loads}{}", stand.files[MAIN]);
    let stand = stand.with_file(MAIN, &main);
    let plan = stand.planned();
    let whole = text(&plan, MAIN);
    assert_eq!(
        whole,
        format!("{main}stream {{\n    include /etc/nginx/stream.conf.d/*.conf;\n}}\n")
    );
    let [(lines, reason)] = file(&plan, MAIN).reasons.as_slice() else {
        panic!("{:?}", file(&plan, MAIN).reasons)
    };
    let end = u32::try_from(whole.lines().count()).unwrap();
    assert_eq!(
        (lines.clone(), reason.id.as_str()),
        (end - 2..end + 1, "stream-include")
    );
}

/// Where redirecting edits the main file too, both edits are in it and shown.
#[test]
fn the_main_file_may_be_edited_for_something_else_as_well() {
    let other = "    server {\n        listen 443 ssl;\n        server_name o.example.com;\n        \
                 ssl_certificate /etc/ssl/o.crt;\n        ssl_certificate_key /etc/ssl/o.key;\n        \
                 ssl_protocols TLSv1.1 TLSv1.2;\n    }\n}\n";
    let (_, pair) = &*super::authority::VENDOR;
    let stand = stream()
        .with_file("/etc/ssl/o.crt", &pair.chain)
        .with_file("/etc/ssl/o.key", &pair.key);
    let main = stand.files[MAIN].clone();
    let (head, _) = main.rsplit_once("}\n").unwrap();
    let stand = stand.with_file(MAIN, &format!("{head}{other}"));
    let plan = stand.planned();
    let change = file(&plan, MAIN);
    assert_eq!(
        change.text_before.as_deref(),
        Some(stand.files[MAIN].as_str())
    );
    assert_eq!(change.status, Status::Change);
    let now = text(&plan, MAIN);
    assert!(
        now.contains("stream {") && now.contains("TLSv1.2 TLSv1.3"),
        "{now}"
    );
    for line in ["ssl_protocols", "include /etc/nginx/stream.conf.d"] {
        let at = now.lines().position(|one| one.contains(line)).unwrap() + 1;
        let at = u32::try_from(at).unwrap();
        let mut reasons = change.reasons.iter();
        assert!(
            reasons.any(|(lines, _)| lines.contains(&at)),
            "{line}: {:?}",
            change.reasons
        );
    }
    assert!(stand.settled().planned().is_empty());
}

#[test]
fn applying_twice_changes_nothing_in_either_way() {
    for stand in [stream(), passed(), stream().ssl_termination()] {
        assert!(stand.settled().planned().is_empty());
    }
}
