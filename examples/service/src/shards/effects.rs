//! What a shard's outputs change in the store: gathered, decided, and committed with the next group.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_delivery::dead::DeadId;
use reveille_delivery::{Device, DeviceId, JobId};
use reveille_gateway::store::seal::{Place, Sealer};
use reveille_gateway::store::{Claim, DeviceWrite, Effects, Letter, LetterKey, Store, StoreError, Subject};
use reveille_gateway::{Gateway, LookUp, Note, Output, class};
use reveille_registry as registry;
use reveille_registry::{Change, Consequence, Decision, Event, Pruning, Purpose, RegistryPolicy, decide};

use crate::outgoing::{Event as OutgoingEvent, Kept, Outgoing, Recovery};

/// Alone, if no group comes within this.
const ALONE_AFTER: Duration = Duration::from_millis(100);
/// A record that is changed as often while it is written is another one each time.
const CONFLICTS: usize = 5;
/// Somebody of whom nothing was heard for so long is not live in the shard: no ring lasts longer.
const LIVE_FOR: Duration = Duration::from_secs(3_600);
/// How often it is looked for such people: at all of the shard's, so not with each group.
const LOOK_AT_LIVE: Duration = Duration::from_secs(60);
/// A token that its service took something for is known to work for so long: it is not written down for every push.
const WORKS_FOR: Duration = Duration::from_secs(3_600);

/// What was found out about a device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    device: Device,
    for_calls: bool,
    effect: registry::Effect,
    at: UnixTime,
}

/// Letters of a job, of which it is not known yet whose it is.
#[derive(Debug, Default)]
struct Unnamed {
    letters: Vec<DeadId>,
    person: Option<PersonId>,
}

/// The effects of a shard that the store does not have yet. Outputs are looked at one by one, and of most nothing is kept: a
/// replay of a long log, or of a group with a million outputs, needs room only for what the store lacks.
pub(super) struct Pending {
    claim: Claim,
    /// Up to which input the store has them, and up to which the log goes.
    done: u64,
    upto: u64,
    devices: Vec<Found>,
    letters: Vec<Letter>,
    /// Letters of the group that is looked at, by their jobs; and whose they are, as far as the group says.
    unnamed: BTreeMap<JobId, Unnamed>,
    live: BTreeMap<PersonId, UnixTime>,
    looked_at_live: Instant,
    changes: Vec<(Subject, bool)>,
    /// What is to be told of it.
    events: Vec<OutgoingEvent>,
    recovery: Recovery,
    /// Whether there is anybody to tell.
    tells: bool,
    since: Option<Instant>,
}

/// Effects that are on their way into the store.
pub(super) struct Leaving {
    pub(super) effects: Effects,
    devices: Vec<Found>,
    events: Vec<OutgoingEvent>,
    /// What of it is told, once it is committed.
    pub(super) kept: Vec<Kept>,
    /// Whose waiting pushes are to be cancelled, once it is committed.
    pub(super) dropped: Vec<(String, DeviceId)>,
}

impl Pending {
    pub(super) fn new(claim: Claim, done: u64, upto: u64, tells: bool) -> Self {
        let (devices, letters, unnamed, live, changes, events, recovery) = Default::default();
        Self {
            claim,
            done,
            upto,
            devices,
            letters,
            unnamed,
            live,
            looked_at_live: Instant::now(),
            changes,
            events,
            recovery,
            tells,
            since: None,
        }
    }

    /// The log goes up to this input.
    pub(super) fn logged(&mut self, upto: u64) {
        self.upto = self.upto.max(upto);
    }

