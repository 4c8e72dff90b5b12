//! Remedies name lines of an answers file. Who answers questions is told which one to answer.

use serde_yaml::Value;

use super::Question;

/// `say options: {trust_store: false}` as a question and its answer; anything else as it is.
pub fn in_questions(remedy: &str) -> String {
    let said = remedy.strip_prefix("say ").and_then(asked);
    said.unwrap_or_else(|| remedy.to_owned())
}

fn asked(line: &str) -> Option<String> {
    let (yaml, _) = line.split_at(line.rfind('}')? + 1);
    let mut value: Value = serde_yaml::from_str(yaml).ok()?;
    let mut path: Vec<String> = Vec::new();
    while let Value::Mapping(mapping) = value {
        let (key, below) = mapping.into_iter().next()?;
        path.push(key.as_str()?.to_owned());
        value = below;
    }
    let question = Question::of(&path.join("."))?;
    let answer = match value {
        Value::String(text) => text,
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        _ => return None,
    };
    let (number, step) = (question.step.number(), question.step.title());
    Some(format!(
        "answer {answer} to \"{}\" (step {number}, {step})",
        question.label
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_answers_file_becomes_a_question() {
        for (remedy, told) in [
            (
                "say certificates: {server: {source: generate}} to replace it",
                "answer generate to \"Certificate of the manager\" (step 5, Certificates)",
            ),
            (
                "say options: {trust_store: false}",
                "answer no to \"Put the root into the trust store\" (step 5, Certificates)",
            ),
            ("nim-tls rollback", "nim-tls rollback"),
            ("say yes", "say yes"),
            ("say {", "say {"),
            ("say a: {b: [c]}", "say a: {b: [c]}"),
        ] {
            assert_eq!(in_questions(remedy), told);
        }
    }
}
