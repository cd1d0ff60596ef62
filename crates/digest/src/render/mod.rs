//! Text of a notification, in the reader's language: CLDR plural rules, and templates that the caller supplies.
//!
//! Needs the feature `render`.

mod languages;

use std::collections::BTreeMap;

use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralRules, PluralRulesOptions};
use thiserror::Error;

use crate::summary::Summary;

/// The texts of one language. Placeholders: `{count}` events, `{actors}` the names as a list ("Ann", "Ann and Bob",
/// "Ann, Bob and 2 others"), `{actor}` the first actor's name alone, `{others}` how many further actors (with `+` if there
/// are more than are counted).
///
/// ```
/// use reveille_digest::render::Texts;
///
/// let names = ["Ann", "Bob", "Cem", "Dora"];
/// let say = |language, count, known: usize, more| {
///     Texts::for_language(language).map(|texts| texts.render_names(count, &names[..known], more))
/// };
/// assert_eq!(say("en", 3, 2, false)?, "Ann and Bob sent 3 new messages");
/// assert_eq!(say("en", 9, 4, false)?, "Ann, Bob and 2 others sent 9 new messages");
/// assert_eq!(say("en", 9, 3, false)?, "Ann, Bob and 1 other sent 9 new messages");
/// assert_eq!(say("pl", 3, 1, false)?, "Ann: 3 nowe wiadomości");
/// assert_eq!(say("de", 30, 4, true)?, "Ann, Bob und 2+ weitere: 30 neue Nachrichten");
/// # Ok::<(), reveille_digest::render::InvalidTexts>(())
/// ```
///
/// Texts of your own:
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
    list: List,
}

/// How names are put in a row, for the placeholder `{actors}`. Give it to [`Texts::with_list`] if your texts name
/// several actors; without it, a row is "Ann, Bob" or "Ann, Bob +2".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct List {
    /// Two names: `{first}` and `{second}`.
    pub two: String,
    /// Two names and `{others}` others, by the plural category of that number.
    pub more: Template,
}

/// One text for each CLDR plural category that a language uses: `zero`, `one`, `two`, `few`, `many`, `other`. Make it
/// from pairs of category and text, and give it to [`Texts::new`]; English needs `one` and `other`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    texts: BTreeMap<String, String>,
}

impl<const N: usize> From<[(&str, &str); N]> for Template {
    fn from(texts: [(&str, &str); N]) -> Self {
        Self::from_slice(&texts)
    }
}

impl Template {
    fn from_slice(texts: &[(&str, &str)]) -> Self {
        Self { texts: texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect() }
    }
}

/// Why texts cannot be used: the error of [`Texts::new`], [`Texts::for_language`] and [`Texts::with_list`]. It names
/// the language or the plural category that is wrong or missing; show it to whoever wrote the texts.
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

