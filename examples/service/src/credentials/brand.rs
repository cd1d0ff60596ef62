//! How one app or brand speaks, and what it is told, beside others: texts, links, sounds, rules.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use reveille_content::{AndroidForm, ContentSettings, Templates};
use reveille_conversation::content::Texts;
use reveille_conversation::rules::{AppRules, Rules, RulesError};
use reveille_registry::{Device, Platform};
use reveille_writer::Languages;
use serde::{Deserialize, Serialize};

use crate::settings::{InvalidSettings, wrong};

/// The language of people whose language is not known.
const LANGUAGE: &str = "en";

/// What differs from the service's own; what is not given does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Brand {
    /// The origin of the page or app that notifications lead to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The language of people whose language is not known, or has no texts. Default: `en`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Texts by language and key, as in `texts.de."incoming_call.title"`. What is not among them is English.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
    /// The sound of a ring: a file in the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ring_sound: Option<String>,
    /// The sound of everything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sound: Option<String>,
    /// Who shows messages on Android: `notification`, the system, or `data`, the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub android: Option<Android>,
    /// The Android channel of low importance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_channel: Option<String>,
    /// Rules for the app's devices, with the names that a file of rules has: `channels`, `recipients`, `kill`, `cancels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<serde_json::Value>,
}

/// Who shows messages on Android.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Android {
    /// The system.
    Notification,
    /// The app.
    Data,
}

impl Brand {
    /// This one, and what it does not say as the other has it.
    pub(crate) fn over(&self, other: &Self) -> Self {
        let text = |own: &Option<String>, other: &Option<String>| own.clone().or_else(|| other.clone());
        let mut texts = other.texts.clone();
        for (language, own) in &self.texts {
            let all = texts.entry(language.clone()).or_default();
            all.extend(own.iter().map(|(key, text)| (key.clone(), text.clone())));
        }
        Self {
            link: text(&self.link, &other.link),
            language: text(&self.language, &other.language),
            texts,
            ring_sound: text(&self.ring_sound, &other.ring_sound),
            sound: text(&self.sound, &other.sound),
            android: self.android.or(other.android),
            quiet_channel: text(&self.quiet_channel, &other.quiet_channel),
            rules: self.rules.clone(),
        }
    }

    /// Its texts in all its languages.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the field.
    pub(crate) fn languages(&self) -> Result<Languages, InvalidSettings> {
        let otherwise = self.language.as_deref().unwrap_or(LANGUAGE);
        let mut languages = Languages::new(self.templates(otherwise)?);
        for language in self.texts.keys().filter(|language| *language != otherwise) {
            languages = languages.with(self.templates(language)?);
        }
        Ok(languages)
    }

    fn templates(&self, language: &str) -> Result<Templates, InvalidSettings> {
        let at = format!("texts.{language}");
        let nothing = BTreeMap::new();
        let given = self.texts.get(language).unwrap_or(&nothing);
        if let Some(key) = given.keys().find(|key| !Texts::knows(key)) {
            return Err(wrong(format!("{at}.{key:?}"), "there is no such text"));
        }
        let given = given.iter().map(|(key, text)| (key.as_str(), text.as_str()));
        let texts = Texts::new(language, given).map_err(|error| wrong(at, error))?;
        let link = self.link.as_deref().unwrap_or_default();
        Templates::new(link, texts, self.content()).map_err(|error| wrong("link", error))
    }

    fn content(&self) -> ContentSettings {
        let mut content = ContentSettings::default();
        if let Some(name) = &self.ring_sound {
            content = content.with_ring_sound(name.clone());
        }
        if let Some(name) = &self.sound {
            content = content.with_sound(name.clone());
        }
        if let Some(name) = &self.quiet_channel {
            content = content.with_quiet_channel(name.clone());
        }
        content.with_android(match self.android {
            Some(Android::Data) => AndroidForm::Data,
            _ => AndroidForm::Notification,
        })
    }

    /// Its rules, where it has any.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the rule.
    pub(crate) fn app_rules(&self, service: &Rules) -> Result<Option<AppRules>, InvalidSettings> {
        let Some(rules) = &self.rules else { return Ok(None) };
        let text = toml::to_string(rules).map_err(|_| wrong("rules", "expected sections with rules"))?;
        AppRules::from_toml(&text, service).map(Some).map_err(|error| match error {
            // Of a text that nobody wrote, the line says nothing.
            RulesError::Unknown { key, known, .. } => {
                wrong(format!("rules.{key}"), format!("an app has no such rule; it has: {known}"))
            }
            RulesError::Invalid { key, expected, found, .. } => {
                wrong(format!("rules.{key}"), format!("expected {expected}, found {found}"))
            }
            other => wrong("rules", other),
        })
    }
}

