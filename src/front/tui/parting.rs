//! What is left on the terminal when the screen is gone: how this host stands, and one command.

use super::model::Model;
use super::running::Running;
use crate::receipt::Outcome;

/// `None` in practice: that says itself that the host is gone.
pub(super) fn words(model: &Model) -> Option<String> {
    if model.practice.is_some() {
        return None;
    }
    let Some(running) = &model.running else {
        return Some("nothing was changed".to_owned());
    };
    let Some(run) = &running.run else {
        // The yes was given, and nothing was heard of the worker yet.
        let watch = format!("nim-tls watch{}", model.outward.options());
        return Some(format!("the work may have begun\n  do: {watch}"));
    };
    let (said, command) = so_far(running);
    let command = command.map_or_else(String::new, |command| {
        format!("\n  do: nim-tls {command} {run}{}", model.outward.options())
    });
    Some(format!("run {run}: {said}{command}"))
}

fn so_far(running: &Running) -> (String, Option<&'static str>) {
    let Some(ended) = &running.ended else {
        return match running.until {
            Some(until) => {
                let left = until.saturating_sub(running.now).max(0);
                let said = format!("proven, and put back in {left} s unless somebody keeps it");
                (said, Some("confirm"))
            }
            None => ("the work goes on".to_owned(), Some("watch")),
        };
    };
    match ended.outcome {
        Outcome::Applied => {
            let said = "what was changed stays; the way back, at any time:".to_owned();
            (said, Some("rollback"))
        }
        Outcome::RolledBack => ("everything is as it was".to_owned(), None),
        Outcome::Unchanged => ("nothing was changed".to_owned(), None),
        Outcome::Refused | Outcome::Incomplete => {
            let problem = ended.problem.clone();
            let said = problem.unwrap_or_else(|| ended.outcome.to_string());
            (said, Some("watch"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::super::super::outward::Outward;
    use super::super::look::Look;
    use super::super::running::Ended;
    use super::*;
    use crate::answers::Entered;

    fn left(running: Option<Running>) -> String {
        let look = Look {
            colour: false,
            ascii: true,
        };
        let mut model = Model::new(
            look,
            (80, 24),
            Entered::default(),
            Outward::new(None, " --root /x".to_owned()),
        );
        model.running = running;
        words(&model).unwrap()
    }

    fn running() -> Running {
        Running {
            run: "2026-01-01-01".parse().ok(),
            ..Running::default()
        }
    }

    #[test]
    fn it_says_how_the_host_stands_and_what_to_type() {
        assert_eq!(left(None), "nothing was changed");
        let asked = left(Some(Running::default()));
        assert_eq!(
            asked,
            "the work may have begun\n  do: nim-tls watch --root /x"
        );
        assert!(left(Some(running())).ends_with("do: nim-tls watch 2026-01-01-01 --root /x"));
        let waits = Running {
            until: Some(130),
            now: 100,
            ..running()
        };
        let waits = left(Some(waits));
        assert!(waits.contains("put back in 30 s unless"), "{waits}");
        assert!(
            waits.contains("do: nim-tls confirm 2026-01-01-01"),
            "{waits}"
        );
        for (outcome, words) in [
            (Outcome::Applied, "do: nim-tls rollback 2026-01-01-01"),
            (Outcome::RolledBack, "everything is as it was"),
            (Outcome::Incomplete, "it was lost"),
        ] {
            let ended = Ended {
                outcome,
                exit: 0,
                problem: Some("it was lost".to_owned()),
            };
            let over = Running {
                ended: Some(ended),
                ..running()
            };
            let over = left(Some(over));
            assert!(over.contains(words), "{over}");
        }
    }
}
