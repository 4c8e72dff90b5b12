//! Security headers: which lines are written, and where.

use super::difference::{HSTS, NOSNIFF, REFERRER, difference, holds};
use super::stand::{NMS_HTTP, Stand, text};
use crate::plan::Action;

/// The `add_header` lines of the block that begins with this line, as they would be.
fn headers_in(text: &str, block: &str) -> Vec<String> {
    let lines = text.lines().skip_while(|line| !line.contains(block));
    let inside = lines.skip(1).take_while(|line| !line.contains('}'));
    let headers = inside
        .map(str::trim)
        .filter(|line| line.starts_with("add_header"));
    headers.map(str::to_owned).collect()
}

#[test]
fn the_user_interface_gets_them_although_it_has_a_header_of_its_own() {
    let stand = Stand::stock();
    let plan = stand.planned();
    let text = text(&plan, NMS_HTTP);
    let ui = headers_in(text, "location /ui {");
    let frames = "add_header X-Frame-Options SAMEORIGIN always;";
    let cache = "add_header Cache-Control \"private; max-age=86400\";";
    assert_eq!(ui, [cache, NOSNIFF, frames, REFERRER, HSTS]);
    // What the vendor says stays as it is said.
    assert!(
        text.contains("\n    add_header X-Frame-Options sameorigin always;\n"),
        "{text}"
    );
    assert_eq!(text.matches(HSTS).count(), 2);
    holds(&stand);
}

#[test]
fn answers_to_agents_have_no_use_for_them() {
    let plan = Stand::stock().planned();
    let text = text(&plan, NMS_HTTP);
    let notifications = headers_in(text, "location /f5.nginx.nms.sdk.NotificationSvc {");
    assert_eq!(
        notifications,
        ["add_header Content-Type \"application/grpc-web+proto\";"]
    );
    assert!(
        plan.files
            .iter()
            .all(|file| !file.path.as_str().contains("errors-grpc"))
    );
}

#[test]
fn what_comes_from_outside_the_server_is_not_lost() {
    let outside =
        "http {\n    add_header X-Site \"a b\";\n    add_header x-content-type-options nosniff;";
    let stand = Stand::stock()
        .edit("    add_header X-Content-Type-Options nosniff;\n", "")
        .edit("    add_header X-Frame-Options sameorigin;\n", "")
        .edit_file("/etc/nginx/nginx.conf", "http {", outside);
    let plan = stand.planned();
    let text = text(&plan, NMS_HTTP);
    assert!(text.contains("    add_header X-Site \"a b\";\n"), "{text}");
    assert!(
        text.contains("    add_header x-content-type-options nosniff always;\n"),
        "{text}"
    );
    holds(&stand);
}

#[test]
fn a_time_that_somebody_chose_is_kept_unless_another_is_asked_for() {
    let theirs = "add_header Strict-Transport-Security \"max-age=600\" always;";
    let before = "    add_header X-Frame-Options sameorigin;\n";
    let stand = Stand::stock().edit(before, &format!("{before}    {theirs}\n"));
    let plan = stand.planned();
    assert!(text(&plan, NMS_HTTP).contains(&format!("    {theirs}\n")));
    let chosen = "options: {hsts_max_age: 31536000}\ncertificates:";
    let stand = stand.answer("certificates:", chosen);
    let plan = stand.planned();
    let text = text(&plan, NMS_HTTP);
    assert!(!text.contains("max-age=600\""), "{text}");
    assert_eq!(
        text.matches("max-age=31536000 always;").count(),
        2,
        "{text}"
    );
    holds(&stand);
}

#[test]
fn who_wants_none_gets_none_and_is_told_what_stays() {
    let none = "options: {security_headers: false}\ncertificates:";
    let stand = Stand::stock().answer("certificates:", none);
    let (_, new) = difference(&stand, NMS_HTTP);
    assert!(
        new.iter().all(|line| !line.contains("add_header")),
        "{new:?}"
    );
    let before = "    add_header X-Frame-Options sameorigin;\n";
    let hsts = "    add_header Strict-Transport-Security \"max-age=600\" always;\n";
    let stand = stand.edit(before, &format!("{before}{hsts}"));
    let plan = stand.planned();
    let stays =
        |note: &String| note.starts_with("left as it is: ") && note.contains("Strict-Transport");
    assert!(plan.notes.iter().any(stays), "{:?}", plan.notes);
}

