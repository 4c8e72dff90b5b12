//! A plan, held against the answers that it was made for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use super::super::authority::vendor_pair;
use super::super::golden::BUNDLE;
use super::super::imported;
use super::asked::Asked;
use super::recorded::{Recorded, state, with};
use super::settings::{Told, is_settings, of_agents, of_manager, text_of};
use crate::answers::{Goal, read};
use crate::error::Problem;
use crate::facts::{Facts, Generation, Known, Service};
use crate::method::Proxy;
use crate::nginx::{Config, Directive, Files, tokens};
use crate::plan::{Plan, for_goal, not_looked_at};
use crate::probe::{self, Wanted};
use crate::values::{SubjectName, is_hidden};

/// What a run has come across, so that it shows that it has tried something.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Seen {
    /// By the rules of the answers.
    pub(super) invalid: u32,
    /// By the host.
    pub(super) refused: u32,
    pub(super) planned: u32,
    pub(super) nginx_files: u32,
    /// Of agents and managers.
    pub(super) settings: u32,
    /// Arguments that came of a hostile text.
    pub(super) differing: u32,
}

impl AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.invalid += other.invalid;
        self.refused += other.refused;
        self.planned += other.planned;
        self.nginx_files += other.nginx_files;
        self.settings += other.settings;
        self.differing += other.differing;
    }
}

pub(super) fn manager(host: &Recorded, asked: &Asked) -> Seen {
    let Some([hostile, tame]) = goals(asked) else {
        return invalid();
    };
    let (Goal::Manager(answers) | Goal::Authority(answers)) = &hostile else {
        panic!("no manager");
    };
    let mut names = vec![answers.manager_name.to_string()];
    let mut addresses = Vec::new();
    for name in &answers.alt_names {
        match name {
            SubjectName::Dns(name) => names.push(name.to_string()),
            SubjectName::Ip(address) => addresses.push(*address),
        }
    }
    let wanted = Wanted {
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        addresses,
        https_port: answers.https,
        agents_port: Some(answers.agents_port()),
        files: [&hostile, &tame].into_iter().flat_map(files_of).collect(),
        state: state(),
    };
    let files = asked.folders().map(|folder| brought(folder, &names));
    let reached: &[String] = if asked.resolves { &names } else { &[] };
    let host = with(host.host(), reached, &files.concat());
    let mut facts = probe::look(&host, &wanted);
    let further = |facts: &mut Facts, goal: &Goal| {
        if let Ok(first) = for_goal(facts, goal) {
            let unseen = not_looked_at(&first, facts);
            probe::look_further(&host, facts, &unseen);
        }
    };
    further(&mut facts, &hostile);
    further(&mut facts, &tame);
    served(&mut facts, "nginx-manager");
    compared(&facts, [&hostile, &tame], asked.folders(), |plan| {
        of_manager(plan, answers)
    })
}

pub(super) fn instance(host: &Recorded, asked: &Asked) -> Seen {
    let generation = if host.name.contains("nim1") {
        Generation::Nim1
    } else {
        Generation::Nim2
    };
    let plus = host.name.contains("plus");
    let proxy = if plus {
        Proxy::NginxPlus
    } else {
        Proxy::NginxOss
    };
    let asked = asked.clone().on(generation, proxy);
    let Some([hostile, tame]) = goals(&asked) else {
        return invalid();
    };
    let Goal::Instance(answers) = &hostile else {
        panic!("no instance");
    };
    let names: Vec<String> = answers.names().iter().map(ToString::to_string).collect();
    let reached: &[String] = if asked.resolves { &names } else { &[] };
    let memory = host.host();
    let bundle = |folder: &str| {
        let files = ["agent.crt", "agent.key", "ca.pem"].map(|name| {
            let from = std::path::PathBuf::from(format!("{BUNDLE}/{name}"));
            let bytes = crate::host::Host::read(&memory, &from, 1 << 20).unwrap();
            (
                format!("{folder}/{name}"),
                String::from_utf8(bytes).unwrap(),
            )
        });
        files.to_vec()
    };
    let files = asked.folders().map(bundle).concat();
    let memory = with(memory, reached, &files);
    let wanted = Wanted {
        names: answers.names(),
        files: [&hostile, &tame].into_iter().flat_map(files_of).collect(),
        ..Wanted::without_answers(state())
    };
    let mut facts = probe::look(&memory, &wanted);
    served(&mut facts, "nginx-agent");
    compared(&facts, [&hostile, &tame], asked.folders(), |plan| {
        let host = answers.host().to_string();
        let name = answers.agent_name.to_string();
        let port = answers.grpc.number();
        let settings = Told {
            generation,
            host,
            name,
            port,
        };
        of_agents(plan, &settings)
    })
}

