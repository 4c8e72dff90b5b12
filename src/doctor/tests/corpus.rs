//! Labelled lines, and whether each rule is held by some of them.

use std::collections::BTreeSet;

use super::super::matcher::{MOST_TELLING, Matcher, TELLING, is_told};
use super::super::rule::{Rule, rules};
use super::LINES;

/// Of each line its label (the id of a rule, or "-") and its words.
fn labelled() -> Vec<(&'static str, &'static [u8])> {
    let lines = LINES.lines().filter(|line| !line.starts_with("# "));
    lines
        .map(|line| line.split_once(' ').unwrap())
        .map(|(label, line)| (label, line.as_bytes()))
        .collect()
}

fn label(rules: &[Rule], line: &[u8]) -> String {
    let found = rules.iter().find(|rule| rule.fits(line));
    found.map_or("-".to_owned(), |rule| rule.id.clone())
}

#[test]
fn the_corpus_is_large_and_no_line_stands_in_it_twice() {
    let lines = labelled();
    let different: BTreeSet<&[u8]> = lines.iter().map(|(_, line)| *line).collect();
    assert_eq!(different.len(), lines.len());
    assert!(lines.len() >= 200, "{}", lines.len());
    let none = lines.iter().filter(|(label, _)| *label == "-").count();
    assert!(none >= 30, "{none}");
}

#[test]
fn a_whole_log_is_judged_as_line_by_line() {
    let rules = rules();
    let mut matcher = Matcher::new(&rules);
    let lines = labelled();
    let log = lines
        .iter()
        .map(|(_, line)| *line)
        .collect::<Vec<_>>()
        .join(&b'\n');
    let mut found = Vec::new();
    matcher.lines(&log, |hit| {
        found.push((rules[hit.rule].id.clone(), hit.start, hit.line.to_vec()));
    });
    let mut expected = Vec::new();
    let mut start = 0;
    for (label, line) in &lines {
        assert_eq!(
            matcher.rule_for(line).map_or("-", |rule| &rules[rule].id),
            *label
        );
        if *label != "-" {
            let mut line = line.to_vec();
            if start + line.len() < log.len() {
                line.push(b'\n');
            }
            expected.push(((*label).to_owned(), start, line));
        }
        start += line.len() + 1;
    }
    assert_eq!(found, expected);
}

/// Where this fails the doctor is slow, not wrong: a part of a word of that rule belongs to
/// `TELLING`, as rare as can be.
#[test]
fn telling_words_are_few_and_every_rule_has_one() {
    assert!(TELLING.len() <= MOST_TELLING, "{}", TELLING.len());
    for word in TELLING {
        assert!(word.len() >= 4, "{word}");
        let others = TELLING.iter().filter(|other| other.contains(word)).count();
        assert_eq!(others, 1, "{word} is part of another one");
    }
    for rule in rules().iter().filter(|rule| rule.reads_lines()) {
        assert!(is_told(rule), "{}", rule.id);
    }
}

/// Each rule broken in each way that one word allows, taken away, and tried after its neighbour:
/// whatever no line of the corpus notices could be wrong, and nobody would know.
#[test]
fn every_broken_rule_is_noticed() {
    let rules = rules();
    let lines = labelled();
    // Whether some line gets another label; only lines that the rule or its like may take.
    let notices = |changed: &[Rule]| {
        lines
            .iter()
            .any(|(told, line)| label(changed, line) != *told)
    };
    let mut unnoticed = Vec::new();
    let mut tried = 0;
    for index in 0..rules.len() {
        let rule = &rules[index];
        if !rule.reads_lines() {
            continue;
        }
        let mut without = rules.clone();
        without.remove(index);
        tried += 1;
        if !notices(&without) {
            unnoticed.push(format!("{} taken away", rule.id));
        }
        for broken in rule.broken() {
            tried += 1;
            let mut changed = rules.clone();
            let words = format!("{:?}", broken.words());
            changed[index] = broken;
            if !notices(&changed) {
                unnoticed.push(format!("{} as {words}", rule.id));
            }
        }
        // Its place counts where a line of another rule that stands later fits it too, or the
        // other way round: then swapping the two is noticed.
        for later in index + 1..rules.len() {
            let both = |line: &[u8]| rule.fits(line) && rules[later].fits(line);
            if lines
                .iter()
                .any(|(told, line)| *told == rule.id && both(line))
            {
                tried += 1;
                let mut changed = rules.clone();
                changed.swap(index, later);
                if !notices(&changed) {
                    unnoticed.push(format!("{} after {}", rule.id, rules[later].id));
                }
            }
        }
    }
    println!("{tried} changes of rules, {} unnoticed", unnoticed.len());
    assert!(tried > 400, "{tried}");
    assert!(
        unnoticed.is_empty(),
        "of {tried} changes:\n{}",
        unnoticed.join("\n")
    );
}
