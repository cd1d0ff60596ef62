//! Runs the scenarios of `scenarios/*.txt`, each twice: straight, and through the encoding of the log and a restart at every
//! step. The format is explained in `scenarios/README.md`.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice
)]

mod scenario;

use std::collections::BTreeSet;

use scenario::text::{numbers, row};

const FILES: &[(&str, &str)] = &[
    ("callbacks.txt", include_str!("../scenarios/callbacks.txt")),
    ("calls.txt", include_str!("../scenarios/calls.txt")),
    ("cancels.txt", include_str!("../scenarios/cancels.txt")),
    ("channels.txt", include_str!("../scenarios/channels.txt")),
    ("handovers.txt", include_str!("../scenarios/handovers.txt")),
    ("lookups.txt", include_str!("../scenarios/lookups.txt")),
    ("memory.txt", include_str!("../scenarios/memory.txt")),
    ("messages.txt", include_str!("../scenarios/messages.txt")),
    ("presence.txt", include_str!("../scenarios/presence.txt")),
    ("reads.txt", include_str!("../scenarios/reads.txt")),
];

/// Every requirement and its tests; `docs/requirements.md` maps numbers to files of scenarios, and back.
const REQUIREMENTS: &str = include_str!("../../../docs/requirements.md");

#[test]
fn all_scenarios() {
    let (mut names, mut wrong) = (BTreeSet::new(), Vec::new());
    for (file, text) in FILES {
        let scenarios = scenario::text::parse(file, text);
        let mut said = String::new();
        let mut ok = true;
        for one in &scenarios {
            assert!(names.insert(one.name.clone()), "{file}: two scenarios are called {:?}", one.name);
            assert!(numbers(&one.name).count() > 0, "{file}: {:?} begins with no requirement", one.name);
            let expects = one.steps.iter().any(|step| !step.expected.is_empty());
            assert!(expects, "{file}: {:?} says nothing", one.name);
            let straight = one.run(false);
            let restarted = one.run(true);
            assert_eq!(straight.said, restarted.said, "{file}: {}: a restart changes what follows", one.name);
            ok &= straight.wrong.is_empty();
            wrong.extend(straight.wrong.into_iter().map(|text| format!("{file}: {}: {text}", one.name)));
            said.push_str(&straight.said);
        }
        if !ok {
            println!("<<<{file}\n{said}>>>");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names.len() >= 120, "{} scenarios", names.len());
}

/// Number and file, both ways: what a row names has a scenario, and every scenario is named by its rows. That every number
/// has one is tested in the crate `content`, whose scenarios are about the other crates.
#[test]
fn requirements_and_scenarios_name_each_other() {
    let mut shown = BTreeSet::new();
    for (file, text) in FILES {
        for one in scenario::text::parse(file, text) {
            shown.extend(numbers(&one.name).map(|number| (number.to_owned(), (*file).to_owned())));
        }
    }
    let rows: Vec<_> = REQUIREMENTS.lines().filter_map(|line| row(line, "conversation/scenarios/")).collect();
    let known: BTreeSet<_> = rows.iter().flat_map(|(numbers, _)| numbers.clone()).collect();
    assert!(known.len() >= 50, "the table is not read: {known:?}");
    let named: BTreeSet<_> = rows
        .iter()
        .flat_map(|(numbers, files)| {
            numbers.iter().flat_map(|number| files.iter().map(|file| (number.clone(), file.clone())))
        })
        .collect();
    let missing: Vec<_> = named.difference(&shown).collect();
    assert!(missing.is_empty(), "docs/requirements.md names scenarios that are not there: {missing:?}");
    let missing: Vec<_> = shown.difference(&named).collect();
    assert!(missing.is_empty(), "docs/requirements.md does not name the scenarios of {missing:?}");
}
