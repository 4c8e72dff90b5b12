//! What holds for every plan: any valid answers on any recorded host come to files that are read
//! back as they are written, in which each value that was taken is one argument, or one value of
//! YAML, and to a sentence with a remedy where they come to nothing.
//!
//! Red where `listed::escaped` lets a quote, a `;` or a `$` through as it is, or where the template of
//! an agent's settings has its names without quotes.

mod texts;
mod asked;
mod recorded;
mod settings;
mod judged;

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::test_runner::{Config, TestRunner};

use crate::facts::Generation;
use crate::method::{self, Cell};
use judged::Seen;

/// For each cell so many answers are made up, and at least so many of them have to be planned.
const CASES: u32 = 32;
const LEAST: u32 = 8;

fn tried(cell: &Cell) -> Seen {
    let hosts = recorded::managers(cell);
    let seen = RefCell::new(Seen::default());
    runner(CASES)
        .run(&asked::of_manager(*cell, hosts.len()), |asked| {
            let host = &hosts[asked.host];
            *seen.borrow_mut() += judged::manager(host, &asked);
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{cell:?}: {failure}"));
    seen.into_inner()
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

fn of(generation: Generation) -> Seen {
    let cells = method::table(generation).into_iter();
    let offered = cells.filter(|cell| cell.not_applicable.is_none());
    let mut all = Seen::default();
    for cell in offered {
        let seen = tried(&cell);
        assert!(seen.planned >= LEAST, "{cell:?}: {seen:?}");
        all += seen;
    }
    println!("answers at random: {generation}: {all:?}");
    all
}

#[test]
fn answers_stay_in_their_places_before_a_manager_of_generation_1() {
    let seen = of(Generation::Nim1);
    assert!(seen.nginx_files > 200 && seen.settings > 50, "{seen:?}");
    assert!(seen.differing > 0 && seen.refused > 0, "{seen:?}");
}

#[test]
fn answers_stay_in_their_places_before_a_manager_of_generation_2() {
    let seen = of(Generation::Nim2);
    assert!(seen.nginx_files > 60 && seen.settings > 50, "{seen:?}");
    assert!(seen.differing > 0 && seen.refused > 0, "{seen:?}");
}

#[test]
fn answers_stay_in_their_places_on_an_instance() {
    let hosts = recorded::instances();
    let seen = RefCell::new(BTreeMap::<String, Seen>::new());
    runner(CASES * 2)
        .run(&asked::of_instance(hosts.len()), |asked| {
            let host = &hosts[asked.host];
            let found = judged::instance(host, &asked);
            *seen.borrow_mut().entry(host.name.clone()).or_default() += found;
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    for (host, seen) in seen.into_inner() {
        assert!(seen.planned > 0 && seen.settings > 0, "{host}: {seen:?}");
    }
}
