#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::answers::{Answers, read};

#[test]
fn every_question_is_about_a_field_of_the_answers_file() {
    for question in &QUESTIONS {
        let mut entered = Entered::default();
        entered.set(question.field, "x");
        let Err(error) = read(entered.to_yaml().as_bytes()) else {
            continue;
        };
        assert!(!error.to_string().contains("unknown field"), "{error}");
    }
}

#[test]
fn fields_are_asked_once_and_steps_in_order() {
    let mut fields: Vec<_> = QUESTIONS.iter().map(|question| question.field).collect();
    fields.sort_unstable();
    fields.dedup();
    assert_eq!(fields.len(), QUESTIONS.len());
    assert!(QUESTIONS.is_sorted_by_key(|question| question.step));
    assert_eq!(Step::ALL.map(Step::number), [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn every_choice_is_one_that_the_answers_file_takes() {
    for question in &QUESTIONS {
        let Kind::Choice(choices) = question.kind else {
            continue;
        };
        for choice in choices {
            assert_eq!(question.objection(choice.value), None);
            let mut entered =
                Entered::from_yaml(include_str!("../../assets/sample-answers.yaml")).unwrap();
            entered.set(question.field, choice.value);
            let draft = read(entered.to_yaml().as_bytes()).unwrap();
            assert!(
                Answers::check(&draft).is_ok(),
                "{}: {}",
                question.field,
                choice.value
            );
        }
    }
}

#[test]
fn an_objection_says_what_is_wrong() {
    let about = |field, text| Question::of(field).unwrap().objection(text);
    assert_eq!(about("manager_name", "nim.example.com"), None);
    assert!(about("manager_name", "").is_some());
    assert!(about("manager_name", "a b;c").unwrap().contains("a b;c"));
    assert_eq!(about("alt_names", ""), None);
    assert_eq!(about("alt_names", "10.0.0.5, nim 2001:db8::1"), None);
    assert!(about("alt_names", "10.0.0.5, n;m").is_some());
    assert!(about("agents", "10.0.0.5").is_some());
    assert!(about("options.trust_store", "maybe").is_some());
}