    /// When they are to be committed without a group.
    pub(super) fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + ALONE_AFTER)
    }

    /// Takes from a group's outputs what concerns the store, and what it does not have yet. Then comes
    /// [`grouped`](Self::grouped).
    pub(super) fn take_in<O: Borrow<Output>>(
        &mut self,
        outputs: impl IntoIterator<Item = (u64, O)>,
        now: UnixTime,
    ) {
        for (number, output) in outputs {
            self.look_at(number, output.borrow(), now);
        }
    }

    fn look_at(&mut self, number: u64, output: &Output, now: UnixTime) {
        let recovered = if self.tells { self.recovery.look(output) } else { None };
        if number <= self.done {
            return;
        }
        if self.tells {
            let shard = self.claim.shard;
            let recovered = recovered.map(|who| OutgoingEvent::recovered(shard, number, &who, now));
            let told = OutgoingEvent::of_output(shard, number, output, now).into_iter().chain(recovered);
            self.events.extend(told);
            if !self.events.is_empty() {
                self.since.get_or_insert_with(Instant::now);
            }
        }
        match output {
            Output::Device { device, for_calls, effect, at } => {
                let Some(effect) = of_registry(*effect) else { return };
                self.devices.push(Found { device: *device, for_calls: *for_calls, effect, at: *at });
            }
            Output::DeadLetter { letter, job } => {
                self.unnamed.entry(*job).or_default().letters.push(*letter);
            }
            // It follows the letter of its job's last leg.
            Output::Note(Note::PushFailed { job, person, .. }) => {
                if let Some(unnamed) = self.unnamed.get_mut(job) {
                    unnamed.person = Some(person.clone());
                }
                return;
            }
            Output::LookUp(LookUp::Devices(recipient)) => {
                if self.live.insert(recipient.person.clone(), now).is_some() {
                    return;
                }
                self.changes.push((Subject::Person(recipient.person.clone()), true));
            }
            // Resume tokens are not taken back yet, so no shard knows of a use.
            _ => return,
        }
        self.since.get_or_insert_with(Instant::now);
    }

    /// All outputs of a group were looked at: what its letters say is in the machine.
    pub(super) fn grouped(&mut self, gateway: &Gateway) {
        for (job, Unnamed { letters, person }) in std::mem::take(&mut self.unnamed) {
            let live = || Some(gateway.explain(job)?.content?.person().clone());
            let Some(person) = person.or_else(live) else { continue };
            let letters = letters.into_iter();
            let letters: Vec<_> =
                letters.filter_map(|letter| self.letter(letter, job, &person, gateway)).collect();
            self.letters.extend(letters);
        }
    }

    fn letter(&self, letter: DeadId, job: JobId, person: &PersonId, gateway: &Gateway) -> Option<Letter> {
        let dead = gateway.dead_letter(letter)?;
        let tried = dead.tried.iter().map(|tried| format!("{}: {}", tried.attempt, tried.verdict.name()));
        let shown = serde_json::json!({"fate": dead.fate.name(), "tried": tried.collect::<Vec<_>>()});
        let key = LetterKey { shard: self.claim.shard, letter };
        let (person, bytes) = (person.clone(), shown.to_string().into_bytes().into());
        Some(Letter { key, job, person, died: dead.died, bytes })
    }

    /// Decides what is to be written, of inputs up to `upto`. What comes meanwhile waits for the next time.
    pub(super) async fn leave<S: Store>(
        &mut self,
        store: &S,
        sealer: &Sealer,
        outgoing: Option<&Outgoing<S>>,
        now: UnixTime,
    ) -> Result<Leaving, StoreError> {
        let mut effects = Effects::new(self.done, self.upto);
        let devices = std::mem::take(&mut self.devices);
        let events = std::mem::take(&mut self.events);
        let found = async {
            let decided = decided(store, &devices, now).await?;
            // In the store before the effects are done with: a crash in between makes the same events again.
            let kept = match outgoing {
                Some(outgoing) => outgoing.keep([&*events, &*decided.events].concat()).await?,
                None => Vec::new(),
            };
            Ok((decided, kept))
        };
        let (dropped, kept) = match found.await {
            Ok((decided, kept)) => {
                effects.devices = decided.writes;
                (decided.dropped, kept)
            }
            Err(error) => {
                (self.devices, self.events) = (devices, events);
                return Err(error);
            }
        };
        effects.letters = std::mem::take(&mut self.letters);
        for letter in &mut effects.letters {
            // A letter whose details cannot be sealed is kept without them.
            letter.bytes = sealer.seal(Place::Letter(letter.key), &letter.bytes).unwrap_or_default();
        }
        effects.live = std::mem::take(&mut self.changes);
        // Effects of no new input are passed over by the store.
        if self.upto > self.done && self.looked_at_live.elapsed() >= LOOK_AT_LIVE {
            self.looked_at_live = Instant::now();
            let over = self.live.extract_if(.., |_, last| now.since(*last) > LIVE_FOR);
            effects.live.extend(over.map(|(person, _)| (Subject::Person(person), false)));
        }
        self.since = None;
        Ok(Leaving { effects, devices, events, kept, dropped })
    }

    /// The store has them.
    pub(super) fn done(&mut self, leaving: &Leaving) {
        self.done = leaving.effects.upto;
    }

    /// The store does not have them, for certain: they wait again.
    pub(super) fn again(&mut self, leaving: Leaving) {
        self.devices.splice(0..0, leaving.devices);
        self.events.splice(0..0, leaving.events);
        self.letters.splice(0..0, leaving.effects.letters);
        self.changes.splice(0..0, leaving.effects.live);
        self.since.get_or_insert_with(Instant::now);
    }

    /// Somebody else changed these records meanwhile: what was found out about them, to be decided again.
    pub(super) fn conflicts(leaving: &Leaving, keys: &[registry::DeviceKey]) -> Vec<Found> {
        let of = |found: &&Found| {
            let mut writes = leaving.effects.devices.iter().filter(|write| keys.contains(&write.key));
            writes.any(|write| write.id == found.device.id)
        };
        leaving.devices.iter().filter(of).copied().collect()
    }
}

