//! The readable form of a scenario: what is explained in `scenarios/README.md`, without what the steps mean.

pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) rules: String,
    pub(crate) steps: Vec<Step>,
}

pub(crate) struct Step {
    pub(crate) line: String,
    pub(crate) at: u64,
    pub(crate) words: Vec<String>,
    pub(crate) expected: Vec<String>,
}

pub(crate) fn parse(file: &str, text: &str) -> Vec<Scenario> {
    let mut all: Vec<Scenario> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", number + 1);
        let trimmed = line.trim();
        if trimmed.is_empty() || (trimmed.starts_with('#') && !trimmed.starts_with("## ")) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix("## ") {
            all.push(Scenario { name: name.to_owned(), rules: String::new(), steps: Vec::new() });
            continue;
        }
        let scenario = all.last_mut().unwrap_or_else(|| panic!("{place}: a scenario begins with ##"));
        if let Some(preset) = trimmed.strip_prefix("preset: ") {
            scenario.rules.push_str(&format!("preset = \"{preset}\"\n"));
        } else if let Some(rule) = trimmed.strip_prefix("rule: ") {
            scenario.rules.push_str(&format!("{rule}\n"));
        } else if let Some(expected) = trimmed.strip_prefix("> ") {
            let step = scenario.steps.last_mut().unwrap_or_else(|| panic!("{place}: nothing happened yet"));
            step.expected.push(expected.to_owned());
        } else {
            let words = words(trimmed);
            let at = millis(&words[0]).unwrap_or_else(|| panic!("{place}: a line begins with a time"));
            scenario.steps.push(Step { line: trimmed.to_owned(), at, words, expected: Vec::new() });
        }
    }
    all
}

/// Words at blanks, but not inside quotes.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        quoted ^= c == '"';
        if c == ' ' && !quoted {
            words.push(String::new());
        } else {
            words.last_mut().unwrap().push(c);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a line has the words that are wanted: those without `=` in their places, the others anywhere.
pub(crate) fn fits(is: &str, wanted: &str) -> bool {
    let (is, wanted) = (words(is), words(wanted));
    let plain =
        |words: &[String]| words.iter().filter(|word| !word.contains('=')).cloned().collect::<Vec<_>>();
    plain(&is) == plain(&wanted) && wanted.iter().all(|word| is.contains(word))
}

pub(crate) fn millis(text: &str) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..end].parse().ok()?;
    let size = match &text[end..] {
        "" | "s" => 1_000,
        "ms" => 1,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(number * size)
}

impl Step {
    /// What is wrong with what came out, if something is.
    pub(crate) fn wrong(&self, lines: &[String]) -> Option<String> {
        let right = lines.len() == self.expected.len()
            && lines.iter().zip(&self.expected).all(|(is, wanted)| fits(is, wanted));
        let (expected, but) = (self.expected.join("\n      "), lines.join("\n      "));
        (!right).then(|| format!("\n  {}\n    expected:\n      {expected}\n    but:\n      {but}", self.line))
    }
}

/// The numbers with which a scenario's name begins.
pub(crate) fn numbers(name: &str) -> impl Iterator<Item = &str> {
    name.split(' ').take_while(|word| is_number(word))
}

pub(crate) fn is_number(word: &str) -> bool {
    let Some((letter, digits)) = word.split_at_checked(1) else { return false };
    letter.chars().all(|c| c.is_ascii_uppercase())
        && !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The numbers of a row of `docs/requirements.md`, `D1–D4` being four, and the files of scenarios in it: those in a folder
/// of this name.
pub(crate) fn row(line: &str, folder: &str) -> Option<(Vec<String>, std::collections::BTreeSet<String>)> {
    let (first, rest) = line.strip_prefix("| ")?.split_once(" |")?;
    let (from, to) = first.split_once('–').unwrap_or((first, first));
    if !is_number(from) || !is_number(to) {
        return None;
    }
    let (letter, low) = from.split_at(1);
    let numbers = low.parse::<u32>().unwrap()..=to[1..].parse().unwrap();
    let files = rest.split('`').filter_map(|code| code.split_once(folder));
    Some((
        numbers.map(|number| format!("{letter}{number}")).collect(),
        files.filter(|(_, file)| file.ends_with(".txt")).map(|(_, file)| file.to_owned()).collect(),
    ))
}