fn invalid() -> Seen {
    Seen {
        invalid: 1,
        ..Seen::default()
    }
}

/// Of the answers, and of the same with tame texts. None: they are refused, in a sentence.
fn goals(asked: &Asked) -> Option<[Goal; 2]> {
    let Ok(hostile) = goal(&asked.text()) else {
        return None;
    };
    match goal(&asked.tame()) {
        Ok(tame) => Some([hostile, tame]),
        Err(()) => panic!("only tame texts are refused: {}", asked.tame()),
    }
}

fn goal(text: &str) -> Result<Goal, ()> {
    let draft = read(text.as_bytes()).map_err(|error| inert(&error.to_string()))?;
    Goal::check(&draft).map_err(|refusals| {
        for refusal in refusals {
            assert!(!refusal.field.is_empty());
            inert(&refusal.why);
        }
    })
}

fn files_of(goal: &Goal) -> Vec<crate::values::AbsPath> {
    let mut files = match goal {
        Goal::Manager(answers) | Goal::Authority(answers) => answers.files(&state()),
        Goal::Instance(answers) => answers.files(),
        Goal::LogLevel => Vec::new(),
    };
    files.extend(goal.passphrase_file().cloned());
    files
}

/// What answers name.
fn brought(folder: &str, names: &[String]) -> Vec<(String, String)> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let server = vendor_pair(&names, 365);
    let (chain, key) = imported::corporate();
    let file = |name: &str, text: String| (format!("{folder}/{name}"), text);
    vec![
        file("ca.pem", chain),
        file("ca.key", key),
        file("server.pem", server.chain),
        file("server.key", server.key),
        file("pass", "correct horse battery\n".to_owned()),
    ]
}

/// Memory has no systemd, which this is restarted by.
fn served(facts: &mut Facts, unit: &str) {
    facts.systemd = Known::Is(());
    let active = Known::Is(Service {
        state: "active".to_owned(),
        left_out: None,
    });
    facts.services.insert(unit.to_owned(), active);
}

fn inert(said: &str) {
    let hidden = said.chars().find(|c| is_hidden(*c) && *c != '\n');
    assert_eq!(hidden, None, "{said:?}");
}

fn is_said(problem: &Problem) {
    inert(&problem.to_string());
    assert!(
        problem.remedy.is_some(),
        "nothing to do is named: {problem}"
    );
}

/// Both come to the same, but for the texts themselves.
fn compared(
    facts: &Facts,
    [hostile, tame]: [&Goal; 2],
    folders: [&str; 2],
    settings: impl Fn(&Plan) -> u32,
) -> Seen {
    let (plan, tame) = match (for_goal(facts, hostile), for_goal(facts, tame)) {
        (Ok(plan), Ok(tame)) => (plan, tame),
        (Err(problem), Err(_)) => {
            is_said(&problem);
            return Seen {
                refused: 1,
                ..Seen::default()
            };
        }
        (Err(problem), Ok(_)) => panic!("only hostile texts are refused: {problem}"),
        (Ok(_), Err(problem)) => panic!("only tame texts are refused: {problem}"),
    };
    let mut seen = Seen {
        planned: 1,
        settings: settings(&plan),
        ..Seen::default()
    };
    let tame_files: BTreeMap<&str, &str> = nginx_files(&tame).collect();
    let texts = Texts {
        folders,
        subjects: [subjects(&plan), subjects(&tame)],
    };
    let found: BTreeMap<&str, &str> = nginx_files(&plan).collect();
    assert!(
        found.keys().eq(tame_files.keys()),
        "{found:?}\n{tame_files:?}"
    );
    for ((path, text), tame) in found.iter().zip(tame_files.values()) {
        seen.nginx_files += 1;
        seen.differing += texts.differ(path, text, tame);
    }
    seen
}

