//! Rules from TOML.

use std::ops::Range;

use thiserror::Error;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::section::Sections;
use super::{AppRules, KillSwitch, Preset, Rules};

/// Why a text is not a set of rules: the error of [`Rules::from_toml`]. It names the line, counted from 1, and repeats
/// a value only if that is a number or a time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RulesError {
    /// It is not TOML.
    #[error("line {line}: this is not TOML: {why}")]
    Syntax {
        /// The line of the text, from 1 on.
        line: usize,
        /// What the parser says.
        why: String,
    },
    /// There is no such section or rule.
    #[error("line {line}: {key}: there is no such rule; known here: {known}")]
    Unknown {
        /// The line of the text, from 1 on.
        line: usize,
        /// The name of the key, with its section.
        key: String,
        /// The names that exist there.
        known: String,
    },
    /// It is something else than is expected there, or out of its range.
    #[error("line {line}: {key}: expected {expected}, found {found}")]
    Invalid {
        /// The line of the text, from 1 on.
        line: usize,
        /// The name of the key, with its section.
        key: String,
        /// What is allowed.
        expected: String,
        /// What was found.
        found: String,
    },
}

impl Rules {
    /// Rules from TOML: a `preset`, and what differs from it. Without a preset, what differs from the default.
    ///
    /// # Errors
    /// [`RulesError`] names line and key.
    pub fn from_toml(text: &str) -> Result<Self, RulesError> {
        let document = document(text)?;
        let document = document.get_ref();
        let mut rules = Self::default();
        if let Some((key, value)) = document.iter().find(|(key, _)| *key.get_ref() == PRESET) {
            let name =
                if let DeValue::String(name) = value.get_ref() { Preset::from_name(name) } else { None };
            let names = Preset::ALL.iter().map(|preset| format!("\"{preset}\""));
            rules = Self::preset(name.ok_or_else(|| RulesError::Invalid {
                line: line(text, &key.span()),
                key: PRESET.to_owned(),
                expected: format!("one of {}", names.collect::<Vec<_>>().join(", ")),
                found: found(value.get_ref()).to_owned(),
            })?);
        }
        read(&mut rules, text, document, &[PRESET])?;
        Ok(rules)
    }
}

impl AppRules {
    /// An app's rules from TOML: what differs from the gateway's.
    ///
    /// # Errors
    /// [`RulesError`] names line and key. `kill.apps` is none of an app's rules.
    pub fn from_toml(text: &str, gateway: &Rules) -> Result<Self, RulesError> {
        let mut rules = Self::from(gateway);
        let document = document(text)?;
        read(&mut rules, text, document.get_ref(), &[])?;
        if rules.kill().apps().is_empty() {
            return Ok(rules);
        }
        let line = document.get_ref().get("kill").map_or(0, |kill| line(text, &kill.span()));
        let known = KillSwitch::KEYS.iter().filter(|key| **key != "apps").copied().collect::<Vec<_>>();
        Err(RulesError::Unknown { line, key: "kill.apps".to_owned(), known: known.join(", ") })
    }
}

/// The key that is no section.
const PRESET: &str = "preset";

fn line(text: &str, span: &Range<usize>) -> usize {
    1 + text.bytes().take(span.start).filter(|byte| *byte == b'\n').count()
}

fn document(text: &str) -> Result<Spanned<DeTable<'_>>, RulesError> {
    DeTable::parse(text).map_err(|error| RulesError::Syntax {
        line: line(text, &error.span().unwrap_or(0..0)),
        why: error.message().lines().next().unwrap_or_default().to_owned(),
    })
}

/// In the order of the text, so that the first mistake is named.
fn read<S: Sections>(
    rules: &mut S,
    text: &str,
    document: &DeTable<'_>,
    besides: &[&str],
) -> Result<(), RulesError> {
    let mut sections: Vec<_> =
        document.iter().filter(|(section, _)| !besides.contains(&&**section.get_ref())).collect();
    sections.sort_by_key(|(section, _)| section.span().start);
    for (section, table) in sections {
        let name: &str = section.get_ref();
        let Some((_, known)) = S::SECTIONS.iter().find(|(known, _)| *known == name) else {
            let known: Vec<_> =
                besides.iter().chain(S::SECTIONS.iter().map(|(known, _)| known)).copied().collect();
            return Err(RulesError::Unknown {
                line: line(text, &section.span()),
                key: name.to_owned(),
                known: known.join(", "),
            });
        };
        let DeValue::Table(table) = table.get_ref() else {
            return Err(RulesError::Invalid {
                line: line(text, &section.span()),
                key: name.to_owned(),
                expected: format!("a table [{name}]"),
                found: found(table.get_ref()).to_owned(),
            });
        };
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let (line, full) = (line(text, &key.span()), format!("{name}.{}", key.get_ref()));
            match rules.set(name, key.get_ref(), value.get_ref()) {
                Some(Ok(())) => {}
                Some(Err((expected, shown))) => {
                    let found = shown.unwrap_or_else(|| found(value.get_ref()).to_owned());
                    return Err(RulesError::Invalid { line, key: full, expected, found });
                }
                None => return Err(RulesError::Unknown { line, key: full, known: known.join(", ") }),
            }
        }
    }
    Ok(())
}

const fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "another text",
        DeValue::Integer(_) => "another number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "another list",
        DeValue::Table(_) => "another table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_errors() {
        let wrong = [
            "preset = \"F\"",
            "preset = 3",
            "\n\n[call]\nring_for = \"30s\"",
            "[calls]\nmissed = true\nring = \"30s\"",
            "calls = 3",
            "[calls]\nring_for = 30",
            "[calls]\nring_for = \"11min\"",
            "[calls]\nring_for = \"999999999999999999999d\"",
            "[calls]\npresence = \"hard\"",
            "[calls]\nmissed = \"yes\"",
            "[callbacks]\nupcoming_below = 0",
            "[callbacks]\nupcoming_below_in = { sales = 0 }",
            "[channels]\ncallback = [\"pigeon\"]",
            "[kill]\napps = [\"\"]",
            "[lookups]\ndeadline = \"301ms\"",
        ];
        let texts: Vec<_> =
            wrong.iter().map(|text| Rules::from_toml(text).unwrap_err().to_string()).collect();
        insta::assert_snapshot!(texts.join("\n"), @r#"
        line 1: preset: expected one of "chat_on_page", "mobile_agents", "messaging", "callbacks", "platform", found another text
        line 1: preset: expected one of "chat_on_page", "mobile_agents", "messaging", "callbacks", "platform", found another number
        line 3: call: there is no such rule; known here: preset, messages, reads, calls, handovers, callbacks, channels, recipients, kill, cancels, lookups, viewing, memory
        line 3: calls.ring: there is no such rule; known here: calls, offers, ring_for, duplicates_within, hidden_after, presence, presence_for, respect_auto_join, missed, missed_useful_for
        line 1: calls: expected a table [calls], found another number
        line 2: calls.ring_for: expected a time from 1s to 10min such as "30s", found another number
        line 2: calls.ring_for: expected a time from 1s to 10min such as "30s", found 11min
        line 2: calls.ring_for: expected a time from 1s to 10min such as "30s", found another text
        line 2: calls.presence: expected one of "off", "soft", "strict", found another text
        line 2: calls.missed: expected true or false, found another text
        line 2: callbacks.upcoming_below: expected a number from 1 to 1440, found 0
        line 2: callbacks.upcoming_below_in: expected a table of queue ids and minutes from 1 to 1440, found another table
        line 2: channels.callback: expected a list of "email", "mobile", "webhook", "web_push", found another list
        line 2: kill.apps: expected a list of app ids, found another list
        line 2: lookups.deadline: expected a time from 0ms to 300ms such as "30s", found 301ms
        "#);
        let syntax = Rules::from_toml("[reads]\n[calls").unwrap_err().to_string();
        assert!(syntax.starts_with("line 2: this is not TOML: "), "{syntax}");
    }

    #[test]
    fn rules_of_an_app() {
        let text = "
            [channels]
            forwarded = []
            invisible_web_pushes_per_day = 7
            [cancels]
            apns = \"data\"
            [kill]
            visitor = true
        ";
        let rules = AppRules::from_toml(text, &Rules::preset(Preset::Platform)).unwrap();
        assert!(rules.channels().forwarded().is_empty() && rules.kill().visitor());
        assert_eq!(rules.channels().invisible_web_pushes_per_day(), 7);
        assert_eq!(rules.cancels().apns(), crate::rules::CancelForm::Data);
        assert_eq!(
            rules.recipients(),
            Rules::preset(Preset::Platform).recipients(),
            "what is not said is the gateway's"
        );
        let wrong =
            ["[calls]\nring_for = \"45s\"", "preset = \"platform\"", "[kill]\nall = false\napps = [\"a\"]"];
        let texts = wrong
            .map(|text| AppRules::from_toml(text, &Rules::preset(Preset::Platform)).unwrap_err().to_string());
        insta::assert_snapshot!(texts.join("\n"), @r#"
        line 1: calls: there is no such rule; known here: channels, recipients, kill, cancels
        line 1: preset: there is no such rule; known here: channels, recipients, kill, cancels
        line 1: kill.apps: there is no such rule; known here: all, channels, visitor, primary, secondary
        "#);
    }

    #[test]
    fn a_setter_names_its_bounds() {
        let error = crate::rules::CallRules::default()
            .with_ring_for(std::time::Duration::from_millis(1_500) / 2)
            .unwrap_err();
        insta::assert_snapshot!(error, @r#"calls.ring_for: expected a time from 1s to 10min such as "30s", found 750ms"#);
    }

    #[test]
    fn everything_can_be_said() {
        let text = "
            preset = \"platform\"
            [messages]
            visitor = false
            useful_for = \"90min\"
            [callbacks]
            upcoming_below = 0x10
            upcoming_below_in = { sales = 5 }
            [channels]
            callback = [\"mobile\", \"email\"]
            [kill]
            apps = [\"old-app\"]
            [cancels]
            apns = \"data\"
        ";
        let rules = Rules::from_toml(text).unwrap();
        assert!(!rules.messages().visitor() && rules.messages().primary());
        assert_eq!(rules.messages().useful_for().as_secs(), 5_400);
        assert_eq!(rules.callbacks().upcoming_below(), 16);
        assert_eq!(rules.callbacks().upcoming_below_in().of(&"sales".parse().unwrap()), Some(5));
        assert_eq!(rules.channels().callback().to_string(), "email+mobile");
        assert_eq!(rules.kill().apps().len(), 1);
        assert!(rules.check().is_ok());
    }
}
