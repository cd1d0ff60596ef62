//! Whose devices, and what is written for them.

use std::collections::HashMap;
use std::time::Duration;

use reveille_conversation::id::PersonId;
use reveille_conversation::rules::Channels;
use reveille_core::UnixTime;
use reveille_gateway::store::{Person as Known, ShardId, Store, StoreError, Wishes};
use reveille_gateway::{Job, Recipient};
use reveille_writer::wishes::Preferences;
use reveille_writer::{Answer, Leg, Person, Writer, Written};

use crate::clock::Clock;
use crate::quiet::Zones;

/// A store that fails is asked again after this …
const PAUSE: Duration = Duration::from_millis(200);
/// … and so often; then the machine asks, or tries, again by itself.
const TIMES: u32 = 10;

/// Answers look-ups of devices; none if the store does not answer.
pub(super) async fn pick<S: Store>(
    store: &S,
    writer: &Writer,
    clock: &Clock,
    zones: &Zones,
    lookups: Vec<(ShardId, Recipient)>,
) -> Vec<(ShardId, Recipient, Answer)> {
    let wanted = lookups.iter().map(|(_, recipient)| &recipient.person);
    let Ok(people) = load(store, wanted).await else { return Vec::new() };
    let mut answers = Vec::with_capacity(lookups.len());
    for (shard, recipient) in lookups {
        let Some(known) = people.get(&recipient.person) else { continue };
        let now = clock.now();
        let mut person = of_store(known, zones, now);
        let before = person.pauses().revision();
        let picked = writer.pick(&recipient, &mut person, now);
        if person.pauses().revision() > before
            && let Some(wishes) = &known.wishes
        {
            // What a pause held is counted; whoever is faster counts first, and this one is not counted.
            let counted = Wishes { pauses: person.pauses().clone(), ..wishes.value.clone() };
            let _ = store.put_wishes(&recipient.person, Some(wishes.revision), Some(&counted)).await;
        }
        answers.push((shard, recipient, picked.answer));
    }
    answers
}

/// Writes a batch: one result for each job, `None` if the store does not answer.
pub(super) async fn write<S: Store>(
    store: &S,
    writer: &Writer,
    clock: &Clock,
    zones: &Zones,
    batch: Vec<(ShardId, Job)>,
) -> Vec<(ShardId, Job, Option<Written>)> {
    let Ok(people) = load(store, batch.iter().map(|(_, job)| &job.person)).await else {
        return batch.into_iter().map(|(shard, job)| (shard, job, None)).collect();
    };
    let now = clock.now();
    let people: HashMap<&PersonId, Person> =
        people.iter().map(|(person, known)| (person, of_store(known, zones, now))).collect();
    let nobody = Person::default();
    let legs: Vec<Leg<'_>> = batch
        .iter()
        .map(|(_, job)| Leg { job, person: people.get(&job.person).unwrap_or(&nobody) })
        .collect();
    let written = writer.write(&legs, now);
    drop(legs);
    batch.into_iter().zip(written).map(|((shard, job), written)| (shard, job, Some(written))).collect()
}

async fn load<'p, S: Store>(
    store: &S,
    wanted: impl Iterator<Item = &'p PersonId>,
) -> Result<HashMap<PersonId, Known>, StoreError> {
    let mut ids: Vec<PersonId> = wanted.cloned().collect();
    ids.sort_unstable();
    ids.dedup();
    let mut times = 0;
    loop {
        match store.people(&ids).await {
            Ok(people) => return Ok(ids.into_iter().zip(people).collect()),
            Err(error) if error.passes() && times < TIMES => times += 1,
            Err(error) => {
                eprintln!("people cannot be read: {error}");
                return Err(error);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// As the writer takes it: quiet hours become points in time here.
fn of_store(known: &Known, zones: &Zones, now: UnixTime) -> Person {
    let mut person = Person::new(known.devices.clone());
    if let Some(badge) = known.badge {
        person = person.with_badge(badge);
    }
    let Some(wishes) = known.wishes.as_ref().map(|wishes| &wishes.value) else { return person };
    if let Some(quiet) = wishes.quiet.as_ref().and_then(|wish| zones.quiet(wish, now)) {
        person = person.with_quiet(quiet);
    }
    let mut preferences = Preferences::default();
    for (kind, channels) in &wishes.unwanted {
        preferences = preferences.without(*kind, Channels::of(channels));
    }
    for app in &wishes.unwanted_apps {
        preferences = preferences.without_app(app);
    }
    person.with_pauses(wishes.pauses.clone()).with_preferences(preferences)
}
