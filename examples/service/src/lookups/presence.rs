//! Whether somebody is there, asked of the platform before a call is taken in, where the rules look at it and the event does
//! not say it (B8).
//!
//! Presence is a soft filter. So whoever is not known, or not known in time, rings; that is counted, and said in the audit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use reveille_conversation::Input;
use reveille_conversation::event::{Offer, PersonChange, Presence, What};
use reveille_conversation::id::PersonId;
use reveille_conversation::rules::{PresenceFilter, Rules};
use reveille_conversation::source::{Genesys, Parsed};
use reveille_core::UnixTime;
use serde_json::json;

use super::known::Known;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::platform::{Haste, Platform, path};

/// Persons whose presence is kept, and for how long: what the platform says is two to three seconds old in any case.
const MOST: usize = 20_000;
const KEPT: Duration = Duration::from_secs(2);

/// Asks whether people are there, if the settings want it.
pub struct AskPresence {
    platform: Option<Arc<Platform>>,
    filter: PresenceFilter,
    known: Mutex<Known<PersonId, Presence>>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl AskPresence {
    /// For these rules; nobody is asked without a platform, or if its settings do not want it.
    pub fn new(platform: Option<Arc<Platform>>, rules: &Rules, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let platform = platform.filter(|platform| platform.settings.ask_presence);
        let known = Mutex::new(Known::new(MOST));
        Self { platform, filter: rules.calls().presence(), known, clock, metrics }
    }

    /// Says in offers what the people who are to ring are doing, as far as it is known in time.
    pub async fn fill_in(&self, inputs: impl Iterator<Item = &mut Input>) {
        let Some(platform) = &self.platform else { return };
        let asked = inputs.filter_map(|input| match input {
            Input::Event(event) => match &mut event.what {
                What::CallOffered(offer) if self.decides(offer) => Some(offer),
                _ => None,
            },
            _ => None,
        });
        join_all(asked.map(async |offer| offer.presence = self.of(platform, &offer.person).await)).await;
    }

    fn decides(&self, offer: &Offer) -> bool {
        let asks = match self.filter {
            PresenceFilter::Strict => true,
            // An assignment counts for more than presence.
            PresenceFilter::Soft => !offer.assigned,
            _ => false,
        };
        asks && offer.presence.is_none() && !offer.restated && !offer.auto_join
    }

    async fn of(&self, platform: &Platform, person: &PersonId) -> Option<Presence> {
        let now = self.clock.uptime();
        if let Some(known) = self.known().find(person, now) {
            self.metrics.count("presence", "kept");
            return Some(known);
        }
        let patience = Duration::from_millis(platform.settings.presence_ms);
        let path = path(&platform.settings.presence.path, &[("id", person.as_str())]);
        let asked = platform.get(&path, Haste::Hurries, platform.within(patience));
        let (word, found) = match tokio::time::timeout(patience, asked).await {
            Err(_) => ("late", None),
            Ok(Err(failure)) => (failure.name(), None),
            Ok(Ok(found)) => {
                let word = found.as_ref().and_then(|found| {
                    found.pointer(&platform.settings.presence.text)?.as_str().and_then(in_words)
                });
                (if word.is_some() { "found" } else { "unknown" }, word)
            }
        };
        self.metrics.count("presence", word);
        match found {
            Some(found) => self.known().keep(person.clone(), found, KEPT, self.clock.uptime()),
            None => eprintln!("audit: whether {person} is there is not known ({word}): their call rings"),
        }
        found
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known<PersonId, Presence>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As the reader of the platform's events understands it, so that both say the same.
fn in_words(word: &str) -> Option<Presence> {
    let body = json!({"presenceDefinition": {"systemPresence": word}});
    let event = json!({"topicName": "v2.users.x.presence", "eventBody": body}).to_string();
    match Genesys::new().read(&event, UnixTime::EPOCH) {
        Ok(Parsed::Inputs(inputs)) => inputs.into_iter().find_map(|input| match input {
            Input::Person(event) => match event.what {
                PersonChange::Presence(presence) => Some(presence),
                _ => None,
            },
            _ => None,
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_platform() {
        assert_eq!(in_words("On Queue"), Some(Presence::Available));
        assert_eq!(in_words("Offline"), Some(Presence::Offline));
        assert_eq!(in_words("Meal"), Some(Presence::Away));
    }
}
