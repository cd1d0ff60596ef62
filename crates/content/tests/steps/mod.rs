//! What the steps of this crate's scenarios mean: each of the crates around the rules takes the steps that are its own.

mod devices;
mod sending;
mod tokens;
mod writing;

use reveille_core::UnixTime;

use crate::support::NOW;
use crate::text::{Scenario, Step, millis};

/// The words behind a step's verb.
pub(crate) struct Words<'a> {
    step: &'a Step,
    pub(crate) now: UnixTime,
}

impl<'a> Words<'a> {
    pub(crate) fn verb(&self) -> &'a str {
        &self.step.words[1]
    }

    /// The word at this place behind the verb, without quotes.
    pub(crate) fn word(&self, at: usize) -> &'a str {
        let word = self.step.words.get(at + 2);
        word.unwrap_or_else(|| panic!("{}: a word is missing", self.step.line)).trim_matches('"')
    }

    pub(crate) fn has(&self, word: &str) -> bool {
        self.step.words.iter().skip(2).any(|known| known == word)
    }

    /// The value of `key=value`.
    pub(crate) fn get(&self, key: &str) -> Option<&'a str> {
        let values = self.step.words.iter().skip(2).filter_map(|word| word.split_once('='));
        values.filter(|(known, _)| *known == key).map(|(_, value)| value.trim_matches('"')).next()
    }

    pub(crate) fn number(&self, key: &str, without: u64) -> u64 {
        self.get(key).map_or(without, |value| value.parse().unwrap())
    }

    /// A time since the beginning.
    pub(crate) fn time(&self, key: &str) -> Option<UnixTime> {
        self.get(key).map(|value| NOW + std::time::Duration::from_millis(millis(value).unwrap()))
    }
}

/// Runs a scenario: what really came out, and what is wrong with it.
pub(crate) fn run(scenario: &Scenario) -> (String, Vec<String>) {
    let (mut devices, mut tokens) = (devices::Devices::default(), tokens::Tokens::new());
    let (mut sending, mut writing) = (sending::Sending::new(), writing::Writing::new());
    let (mut said, mut wrong) = (format!("## {}\n", scenario.name), Vec::new());
    for step in &scenario.steps {
        let now = NOW + std::time::Duration::from_millis(step.at);
        let words = Words { step, now };
        let lines = devices
            .step(&words)
            .or_else(|| tokens.step(&words))
            .or_else(|| sending.step(&words))
            .or_else(|| writing.step(&words))
            .unwrap_or_else(|| panic!("{}: nobody knows {:?}", scenario.name, step.line));
        said.push_str(&format!("{}\n", step.line));
        said.extend(lines.iter().map(|line| format!("        > {line}\n")));
        wrong.extend(step.wrong(&lines));
    }
    said.push('\n');
    (said, wrong)
}
