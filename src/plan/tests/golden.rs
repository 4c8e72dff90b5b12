//! What each cell of the comparison table comes to, on a host in the shape that is shipped: steps,
//! files, texts and notes, in one file of `tests/golden` each. Whoever changes one says in the
//! commit why. After a change that is meant: `INSTA_UPDATE=always cargo test golden`.
//!
//! A cell is shown whole under the oldest nginx that matters, then what a newer one makes
//! otherwise; an option is shown by what it makes otherwise.

#![expect(clippy::disallowed_methods, reason = "a test reads its own folder")]

mod instances;
mod managers;
mod shown;

use std::collections::BTreeSet;

pub(super) use instances::{BUNDLE, machines};
pub(super) use managers::{NEWER_OSS, NEWER_PLUS, PLUS, answers_for, served};

/// The name of a golden file, and what belongs into it.
type Golden = (String, String);

fn same(all: &[Golden]) {
    for (name, shown) in all {
        insta::with_settings!({
            snapshot_path => "../../../tests/golden",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!(name.as_str(), shown) });
    }
}

#[test]
fn each_cell_of_the_table_is_planned_as_it_was() {
    let all = managers::cells();
    assert_eq!(all.len(), 18);
    same(&all);
}

#[test]
fn each_option_changes_what_it_changed() {
    same(&managers::options());
}

#[test]
fn each_instance_is_planned_as_it_was() {
    same(&instances::all());
}

/// One that nobody compares would go on telling what no longer holds.
#[test]
fn no_golden_file_is_left_over() {
    let named = [managers::cells(), managers::options(), instances::all()];
    let named: BTreeSet<String> = named
        .iter()
        .flatten()
        .map(|(name, _)| format!("{name}.snap"))
        .collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let there = std::fs::read_dir(folder).unwrap();
    let there = there.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> = there.filter(|name| !name.contains(".new")).collect();
    assert_eq!(there, named);
}
