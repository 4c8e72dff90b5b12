//! Labelled lines, and whether each rule is held by some of them.

use std::collections::BTreeSet;

use super::super::matcher::{MOST_TELLING, Matcher, TELLING, is_told};
use super::super::rule::{Rule, rules};
use super::LINES;
use crate::tests::fuzz::Random;

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
        found.push((rules[hit.rule].id.clone(), hit.start, hit.whole.to_vec()));
    });
    let mut expected = Vec::new();
    let mut start = 0;
    for (label, line) in &lines {
        assert_eq!(
            matcher.rule_for(line).map_or("-", |rule| &rules[rule].id),
            *label
        );
        if *label != "-" {
            expected.push(((*label).to_owned(), start, line.to_vec()));
        }
        start += line.len() + 1;
    }
    assert_eq!(found, expected);
}

/// A line of the corpus at another time, of another process, connection and client, and perhaps
/// with what another one has asked for.
fn another(line: &str, other: &str, random: &mut Random) -> String {
    const CLIENT: &str = ", client: 10.0.0.9";
    let mut line = line.to_owned();
    if random.below(2) == 0
        && let Some((said, _)) = line.split_once(CLIENT)
        && let Some((_, asked)) = other.split_once(CLIENT)
    {
        line = format!("{said}{CLIENT}{asked}");
    }
    let mut number = |most: usize| random.below(most).to_string();
    let client = match number(3).as_str() {
        "0" => format!("fe80::{}", number(9999)),
        "1" => "unix:".to_owned(),
        _ => format!("10.{}.0.{}", number(256), number(256)),
    };
    let time = format!("{:0>2}:00:{:0>2}", number(24), number(60));
    line.replacen("20:55:13", &time, 1)
        .replace("812#812:", &format!("{}#{}:", number(9999), number(9999)))
        .replace(
            "30#30: *9 ",
            &format!("30#{}: *{} ", number(99), number(99)),
        )
        .replacen("10.0.0.9", &client, 1)
        .replace("\"40000\"", &format!("\"{}\"", number(65_536)))
}

#[test]
fn what_is_known_of_a_line_is_right_for_all_that_say_the_same() {
    let rules = rules();
    let mut matcher = Matcher::new(&rules);
    let lines: Vec<&str> = labelled()
        .iter()
        .map(|(_, line)| std::str::from_utf8(line).unwrap())
        .collect();
    let mut random = Random::new(1);
    let mut known = 0;
    for _ in 0..20 {
        // Few of them, so that each comes again and again.
        let some: Vec<&str> = (0..40).map(|_| lines[random.below(lines.len())]).collect();
        let mut log = String::new();
        let mut expected = Vec::new();
        for _ in 0..400 {
            let (line, other) = (some[random.below(40)], some[random.below(40)]);
            let line = another(line, other, &mut random);
            let found = rules.iter().find(|rule| rule.fits(line.as_bytes()));
            expected.extend(found.map(|rule| (rule.id.as_str(), log.len())));
            log += &line;
            log.push('\n');
        }
        let mut found = Vec::new();
        matcher.lines(log.as_bytes(), |hit| {
            found.push((rules[hit.rule].id.as_str(), hit.start));
        });
        for (found, expected) in found.iter().zip(&expected) {
            let line = log[expected.1..].lines().next();
            assert_eq!(found, expected, "{line:?}");
        }
        assert_eq!(found.len(), expected.len());
        let is_known = |line: &&str| matcher.is_known(line.as_bytes());
        known += some.iter().copied().filter(is_known).count();
    }
    // Most of them, though none of them has been in a log as it is.
    assert!(known > 500, "{known}");
}

#[test]
fn what_was_asked_for_is_looked_at_each_time() {
    let rule = "[{id: a, cause: b, title: c, why: d, fix: e, match: [verify], unless: [asked]}]";
    let rules: Vec<Rule> = serde_yaml::from_str(rule).unwrap();
    let begin = "2026/11/26 11:00:00 [info] 30#30: *9 verify, client: 10.0.0.9, server: ";
    let log = ["a", "asked", "b", "asked"].map(|name| format!("{begin}{name}\n"));
    let mut found = Vec::new();
    Matcher::new(&rules).lines(log.concat().as_bytes(), |hit| found.push(hit.start));
    assert_eq!(found, [0, log[0].len() + log[1].len()]);
}

/// What is left out of a line before it is looked up, with what stands before and behind it.
const LEFT_OUT: [(&str, &str, &str); 10] = [
    (", client: ", "0123456789abcdefABCDEF.:", ","),
    ("", "0123456789abcdefABCDEF.:", " - "),
    ("\"address\":\"", "0123456789.", "\""),
    ("\"port\":\"", "0123456789", "\""),
    ("", "0123456789/: ", " ["),
    ("", "0123456789-:.T ", "Z"),
    ("", "0123456789-:.T ", "+"),
    (" [", "0123456789/:+- ADFJMNOSabceglnoprtuvy", "]"),
    ("] ", "0123456789", "#"),
    ("#", "0123456789", ": "),
];

/// Else a rule would be found by what differs from line to line, and be taken for found in all.
#[test]
fn no_word_of_a_rule_lies_in_what_is_left_out_of_a_line() {
    let lies_in = |word: &str, (before, left_out, behind): (&str, &str, &str)| {
        let places =
            (0..word.len()).flat_map(|from| (from + 1..=word.len()).map(move |to| (from, to)));
        places.into_iter().any(|(from, to)| {
            let (first, within, last) = (&word[..from], &word[from..to], &word[to..]);
            let begins = before.ends_with(first) || !before.is_empty() && first.ends_with(before);
            let ends = behind.starts_with(last) || last.starts_with(behind);
            begins && ends && within.chars().all(|c| left_out.contains(c))
        })
    };
    let client = LEFT_OUT[0];
    assert!(lies_in("ent: 10.0", client) && lies_in("9, server", client) && lies_in("0.0", client));
    assert!(!lies_in("x10", client) && !lies_in("client", client));
    for rule in rules() {
        for word in rule.words().into_iter().flatten() {
            let found = LEFT_OUT.iter().find(|place| lies_in(word, **place));
            assert_eq!(found, None, "{}: {word}", rule.id);
            // Behind the number of the connection nginx begins to speak.
            for begin in ('a'..='z').chain('A'..='Z').chain(['"']) {
                let behind = format!(" {begin}");
                let lies = lies_in(word, (": *", "0123456789", &behind));
                assert!(!lies, "{}: {word}", rule.id);
            }
        }
    }
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
