//! What holds for every text: edits of random directives in random configurations.

use proptest::prelude::*;

use super::super::{
    Config, Directive, apply, commented, insert_after, insert_at_end, insert_at_start,
    insert_before, quote, remove, set_args, tokens, uncomment,
};
use super::editing::{Insert, owned};
use super::one;

proptest! {
    #[test]
    fn a_quoted_value_is_read_back(value in "[^$\\pC]*") {
        let quoted = quote(&value).unwrap();
        let text = format!("a {quoted};b;");
        let config = one(&text);
        prop_assert_eq!(config.main.len(), 2);
        prop_assert_eq!(&config.main[0].args, &[value.as_str()][..]);
        let words = tokens(&text).count();
        prop_assert_eq!(words, 6);
    }
}

/// Configuration text of random shape and layout.
pub(super) fn some_config() -> impl Strategy<Value = String> {
    let space = || {
        prop_oneof![
            Just(" "),
            Just("\t"),
            Just("\n    "),
            Just("\r\n\t"),
            Just(" # c;\n")
        ]
    };
    let gap = || prop_oneof![3 => Just(""), 1 => Just(" "), 2 => Just("\n"), 1 => Just(" # listen x;\n\t")];
    let word = || prop_oneof![Just("listen"), Just("\"a b\""), Just("${x}"), Just("é")];
    let simple = (
        gap(),
        word(),
        proptest::collection::vec((space(), word()), 0..3),
        gap(),
    )
        .prop_map(|(before, name, args, after)| {
            let args = args.iter().flat_map(|(space, word)| [*space, *word]);
            let args: String = args.collect();
            format!("{before}{name}{args};{after}")
        });
    simple.prop_recursive(3, 24, 4, move |inner| {
        (
            gap(),
            word(),
            space(),
            proptest::collection::vec(inner, 0..4),
            gap(),
        )
            .prop_map(|(before, name, space, children, after)| {
                format!("{before}{name}{space}{{{}}}{after}", children.concat())
            })
    })
}

pub(super) fn every(config: &Config) -> Vec<&Directive> {
    fn add<'a>(level: &'a [Directive], all: &mut Vec<&'a Directive>) {
        for directive in level {
            all.push(directive);
            add(directive.children(), all);
        }
    }
    let mut all = Vec::new();
    add(&config.main, &mut all);
    all
}

/// Names and arguments in order, which is all that an edit may change on purpose.
pub(super) fn words(config: &Config) -> Vec<String> {
    every(config)
        .into_iter()
        .map(|directive| format!("{} {:?}", directive.name, directive.args))
        .collect()
}

proptest! {
    #[test]
    fn an_insertion_adds_exactly_its_directives(
        text in some_config(), pick in any::<prop::sample::Index>(), place in 0..4_usize, noted in any::<bool>(),
    ) {
        let config = one(&text);
        let all = every(&config);
        let directive = *pick.get(&all);
        let lines = owned(if noted { &["# why", "new 1;"] } else { &["new 1;"] });
        let insert: Insert = [insert_before, insert_after, insert_at_start, insert_at_end][place];
        let edit = insert(&config, directive, &lines, ());
        prop_assert!(edit.span.is_empty());
        let result = apply(&text, std::slice::from_ref(&edit)).unwrap().text;
        let mut after = words(&one(&result));
        let at = after.iter().position(|word| word == "new [\"1\"]");
        prop_assert!(at.is_some(), "{}", result);
        after.remove(at.unwrap());
        prop_assert_eq!(after, words(&config), "{}", result);
        let without = result.replacen(&edit.with, "", 1);
        prop_assert_eq!(without, text);
    }

    #[test]
    fn setting_the_same_arguments_changes_nothing(text in some_config(), pick in any::<prop::sample::Index>()) {
        let config = one(&text);
        let all = every(&config);
        let directive = *pick.get(&all);
        let same = &text[directive.args_span.range()];
        let edit = set_args(&config, directive, same, ());
        prop_assert_eq!(apply(&text, &[edit]).unwrap().text, text);
    }

    #[test]
    fn removing_takes_one_directive_and_white_space(text in some_config(), pick in any::<prop::sample::Index>()) {
        let config = one(&text);
        let all = every(&config);
        let directive = *pick.get(&all);
        let edit = remove(&config, directive, ());
        let gone = &text[edit.span.clone()];
        prop_assert_eq!(gone.trim(), &text[directive.at.span.range()]);
        let result = one(&apply(&text, &[edit]).unwrap().text);
        prop_assert_eq!(words(&result).len() + every_below(directive), all.len());
    }

    #[test]
    fn what_is_uncommented_is_live(text in some_config()) {
        let config = one(&text);
        for directive in every(&config) {
            for comment in commented(&config, directive) {
                let edit = uncomment(&config, &comment, "y", ());
                let result = apply(&text, &[edit]).unwrap().text;
                prop_assert_eq!(words(&one(&result)).len(), words(&config).len() + 1);
            }
        }
    }
}

fn every_below(directive: &Directive) -> usize {
    1 + directive.children().iter().map(every_below).sum::<usize>()
}
