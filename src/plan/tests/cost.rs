//! Planning must not take a time that grows with the square of the configuration.

#![expect(clippy::disallowed_methods, reason = "a test sets its own scene")]

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use super::Stand;
use crate::nginx::Config;
use crate::plan::plan;

/// A host with this many other sites, of some 7 KB each, with a variable of its own each. All
/// share the manager's port, so all are edited.
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

/// What this thread has computed so far; where the kernel does not say, the time by the clock.
fn spent(start: Instant) -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let computed = told.split(' ').next().and_then(|nanos| nanos.parse().ok());
    match computed {
        Some(nanos) if nanos > 0 => Duration::from_nanos(nanos),
        _ => start.elapsed(),
    }
}

/// The least of three, so that what else the machine does counts less.
fn cost(stand: &Stand) -> Duration {
    let (facts, answers) = (stand.facts(), stand.answers());
    let start = Instant::now();
    let once = |_| {
        let before = spent(start);
        Config::load("/etc/nginx/nginx.conf", stand).unwrap();
        plan(&facts, &answers).unwrap();
        spent(start).saturating_sub(before)
    };
    (0..3).map(once).min().unwrap()
}

#[test]
fn the_cost_is_in_proportion_to_the_configuration() {
    let (small, large) = (cost(&crowded(75)), cost(&crowded(300)));
    assert!(
        large < small * 8,
        "4 times the files cost {large:?} instead of {small:?}"
    );
}
