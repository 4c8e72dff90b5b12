//! Planning must not take a time that grows with the square of the configuration, and nobody waits
//! long for the plans of all methods.

use std::fmt::Write as _;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::Stand;
use super::golden::{self, PLUS, served};
use crate::answers::Answers;
use crate::facts::Generation;
use crate::method;
use crate::nginx::Config;
use crate::plan::plan;

/// The same host with this many other sites, of some 7 KB each, with a variable of its own each. All
/// share the manager's port, so all are edited.
fn crowded(mut stand: Stand, sites: usize) -> Stand {
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

/// What this thread has computed so far.
fn spent() -> Duration {
    let told = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanoseconds) = (told.tv_sec.try_into(), told.tv_nsec.try_into());
    Duration::new(seconds.unwrap(), nanoseconds.unwrap())
}

fn cost(planned: impl Fn()) -> Duration {
    let before = spent();
    planned();
    spent().saturating_sub(before)
}

/// The least of three, so that what else the machine does counts less.
fn of_crowded(sites: usize) -> Duration {
    let stand = crowded(Stand::stock(), sites);
    let (facts, answers) = (stand.facts(), stand.answers());
    let once = || {
        Config::load("/etc/nginx/nginx.conf", &stand).unwrap();
        plan(&facts, &answers).unwrap();
    };
    (0..3).map(|_| cost(once)).min().unwrap()
}

#[test]
fn the_cost_is_in_proportion_to_the_configuration() {
    let (small, large) = (of_crowded(75), of_crowded(300));
    assert!(
        large < small * 8,
        "4 times the files cost {large:?} instead of {small:?}"
    );
}

/// Whoever compares all methods of a generation waits for all of them: those that fit the host and
/// those that are refused, from the facts on. Behind NGINX Plus five cells of generation 1 are
/// planned, three of them nearly alike: 2.8 to 3.1 times the largest was measured there, so it has a
/// bound of its own.
#[test]
fn all_cells_cost_three_times_the_largest_and_hardly_more() {
    let nim1 = |version: &str| Stand::nim1().with_version(version);
    let nim2 = |version: &str| Stand::stock().with_version(version);
    for (generation, stand, most) in [
        (Generation::Nim1, nim1("nginx/1.22.1"), 3.0),
        (Generation::Nim1, nim1(PLUS), 3.4),
        (Generation::Nim2, nim2("nginx/1.22.1"), 3.0),
        (Generation::Nim2, nim2(PLUS), 3.0),
        (Generation::Nim1, crowded(nim1(PLUS), 20), 3.4),
        (Generation::Nim2, crowded(nim2(PLUS), 20), 3.0),
    ] {
        let facts = served(stand.facts());
        let cells = method::table(generation).into_iter();
        let cells = cells.filter(|cell| cell.not_applicable.is_none());
        let cells: Vec<Answers> = cells
            .map(|cell| golden::answers_for(&stand, &cell))
            .collect();
        let planned = |answers: &Answers| plan(&facts, answers).is_ok();
        assert!(cells.iter().filter(|answers| planned(answers)).count() >= 2);
        // In turn, so that what else the machine does concerns all of them; of each the least.
        let mut least = vec![Duration::MAX; cells.len()];
        for _ in 0..9 {
            for (answers, least) in cells.iter().zip(&mut least) {
                *least = cost(|| drop(plan(&facts, answers))).min(*least);
            }
        }
        let (all, largest) = (least.iter().sum::<Duration>(), least.iter().max().unwrap());
        let times = all.as_secs_f64() / largest.as_secs_f64();
        let version = &stand.version;
        println!(
            "{generation} under {version}: {all:?} for all cells, {times:.2} times the largest"
        );
        assert!(times <= most, "{generation} under {version}: {least:?}");
    }
}