/// Decides again, and writes until nobody is faster. It is past its group: what is not written here says a later answer of
/// the service again.
pub(super) async fn decide_again<S: Store>(
    store: &S,
    outgoing: Option<&Outgoing<S>>,
    found: &[Found],
    now: UnixTime,
) -> Result<(), StoreError> {
    for _ in 0..CONFLICTS {
        let Decided { writes, events, .. } = decided(store, found, now).await?;
        let kept = match outgoing {
            Some(outgoing) => outgoing.keep(events).await?,
            None => Vec::new(),
        };
        let keys: Vec<_> = writes.iter().map(|write| write.key.clone()).collect();
        let written = if writes.is_empty() { Vec::new() } else { store.put_devices(writes).await? };
        let conflicts = keys.into_iter().zip(&written).filter(|(_, answer)| answer.is_err());
        let conflicts: Vec<_> = conflicts.map(|(key, _)| key).collect();
        if let Some(outgoing) = outgoing {
            outgoing.settle(kept, &conflicts).await?;
        }
        if conflicts.is_empty() {
            return Ok(());
        }
    }
    Ok(())
}

/// What is to be written about devices.
#[derive(Default)]
struct Decided {
    writes: Vec<DeviceWrite>,
    dropped: Vec<(String, DeviceId)>,
    events: Vec<OutgoingEvent>,
}

/// Everything about one device becomes one change of its record.
async fn decided<S: Store>(store: &S, found: &[Found], now: UnixTime) -> Result<Decided, StoreError> {
    let mut by_device: BTreeMap<DeviceId, Vec<&Found>> = BTreeMap::new();
    found.iter().for_each(|found| by_device.entry(found.device.id).or_default().push(found));
    let mut decided = Decided::default();
    let policy = RegistryPolicy::default();
    for (id, all) in by_device {
        let Some(record) = store.device_by_id(id).await? else { continue };
        let (key, expected) = (record.key.clone(), Some(record.revision));
        let (mut current, mut changed) = (Some(record.clone()), false);
        for found in all {
            let Some(device) = &current else { break };
            let purpose = purpose(device, found);
            if is_known(device, purpose, found) {
                continue;
            }
            let (effect, at, pruning) = (found.effect, found.at, Pruning::Allowed);
            let revision = found.device.revision;
            let decision = decide(
                current.as_ref(),
                &Event::Delivery { purpose, revision, effect, at, pruning },
                &policy,
                now,
            );
            for consequence in &decision.consequences {
                if let Consequence::CancelPending { owner } = consequence {
                    decided.dropped.push((owner.clone(), id));
                }
            }
            match decision.change {
                Change::Put(device) => (current, changed) = (Some(*device), true),
                Change::Purge => (current, changed) = (None, true),
                _ => {}
            }
        }
        if changed {
            let change = current.map_or(Change::Purge, |device| Change::Put(Box::new(device)));
            decided.events.extend(OutgoingEvent::of_change(Some(&record), &change, 0, now));
            let decision = Decision { expected, change, consequences: Vec::new() };
            decided.writes.push(DeviceWrite { key, id, decision });
        }
    }
    Ok(decided)
}

