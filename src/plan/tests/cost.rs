//! Planning must not take a time that grows with the square of the configuration.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::Stand;
use crate::nginx::Config;
use crate::plan::plan;

/// A host with this many other sites, of some 7 KB each, with a variable of its own each.
fn crowded(sites: usize) -> Stand {
    let mut stand = Stand::stock();
    for site in 0..sites {
        let mut text = format!(
            "upstream app_{site} {{ server 10.0.0.1:80; }}\nserver {{\n    listen 80;\n    \
             listen 443 ssl;\n    server_name site-{site}.example.com;\n    ssl_certificate \
             /etc/nms/certs/manager-server.pem;\n    ssl_certificate_key \
             /etc/nms/certs/manager-server.key;\n    set $app_{site} app_{site};\n"
        );
        for location in 0..40 {
            writeln!(
                text,
                "    location /part/{location} {{\n        # what this is good for\n        \
                 proxy_set_header Host $host;\n        proxy_pass http://$app_{site};\n    }}"
            )
            .unwrap();
        }
        text.push_str("}\n");
        stand = stand.with_file(&format!("/etc/nginx/conf.d/site-{site}.conf"), &text);
    }
    stand
}

/// The shortest of three, so that a busy machine counts less.
fn time(stand: &Stand) -> Duration {
    let (facts, answers) = (stand.facts(), stand.answers());
    let (mut l, mut p) = (Duration::MAX, Duration::MAX);
    let mut once = || {
        let start = Instant::now();
        Config::load("/etc/nginx/nginx.conf", stand).unwrap(); l = l.min(start.elapsed());
        plan(&facts, &answers).unwrap();
        p = p.min(start.elapsed()); eprintln!("load {l:?} all {p:?}"); start.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap()
}

#[test]
fn the_time_is_in_proportion_to_the_configuration() {
    let (small, large) = (time(&crowded(75)), time(&crowded(300)));
    assert!(
        large < small * 8,
        "4 times the files took {large:?} instead of {small:?}"
    );
}