fn nginx_files(plan: &Plan) -> impl Iterator<Item = (&str, &str)> {
    plan.files.iter().filter_map(|file| {
        let text = text_of(file).filter(|text| !text.contains("-----BEGIN"))?;
        (!is_settings(file)).then_some((file.path.as_str(), text))
    })
}

/// One file by itself: what it includes is empty.
struct Alone<'a>(&'a str, &'a str);

impl Files for Alone<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let text = if path == self.0 { self.1 } else { "" };
        Ok(text.as_bytes().to_vec())
    }

    fn glob(&self, _: &str) -> Result<Vec<String>, String> {
        Ok(Vec::new())
    }
}

/// Read by the parser of this program, and as it was, byte for byte.
fn read_back(path: &str, text: &str) -> Config {
    let mut written = String::new();
    for token in tokens(text) {
        let token = token.unwrap_or_else(|error| panic!("{path}: {error}\n{text}"));
        written.push_str(&text[token.span]);
    }
    assert_eq!(written, text, "{path}");
    let config = Config::load(path, &Alone(path, text));
    let config = config.unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(&**config.files[0].text, text);
    config
}

/// What a hostile text may have become.
struct Texts<'a> {
    folders: [&'a str; 2],
    /// Of agents' certificates, as nginx gives them.
    subjects: [BTreeSet<String>; 2],
}

impl Texts<'_> {
    /// How many words are otherwise than with tame texts. Each is one that such a text belongs into.
    fn differ(&self, path: &str, text: &str, tame: &str) -> u32 {
        let (found, expected) = (words(path, text), words(path, tame));
        let shape = |all: &[Words]| -> Vec<(usize, usize)> {
            all.iter()
                .map(|(depth, words)| (*depth, words.len()))
                .collect()
        };
        assert_eq!(shape(&found), shape(&expected), "{path}:\n{text}\n{tame}");
        let pairs = found.iter().zip(&expected);
        let pairs = pairs.flat_map(|((_, one), (_, other))| one.iter().zip(other));
        let others = pairs.filter(|(word, tame)| word != tame);
        let counted = others.map(|(word, tame)| {
            assert!(
                self.belongs(word, tame),
                "{path}: {word:?}, and {tame:?} with tame texts"
            );
        });
        u32::try_from(counted.count()).unwrap()
    }

    fn belongs(&self, word: &str, tame: &str) -> bool {
        let [hostile_folder, tame_folder] = self.folders;
        let [hostile_subjects, tame_subjects] = &self.subjects;
        let is = |word: &str, subjects: &BTreeSet<String>| {
            listed(word).is_some_and(|subject| subjects.contains(&subject))
        };
        word.strip_prefix(hostile_folder)
            .is_some_and(|rest| tame.strip_prefix(tame_folder) == Some(rest))
            || is(word, hostile_subjects) && is(tame, tame_subjects)
    }
}

/// The one text that a pattern of the list matches.
fn listed(word: &str) -> Option<String> {
    let pattern = word.strip_prefix("~^")?.strip_suffix("\\z")?;
    let mut bytes = Vec::new();
    let mut rest = pattern.bytes();
    while let Some(byte) = rest.next() {
        match (byte, byte == b'\\') {
            (_, true) => match rest.next()? {
                b'.' => bytes.push(b'.'),
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    let digits = std::str::from_utf8(&digits).ok()?;
                    bytes.push(u8::from_str_radix(digits, 16).ok()?);
                }
                _ => return None,
            },
            (plain, false) if plain.is_ascii_alphanumeric() || b"=,-_".contains(&plain) => {
                bytes.push(plain);
            }
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

/// A directive: how deep it stands, its name and its arguments.
type Words = (usize, Vec<String>);

fn words(path: &str, text: &str) -> Vec<Words> {
    fn every(level: &[Directive], depth: usize, all: &mut Vec<Words>) {
        for directive in level {
            let words = std::iter::once(directive.name.as_str()).chain(directive.words());
            all.push((depth, words.map(str::to_owned).collect()));
            every(directive.children(), depth + 1, all);
        }
    }
    let mut all = Vec::new();
    every(&read_back(path, text).main, 0, &mut all);
    all
}

fn subjects(plan: &Plan) -> BTreeSet<String> {
    let recipes = plan
        .issuing()
        .into_iter()
        .flat_map(|issuing| issuing.agents.values());
    recipes.map(|recipe| recipe.subject.rfc2253()).collect()
}
