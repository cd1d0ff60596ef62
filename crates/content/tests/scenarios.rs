//! Runs the scenarios of `scenarios/*.txt`: the requirements in which the rules of conversations have no part, or only the
//! first one. The format is that of the crate `conversation`; `scenarios/README.md` says what the steps are.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice
)]

mod steps;
mod support;
#[path = "../../conversation/tests/scenario/text.rs"]
mod text;

use std::collections::{BTreeMap, BTreeSet};

const FILES: &[(&str, &str)] = &[
    ("devices.txt", include_str!("../scenarios/devices.txt")),
    ("sending.txt", include_str!("../scenarios/sending.txt")),
    ("tokens.txt", include_str!("../scenarios/tokens.txt")),
    ("writing.txt", include_str!("../scenarios/writing.txt")),
];

/// The rules' own scenarios, of which only the names count here.
const RULES: &[(&str, &str)] = &[
    ("callbacks.txt", include_str!("../../conversation/scenarios/callbacks.txt")),
    ("calls.txt", include_str!("../../conversation/scenarios/calls.txt")),
    ("cancels.txt", include_str!("../../conversation/scenarios/cancels.txt")),
    ("channels.txt", include_str!("../../conversation/scenarios/channels.txt")),
    ("handovers.txt", include_str!("../../conversation/scenarios/handovers.txt")),
    ("lookups.txt", include_str!("../../conversation/scenarios/lookups.txt")),
    ("memory.txt", include_str!("../../conversation/scenarios/memory.txt")),
    ("messages.txt", include_str!("../../conversation/scenarios/messages.txt")),
    ("presence.txt", include_str!("../../conversation/scenarios/presence.txt")),
    ("reads.txt", include_str!("../../conversation/scenarios/reads.txt")),
];

const REQUIREMENTS: &str = include_str!("../../../docs/requirements.md");

#[test]
fn all_scenarios() {
    let (mut names, mut wrong) = (BTreeSet::new(), Vec::new());
    for (file, text) in FILES {
        let (mut said, mut ok) = (String::new(), true);
        for one in text::parse(file, text) {
            assert!(names.insert(one.name.clone()), "{file}: two scenarios are called {:?}", one.name);
            assert!(
                text::numbers(&one.name).count() > 0,
                "{file}: {:?} begins with no requirement",
                one.name
            );
            let expects = one.steps.iter().any(|step| !step.expected.is_empty());
            assert!(expects, "{file}: {:?} says nothing", one.name);
            let (came, faults) = steps::run(&one);
            ok &= faults.is_empty();
            wrong.extend(faults.into_iter().map(|text| format!("{file}: {}: {text}", one.name)));
            said.push_str(&came);
        }
        if !ok {
            println!("<<<{file}\n{said}>>>");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every requirement from A1 to E10 has a scenario with its number, and the table of requirements names for each number the
/// files with its scenarios and no others.
#[test]
fn every_requirement_has_a_scenario_and_the_table_names_it() {
    let mut shown: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (folder, files) in [("content", FILES), ("conversation", RULES)] {
        for (file, text) in files {
            for one in text::parse(file, text) {
                let expects = one.steps.iter().any(|step| !step.expected.is_empty());
                for number in text::numbers(&one.name).filter(|_| expects) {
                    let path = format!("{folder}/{file}");
                    shown.entry(number.to_owned()).or_default().insert(path);
                }
            }
        }
    }
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in ["content", "conversation"] {
        let rows = REQUIREMENTS.lines().filter_map(|line| text::row(line, &format!("{folder}/scenarios/")));
        for (numbers, files) in rows {
            for number in numbers {
                named.entry(number).or_default().extend(files.iter().map(|file| format!("{folder}/{file}")));
            }
        }
    }
    for (letter, last) in [('A', 9), ('B', 10), ('C', 11), ('D', 5), ('E', 10)] {
        for number in (1..=last).map(|number| format!("{letter}{number}")) {
            assert!(shown.contains_key(&number), "{number} has no scenario");
            assert_eq!(named.get(&number), shown.get(&number), "{number}: the table, and what is there");
        }
    }
}