#[test]
fn where_levels_add_up_nothing_is_said_twice() {
    let before = "    add_header X-Frame-Options sameorigin;\n";
    let merges = format!("    add_header_inherit merge;\n{before}");
    let stand = Stand::stock()
        .with_version("nginx/1.29.4")
        .edit(before, &merges);
    let plan = stand.planned();
    assert_eq!(text(&plan, NMS_HTTP).matches(HSTS).count(), 1);
}

#[test]
fn what_is_left_alone_is_not_proven_either() {
    let proven = |stand: &Stand| {
        let plan = stand.planned();
        let proof = plan.steps.iter().find_map(|step| match &step.action {
            Action::Prove(proof) => Some(proof.headers.clone()),
            _ => None,
        });
        proof.expect("a proof")
    };
    assert_eq!(proven(&Stand::stock()).len(), 4);
    let frames = "    add_header X-Frame-Options sameorigin;\n";
    // nginx sends no header that is empty: somebody wants none.
    let empty = Stand::stock().edit(frames, "    add_header X-Frame-Options \"\";\n");
    assert!(!proven(&empty).contains(&"X-Frame-Options".to_owned()));
    assert!(text(&empty.planned(), NMS_HTTP).contains("    add_header X-Frame-Options \"\";\n"));
    let outside = "http {\n    add_header_inherit merge;\n    add_header X-Frame-Options DENY;";
    let merged = Stand::stock()
        .with_version("nginx/1.29.4")
        .edit(frames, "")
        .edit_file("/etc/nginx/nginx.conf", "http {", outside);
    assert!(!proven(&merged).contains(&"X-Frame-Options".to_owned()));
    assert!(
        merged
            .planned()
            .notes
            .iter()
            .any(|note| note.contains("X-Frame-Options"))
    );
}

#[test]
fn no_header_is_written_where_nginx_allows_none() {
    let limited = "    location /api {\n        limit_except GET { deny all; }\n";
    let stand = Stand::stock()
        .with_version("nginx/1.29.4")
        .edit("    location /api {\n", limited)
        .edit(
            "    keepalive_timeout 75s;\n",
            "    keepalive_timeout 75s;\n    add_header_inherit off;\n",
        );
    let plan = stand.planned();
    assert!(text(&plan, NMS_HTTP).contains("limit_except GET { deny all; }"));
}

#[test]
fn of_a_time_that_is_changed_the_rest_stays() {
    let frames = "    add_header X-Frame-Options sameorigin;\n";
    let theirs =
        "    add_header Strict-Transport-Security \"max-age=600; includeSubDomains\" always;\n";
    let chosen = |seconds: u32| format!("options: {{hsts_max_age: {seconds}}}\ncertificates:");
    let stand = Stand::stock().edit(frames, &format!("{frames}{theirs}"));
    let same = stand
        .clone()
        .answer("certificates:", &chosen(600))
        .planned();
    assert!(text(&same, NMS_HTTP).contains(theirs));
    let other = stand.answer("certificates:", &chosen(700));
    let line =
        "    add_header Strict-Transport-Security \"max-age=700; includeSubDomains\" always;\n";
    assert!(text(&other.planned(), NMS_HTTP).contains(line));
    holds(&other);
}

#[test]
fn browsers_are_not_led_to_a_port_where_nobody_is() {
    let stand = Stand::stock()
        .edit("listen 443 ssl http2;", "listen 8443 ssl http2;")
        .answer("alt_names: []", "ports: {https: 8443}\nalt_names: []");
    assert!(!text(&stand.planned(), NMS_HTTP).contains("Strict-Transport-Security"));
}