/// The plural category and the arguments of a text; returned by [`Texts::parts`]. Send them in place of a text if the
/// client localises by itself (`loc-key` and `loc-args` of APNs, `body_loc_key` and `body_loc_args` of FCM).
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
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
        // Without words of its own: "Ann, Bob", "Ann, Bob +2".
        let more = CATEGORIES.map(|category| (category, "{first}, {second} +{others}"));
        let list = List { two: "{first}, {second}".to_owned(), more: Template::from(more) };
        Ok(Self { rules, template, list })
    }

    /// The texts that come with this crate: "… sent 3 new messages" in the language of this tag. A region is ignored.
    ///
    /// # Errors
    /// [`InvalidTexts::Language`] if there are none.
    pub fn for_language(language: &str) -> Result<Self, InvalidTexts> {
        let unknown = || InvalidTexts::Language { given: language.to_owned() };
        let short = language.split(['-', '_']).next().unwrap_or(language);
        let words = languages::ALL.iter().find(|words| words.language == short).ok_or_else(unknown)?;
        let list = List { two: words.two.to_owned(), more: Template::from_slice(words.more) };
        Self::new(words.language, Template::from_slice(words.messages))?.with_list(list)
    }

    /// The languages of [`for_language`](Self::for_language).
    pub fn languages() -> impl Iterator<Item = &'static str> {
        languages::ALL.iter().map(|words| words.language)
    }

    /// With words for putting names in a row.
    ///
    /// # Errors
    /// [`InvalidTexts`] if a category that the language uses has no text.
    pub fn with_list(self, list: List) -> Result<Self, InvalidTexts> {
        let missing =
            self.rules.categories().map(name).find(|category| !list.more.texts.contains_key(*category));
        match missing {
            Some(category) => Err(InvalidTexts::Missing { category }),
            None => Ok(Self { list, ..self }),
        }
    }

    /// The text for a count and the names of those who are known; `more` if there are others whom nobody counted.
    #[must_use]
    pub fn render_names(&self, count: u32, names: &[impl AsRef<str>], more: bool) -> String {
        let others = at_least(names.len().saturating_sub(1), more);
        let actor = names.first().map(AsRef::as_ref).unwrap_or_default();
        self.fill(count, actor, &others, &self.row(names, more))
    }

    /// "Ann", "Ann and Bob", "Ann, Bob and 2 others"; with others whom nobody counted "Ann and …", "Ann, Bob and 1+ others".
    fn row(&self, names: &[impl AsRef<str>], more: bool) -> String {
        let mut known = names.iter().map(AsRef::as_ref);
        let (first, second) = (known.next().unwrap_or_default(), known.next().unwrap_or_default());
        let others = known.count();
        match (names.len(), more) {
            (0, _) | (1, false) => first.to_owned(),
            (1, true) => fill(&self.list.two, &[("first}", first), ("second}", "…")]),
            (2, false) => fill(&self.list.two, &[("first}", first), ("second}", second)]),
            _ => {
                // One and more are several.
                let said = if more { others.max(1).saturating_add(1) } else { others };
                let category = self.category(u32::try_from(said).unwrap_or(u32::MAX));
                let text = self.list.more.texts.get(category).map(String::as_str).unwrap_or_default();
                let others = at_least(others, more);
                fill(text, &[("first}", first), ("second}", second), ("others}", &others)])
            }
        }
    }

    /// The text of a summary; `name` gives an actor's name.
    #[must_use]
    pub fn render(&self, summary: &Summary, name: impl Fn(u64) -> String) -> String {
        let names: Vec<String> = summary.actors.known().map(name).collect();
        self.render_names(summary.total, &names, summary.actors.more())
    }

    /// The parts of that text.
    #[must_use]
    pub fn parts(&self, summary: &Summary, name: impl Fn(u64) -> String) -> Parts {
        let actor = summary.actors.known().next().map(name).unwrap_or_default();
        let others = at_least(summary.actors.count().saturating_sub(1), summary.actors.more());
        Parts {
            category: self.category(summary.total),
            arguments: [summary.total.to_string(), actor, others],
        }
    }

    /// The text for a count.
    #[must_use]
    pub fn render_count(&self, count: u32, actor: &str, others: &str) -> String {
        self.fill(count, actor, others, actor)
    }

    fn fill(&self, count: u32, actor: &str, others: &str, actors: &str) -> String {
        let text = self.template.texts.get(self.category(count)).map(String::as_str).unwrap_or_default();
        let count = count.to_string();
        fill(text, &[("count}", &count), ("actor}", actor), ("others}", others), ("actors}", actors)])
    }

    fn category(&self, count: u32) -> &'static str {
        name(self.rules.category_for(count))
    }
}

/// How many others: "2"; "2+" if there are more whom nobody counted, which is one at least.
fn at_least(others: usize, more: bool) -> String {
    if more { format!("{}+", others.max(1)) } else { others.to_string() }
}

/// In one pass: a name that looks like a placeholder stays what it is.
fn fill(text: &str, known: &[(&str, &str)]) -> String {
    let mut rest = text;
    let mut filled = String::with_capacity(rest.len() + 16);
    while let Some((before, from)) = rest.split_once('{') {
        filled.push_str(before);
        match known.iter().find_map(|(name, value)| Some((from.strip_prefix(*name)?, value))) {
            Some((after, value)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = from;
            }
        }
    }
    filled.push_str(rest);
    filled
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
    use crate::summary::Actors;

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
    fn every_language_has_all_its_plural_forms() {
        assert!(Texts::languages().count() >= 10);
        for language in Texts::languages() {
            let texts = Texts::for_language(language).unwrap();
            for count in [1, 2, 3, 5, 11, 12, 22, 100, 1_000_000] {
                for known in 1..6 {
                    let names = &["A.", "B.", "C.", "D.", "E."][..known];
                    let text = texts.render_names(count, names, known == 5);
                    let names_there = text.contains("A.") && (known < 2 || text.contains("B."));
                    assert!(names_there && !text.contains(['{', '}']), "{language}: {text}");
                    assert!(count == 1 || text.contains(&count.to_string()), "{language}: {text}");
                }
            }
        }
        let three = ["cs", "ru", "tr", "ja", "fr"].map(|language| {
            Texts::for_language(language).unwrap().render_names(3, &["Ann", "Bob", "Cem"], false)
        });
        insta::assert_snapshot!(three.join("\n"), @r"
        Ann, Bob a 1 další: 3 nové zprávy
        Ann, Bob и ещё 1 человек: 3 новых сообщения
        Ann, Bob ve 1 kişi daha: 3 yeni mesaj
        Ann、Bob、他1人：新着メッセージ3件
        Ann, Bob et 1 autre : 3 nouveaux messages
        ");
    }

    /// However few names are kept: nobody is told that there are no others when there are.
    #[test]
    fn others_whom_nobody_counted_are_some() {
        let texts = Texts::for_language("en").unwrap();
        let all = [1, 2, 3].map(|kept| texts.render_names(9, &["Ann", "Bob", "Cem"][..kept], true));
        insta::assert_snapshot!(all.join("\n"), @r"
        Ann and … sent 9 new messages
        Ann, Bob and 1+ others sent 9 new messages
        Ann, Bob and 1+ others sent 9 new messages
        ");
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
