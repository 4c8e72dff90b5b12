//! Settings in YAML, held against what the answers say.

use serde_yaml::Value;

use crate::answers::Answers;
use crate::facts::{AGENT_FILES, Generation, MANAGER_FILE};
use crate::plan::{Content, FileChange, Plan};
use crate::values::Port;

pub(super) fn text_of(file: &FileChange) -> Option<&str> {
    match &file.content {
        Content::Text(text) => Some(text),
        Content::Issued(_) => None,
    }
}

pub(super) fn is_settings(file: &FileChange) -> bool {
    let path = file.path.as_str();
    AGENT_FILES.contains(&path) || path == MANAGER_FILE || path.ends_with("/nginx-agent.conf")
}

/// What an agent is to be told.
pub(super) struct Told {
    pub(super) generation: Generation,
    pub(super) host: String,
    pub(super) name: String,
    pub(super) port: u16,
}

impl Told {
    fn is_in(&self, text: &str) {
        let read: Value =
            serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let is = |section: &str, key: &str, value: Value| {
            assert_eq!(read[section][key], value, "{section}.{key}:\n{text}");
        };
        if self.generation == Generation::Nim1 {
            let at = format!("{}:{}", self.name, self.port);
            assert_eq!(read["server"], Value::from(at), "{text}");
        } else {
            is("server", "host", self.host.as_str().into());
            is("server", "grpcPort", self.port.into());
            is("server", "command", self.name.as_str().into());
            is("server", "metrics", self.name.as_str().into());
            is("tls", "skip_verify", false.into());
        }
        is("tls", "enable", true.into());
    }
}

fn settings(plan: &Plan) -> impl Iterator<Item = (&str, &str)> {
    let files = plan.files.iter().filter(|file| is_settings(file));
    files.filter_map(|file| Some((file.path.as_str(), text_of(file)?)))
}

pub(super) fn of_manager(plan: &Plan, answers: &Answers) -> u32 {
    let told = Told {
        generation: answers.generation(),
        host: answers.manager_name.to_string(),
        name: answers.agents_name().to_string(),
        port: answers.agents_port().number(),
    };
    let mut seen = 0;
    for (path, text) in settings(plan) {
        seen += 1;
        if path != MANAGER_FILE {
            told.is_in(text);
            continue;
        }
        let read: Value =
            serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let port = |key: &str, asked: Option<Port>| {
            if let Some(asked) = asked {
                assert_eq!(read[key], Value::from(asked.number()), "{text}");
            }
        };
        let nim1 = answers.nim1.as_ref().unwrap();
        port("grpc_port", nim1.manager_grpc);
        port("gateway_port", nim1.manager_gateway);
        if let Some(name) = read.get("server_name") {
            assert_eq!(*name, Value::from(answers.manager_name.as_str()), "{text}");
        }
    }
    seen
}

pub(super) fn of_agents(plan: &Plan, told: &Told) -> u32 {
    let count = settings(plan).map(|(_, text)| told.is_in(text)).count();
    u32::try_from(count).unwrap()
}
