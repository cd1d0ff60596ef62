//! Text of a notification, in the reader's language: CLDR plural rules, and templates that the caller supplies.
//!
//! Needs the feature `render`.

use std::collections::BTreeMap;

use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralRules, PluralRulesOptions};
use thiserror::Error;

use crate::Summary;

/// The texts of one language. Placeholders: `{count}` events, `{actor}` the first actor's name, `{others}` how many
/// further actors (with `+` if there are more than are counted).
///
/// ```
/// use reveille_digest::render::{Template, Texts};
///
/// let english = Texts::new("en", Template::from([
///     ("one", "{actor} sent a new message"),
///     ("other", "{actor} sent {count} new messages"),
/// ]))?;
/// let polish = Texts::new("pl", Template::from([
///     ("one", "{actor}: {count} nowa wiadomość"),
///     ("few", "{actor}: {count} nowe wiadomości"),
///     ("many", "{actor}: {count} nowych wiadomości"),
///     ("other", "{actor}: {count} nowej wiadomości"),
/// ]))?;
/// assert_eq!(english.render_count(3, "Agent Smith", "0"), "Agent Smith sent 3 new messages");
/// assert_eq!(english.render_count(1, "Agent Smith", "0"), "Agent Smith sent a new message");
/// assert_eq!(polish.render_count(22, "Agent Smith", "0"), "Agent Smith: 22 nowe wiadomości");
/// assert_eq!(polish.render_count(12, "Agent Smith", "0"), "Agent Smith: 12 nowych wiadomości");
/// # Ok::<(), reveille_digest::render::InvalidTexts>(())
/// ```
#[derive(Debug)]
pub struct Texts {
    rules: PluralRules,
    template: Template,
}

/// One text per CLDR plural category: `zero`, `one`, `two`, `few`, `many`, `other`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    texts: BTreeMap<String, String>,
}

impl<const N: usize> From<[(&str, &str); N]> for Template {
    fn from(texts: [(&str, &str); N]) -> Self {
        Self { texts: texts.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect() }
    }
}

/// Texts that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTexts {
    /// Not a BCP 47 language tag, or a language without plural rules.
    #[error("{given:?} is not a language with plural rules")]
    Language {
        /// What was given.
        given: String,
    },
    /// CLDR knows six categories.
    #[error("{given:?} is not a plural category: zero, one, two, few, many, other")]
    Category {
        /// What was given.
        given: String,
    },
    /// A language needs a text for each of its categories.
    #[error("there is no text for the plural category {category:?}, which this language uses")]
    Missing {
        /// Which one.
        category: &'static str,
    },
}

/// The parts of a text, for a client that localises by itself (`loc-key` and `loc-args` of APNs, `body_loc_key` and
/// `body_loc_args` of FCM).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The plural category of the count: a suffix for the key.
    pub category: &'static str,
    /// The count, the first actor's name, the number of further actors.
    pub arguments: [String; 3],
}

impl Texts {
    /// The texts of a language.
    ///
    /// # Errors
    /// [`InvalidTexts`] if the language is unknown, or a category that it uses has no text.
    pub fn new(language: &str, template: Template) -> Result<Self, InvalidTexts> {
        let unknown = || InvalidTexts::Language { given: language.to_owned() };
        let locale: Locale = language.parse().map_err(|_| unknown())?;
        let rules =
            PluralRules::try_new(locale.into(), PluralRulesOptions::default()).map_err(|_| unknown())?;
        if let Some(given) = template.texts.keys().find(|name| !CATEGORIES.contains(&name.as_str())) {
            return Err(InvalidTexts::Category { given: given.clone() });
        }
        let missing = rules.categories().map(name).find(|category| !template.texts.contains_key(*category));
        if let Some(category) = missing {
            return Err(InvalidTexts::Missing { category });
        }
        Ok(Self { rules, template })
    }

    /// The text of a summary; `name` gives an actor's name.
    #[must_use]
    pub fn render(&self, summary: &Summary, name: impl Fn(u64) -> String) -> String {
        let Parts { arguments: [_, actor, others], .. } = self.parts(summary, name);
        self.render_count(summary.total, &actor, &others)
    }

    /// The parts of that text.
    #[must_use]
    pub fn parts(&self, summary: &Summary, name: impl Fn(u64) -> String) -> Parts {
        let actor = summary.actors.known().next().map(name).unwrap_or_default();
        let others = summary.actors.count().saturating_sub(1);
        let others = format!("{others}{}", if summary.actors.more() { "+" } else { "" });
        Parts {
            category: self.category(summary.total),
            arguments: [summary.total.to_string(), actor, others],
        }
    }

    /// The text for a count.
    #[must_use]
    pub fn render_count(&self, count: u32, actor: &str, others: &str) -> String {
        let category = self.category(count);
        let mut rest = self.template.texts.get(category).map(String::as_str).unwrap_or_default();
        let mut text = String::with_capacity(rest.len() + actor.len());
        // In one pass: a name that looks like a placeholder stays what it is.
        while let Some((before, from)) = rest.split_once('{') {
            text.push_str(before);
            let known =
                [("count}", count.to_string()), ("actor}", actor.to_owned()), ("others}", others.to_owned())];
            match known.iter().find_map(|(name, value)| Some((from.strip_prefix(*name)?, value))) {
                Some((after, value)) => {
                    text.push_str(value);
                    rest = after;
                }
                None => {
                    text.push('{');
                    rest = from;
                }
            }
        }
        text.push_str(rest);
        text
    }

    fn category(&self, count: u32) -> &'static str {
        name(self.rules.category_for(count))
    }
}

const CATEGORIES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

fn name(category: PluralCategory) -> &'static str {
    match category {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Actors;

    const ENGLISH: [(&str, &str); 2] =
        [("one", "{actor}: one"), ("other", "{actor} and {others} others: {count} {what}")];

    #[test]
    fn a_summary_becomes_text_and_parts() {
        let texts = Texts::new("en-GB", Template::from(ENGLISH)).unwrap();
        let mut actors = Actors::default();
        for actor in [7, 8, 9] {
            actors.insert(actor, 2);
        }
        let summary = Summary { total: 3, actors, ..Summary::default() };
        let name = |actor| format!("{{count}} no. {actor}");
        assert_eq!(texts.render(&summary, name), "{count} no. 7 and 1+ others: 3 {what}");
        let arguments = ["3".to_owned(), "{count} no. 7".to_owned(), "1+".to_owned()];
        assert_eq!(texts.parts(&summary, name), Parts { category: "other", arguments });
    }

    #[test]
    fn texts_are_complete_or_refused() {
        let refused = [
            Texts::new("!", Template::default()),
            Texts::new("en", Template::from([("plenty", "")])),
            Texts::new("ar", Template::from(ENGLISH)),
        ];
        let all = refused.map(|refused| refused.unwrap_err().to_string()).join("\n");
        insta::assert_snapshot!(all, @r#"
        "!" is not a language with plural rules
        "plenty" is not a plural category: zero, one, two, few, many, other
        there is no text for the plural category "zero", which this language uses
        "#);
    }
}