/// Whether it says nothing new: the token was known to work a little while ago, and nobody doubts it.
fn is_known(device: &registry::Device, purpose: Purpose, found: &Found) -> bool {
    let works = |token: &registry::Token| {
        let lately = token.validated.is_some_and(|at| found.at.since(at) < WORKS_FOR);
        lately && token.suspicion.since().is_none() && !token.other_environment_tried
    };
    found.effect == registry::Effect::Accepted
        && device.state == registry::State::Active
        && device.token(purpose).is_some_and(works)
}

fn purpose(device: &registry::Device, found: &Found) -> Purpose {
    match found.device.class {
        class::WEB_PUSH => Purpose::WebPush,
        class::APNS if found.for_calls && device.token(Purpose::ApnsVoip).is_some() => Purpose::ApnsVoip,
        class::APNS => Purpose::ApnsAlert,
        _ if device.token(Purpose::FcmToken).is_some() => Purpose::FcmToken,
        _ => Purpose::FcmInstallation,
    }
}

fn of_registry(effect: reveille_delivery::Effect) -> Option<registry::Effect> {
    Some(match effect {
        reveille_delivery::Effect::Accepted => registry::Effect::Accepted,
        reveille_delivery::Effect::Suspect => registry::Effect::Suspect,
        reveille_delivery::Effect::Gone { if_registered_before } => {
            registry::Effect::Gone { if_registered_before }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_delivery::Fate;
    use reveille_gateway::Epoch;
    use reveille_gateway::store::ShardId;
    use std::cell::Cell;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    /// An output, and how many there are at the moment.
    struct Counted<'c>(Output, &'c Cell<usize>);

    impl Borrow<Output> for Counted<'_> {
        fn borrow(&self) -> &Output {
            &self.0
        }
    }

    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.1.set(self.1.get() - 1);
        }
    }

    fn pending(done: u64) -> Pending {
        let claim = Claim { shard: ShardId(1), epoch: Epoch(2) };
        Pending::new(claim, done, 1_000_000, false)
    }

    fn output(number: u64) -> Output {
        let (job, device) = (JobId::from_bits(number.into()), DeviceId::from_bits(number.into()));
        match number % 3 {
            0 => Output::Note(Note::Settled { job, fate: Fate::Accepted }),
            1 => Output::Withdraw { job, device },
            _ => {
                let (device, effect) = (Device::new(device, 1), reveille_delivery::Effect::Accepted);
                Output::Device { device, for_calls: false, effect, at: NOW }
            }
        }
    }

    /// A replay of a million inputs of which the store has all but the last three.
    #[test]
    fn what_the_store_has_takes_no_room() {
        let (there, mut most) = (Cell::new(0), 0);
        let mut pending = pending(999_997);
        let outputs = (1..=1_000_000).map(|number| {
            there.set(there.get() + 1);
            most = most.max(there.get());
            (number, Counted(output(number), &there))
        });
        pending.take_in(outputs, NOW);
        assert_eq!((most, there.get()), (1, 0), "one at a time");
        assert_eq!((pending.devices.len(), pending.letters.len(), pending.unnamed.len()), (1, 0, 0));
        assert!(pending.devices.capacity() < 10 && pending.events.is_empty() && pending.live.is_empty());
    }
}
