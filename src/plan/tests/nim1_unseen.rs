//! NGINX Instance Manager 1 where it judges agents itself: no file tells whether it does.

use super::golden::served;
use super::stand::{Stand, changed};

fn native() -> Stand {
    Stand::nim1().answer("proxy: nginx-oss", "proxy: none")
}

fn passed() -> Stand {
    let mut stand = Stand::nim1();
    stand.modules.extend(["stream", "stream_ssl_module"]);
    let options = "options: {grpc_context: stream, grpc_passthrough: true}\nalt_names";
    stand.answer("alt_names", options)
}

/// Red where it is not asked what was proven last (`native::is_tried`).
#[test]
fn where_no_file_differs_a_proof_tells_what_is_in_force() {
    for stand in [native(), passed()] {
        let first = stand.plan_on(served(stand.facts())).unwrap();
        let mutual = stand.after(&first);
        let mut facts = served(mutual.facts());
        for (stand, refused, steps) in [
            (mutual.clone(), None, &["place", "prove"][..]),
            (mutual.clone(), Some(true), &["place", "prove"]),
            (mutual.clone(), Some(false), &["place", "prove"]),
            (mutual.clone().ssl_termination(), None, &[]),
            (mutual.clone().ssl_termination(), Some(false), &[]),
            (
                mutual.clone().ssl_termination(),
                Some(true),
                &["place", "prove"],
            ),
        ] {
            facts.state.refused_agents = refused;
            let plan = stand.plan_on(facts.clone()).unwrap();
            let none: [&str; 0] = [];
            assert_eq!(changed(&plan), none);
            let planned: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
            assert_eq!(planned, steps, "{refused:?}: {}", stand.answers);
            let less = plan.notes.iter().any(|note| note.starts_with("LESS THAN"));
            let is_less = refused == Some(true) && stand.answers.contains("ssl-termination");
            assert_eq!(less, is_less, "{:?}", plan.notes);
        }
    }
}