/// The texts in force, for e-mails and text messages: those of an app, and of the service. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Brands {
    apps: Arc<RwLock<BTreeMap<String, Arc<Languages>>>>,
    service: Arc<Languages>,
}

impl Brands {
    pub(crate) fn new(service: Languages) -> Self {
        Self { apps: Arc::default(), service: Arc::new(service) }
    }

    pub(super) fn set(&self, apps: BTreeMap<String, Arc<Languages>>) {
        *self.apps.write().unwrap_or_else(PoisonError::into_inner) = apps;
    }

    /// Texts for a person, and in which locale: those of an app that the person has on a device, the first in the order of
    /// the apps' names. E-mails and text messages belong to no app by themselves.
    pub(crate) fn of<'d>(&self, devices: &'d [Device]) -> (Arc<Languages>, Option<&'d str>) {
        let devices = || devices.iter().filter(|device| device.platform != Platform::Address);
        let apps = self.apps.read().unwrap_or_else(PoisonError::into_inner);
        let own = devices()
            .filter_map(|device| Some((device, apps.get(&device.key.app)?)))
            .min_by_key(|(device, _)| &device.key);
        let locale = |device: &'d Device| device.locale.as_deref();
        match own {
            Some((device, languages)) => (Arc::clone(languages), locale(device)),
            None => (Arc::clone(&self.service), devices().find_map(locale)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn brand(value: serde_json::Value) -> Brand {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_a_brand_does_not_say_is_the_services() {
        let service = brand(json!({
            "link": "https://all.example", "sound": "all.caf",
            "texts": {"de": {"incoming_call.title": "Anruf", "new_message.title": "Nachricht"}},
        }));
        let own = brand(
            json!({"link": "https://own.example", "texts": {"de": {"incoming_call.title": "Klingeling"}}}),
        );
        let both = own.over(&service);
        assert_eq!(
            (both.link.as_deref(), both.sound.as_deref()),
            (Some("https://own.example"), Some("all.caf"))
        );
        assert_eq!(both.texts["de"]["incoming_call.title"], "Klingeling");
        assert_eq!(both.texts["de"]["new_message.title"], "Nachricht");
        assert_eq!(both.languages().unwrap().tags().collect::<Vec<_>>(), ["en", "de"]);
        let german = Brand { language: Some("de".to_owned()), ..both };
        assert_eq!(german.languages().unwrap().tags().collect::<Vec<_>>(), ["de"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let link = json!("https://own.example");
        let texts = |language: &str, key: &str| {
            let texts = json!({language: {key: "x"}});
            brand(json!({"link": link, "texts": texts})).languages().unwrap_err().to_string()
        };
        let rules = |rules: serde_json::Value| {
            brand(json!({"rules": rules})).app_rules(&Rules::default()).unwrap_err().to_string()
        };
        let lines = [
            texts("de", "incoming_cal.title"),
            texts("klingonisch!", "incoming_call.title"),
            brand(json!({"link": "nowhere"})).languages().unwrap_err().to_string(),
            rules(json!({"calls": {"ring_for": "45s"}})),
            rules(json!({"channels": {"forwarded": ["pigeon"]}})),
            rules(json!({"kill": {"apps": ["a"]}})),
            rules(json!("everything")),
        ];
        let expected = [
            "texts.de.\"incoming_cal.title\": there is no such text",
            "texts.klingonisch!: expected a language with plural rules, found \"klingonisch!\"",
            "link: origin: expected an absolute https URL without query and fragment, found another text",
            "rules.calls: an app has no such rule; it has: channels, recipients, kill, cancels",
            "rules.channels.forwarded: expected a list of \"email\", \"mobile\", \"webhook\", \"web_push\", found another list",
            "rules.kill.apps: an app has no such rule; it has: all, channels, visitor, primary, secondary",
            "rules: expected sections with rules",
        ];
        assert_eq!(lines, expected);
        assert!(serde_json::from_value::<Brand>(json!({"colour": "red"})).is_err());
    }
}
