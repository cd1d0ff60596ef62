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

/// The requirements that this crate has a part in. `docs/requirements.md` names the scenarios.
const NUMBERS: &[&str] = &[
    "A1", "A2", "A7", "B1", "B3", "B4", "B5", "B6", "B7", "B8", "B10", "D1", "D2", "D3", "D4", "E1", "E2",
    "E3", "E4", "E5", "E6", "E10", "X1", "X2", "X3",
];

#[test]
fn all_scenarios() {
    let (mut names, mut wrong, mut numbers) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
    for (file, text) in FILES {
        let scenarios = scenario::parse(file, text);
        let mut said = String::new();
        let mut ok = true;
        for one in &scenarios {
            assert!(names.insert(one.name.clone()), "{file}: two scenarios are called {:?}", one.name);
            numbers.extend(one.name.split(' ').take_while(|word| is_number(word)).map(str::to_owned));
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
    let missing: Vec<_> = NUMBERS.iter().filter(|number| !numbers.contains(**number)).collect();
    assert!(missing.is_empty(), "no scenario for {missing:?}");
    assert!(names.len() >= 120, "{} scenarios", names.len());
}

fn is_number(word: &str) -> bool {
    let (letter, digits) = word.split_at(1);
    letter.chars().all(|c| c.is_ascii_uppercase())
        && !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
}
