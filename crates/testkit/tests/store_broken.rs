//! The suite notices: stores that break one promise each, on purpose, are caught. The model itself passes in `store.rs`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, too, fail by panicking")]

use std::time::Duration;

use bytes::Bytes;
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_delivery::DeviceId;
use reveille_gateway::store::{
    Claim, Committed, DeviceWrite, Entry, Erased, Held, Letter, LetterKey, Loaded, Lost, Part, Person,
    Refused, ShardId, Snapshot, Store, StoreError, Subject, TokenAnswer, Versioned, Wishes,
};
use reveille_registry::{Conflict, Device, DeviceKey, TokenValue};
use reveille_resume::store::StoreCommand;
use reveille_testkit::store::conformance::{self, Home};
use reveille_testkit::store::{MemoryHome, MemoryStore};

macro_rules! faults {
    ($($name:ident),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq)]
        enum Fault { $($name),* }
        const ALL: &[Fault] = &[$(Fault::$name),*];
    };
}

faults! {
    LivingLeaseIsTaken, StaleOwnerWrites, GapIsFilled, EffectsAreDoneAgain, OneRefusalRefusesTheRest,
    AnswersChangePlaces, EffectsOfARefusedPart, ConflictIsOverwritten, ConflictIsSilent, TimeInSeconds,
    LogCutBelowTheNewer, OneSnapshotIsKept, RefusedSnapshotIsOk, PageIgnoresItsSize, PageOfNoneForALargeEntry,
    GroupIsSkippedFromInside, TokenIsReservedTwice, UseNeverEnds, SweepTakesTheLiving, ErasesByPrefix, ErasesNothing,
    PeopleAreGivenOnce, TokenOfOtherApps, OldTokenIsFound, LettersBackwards, BadgesCountTwice, OneLiveShard,
    LostLeaseIsRenewed, ReleaseIsForgotten, SecretIsOverwritten, WishesAreOverwritten, ReadsAreOld, LastPageIsLost,
}

#[derive(Clone)]
struct Broken {
    inner: MemoryStore,
    fault: Fault,
    /// What was read first.
    old: std::sync::Arc<std::sync::Mutex<std::collections::BTreeMap<DeviceKey, Option<Device>>>>,
}

impl Broken {
    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    async fn repaired(&self, mut part: Part) -> Result<Part, StoreError> {
        let loaded = self.inner.load(part.claim.shard).await?;
        if self.is(Fault::StaleOwnerWrites) {
            part.claim.epoch = loaded.epoch;
        }
        if let Some(entry) = part.entry.as_mut() {
            if self.is(Fault::GapIsFilled) && entry.number > loaded.next {
                entry.number = loaded.next;
            }
            if self.is(Fault::TimeInSeconds) {
                entry.now = UnixTime::from_secs(entry.now.as_secs());
            }
        }
        if let Some(effects) = part.effects.as_mut() {
            if self.is(Fault::EffectsAreDoneAgain)
                && effects.upto <= loaded.done
                && loaded.done + 1 < loaded.next
            {
                (effects.after, effects.upto) = (loaded.done, loaded.done + 1);
            }
            if self.is(Fault::BadgesCountTwice) {
                effects.badges.extend(effects.badges.clone());
            }
        }
        Ok(part)
    }
}

impl Store for Broken {
    async fn claim(
        &self,
        shards: &[ShardId],
        owner: &str,
        lease: Duration,
        now: UnixTime,
    ) -> Result<Vec<Result<Claim, Held>>, StoreError> {
        let now = if self.is(Fault::LivingLeaseIsTaken) { UnixTime::MAX } else { now };
        self.inner.claim(shards, owner, lease, now).await
    }

    async fn renew(
        &self,
        claims: &[Claim],
        lease: Duration,
        now: UnixTime,
    ) -> Result<Vec<Result<(), Lost>>, StoreError> {
        let answers = self.inner.renew(claims, lease, now).await?;
        Ok(if self.is(Fault::LostLeaseIsRenewed) { vec![Ok(()); answers.len()] } else { answers })
    }

    async fn release(&self, claims: &[Claim]) -> Result<(), StoreError> {
        if self.is(Fault::ReleaseIsForgotten) { Ok(()) } else { self.inner.release(claims).await }
    }

    async fn commit(
        &self,
        parts: Vec<Part>,
        now: UnixTime,
    ) -> Result<Vec<Result<Committed, Refused>>, StoreError> {
        let mut answers: Vec<Result<Committed, Refused>> = Vec::new();
        for part in parts {
            if self.is(Fault::OneRefusalRefusesTheRest)
                && let Some(refused) = answers.iter().find(|answer| answer.is_err())
            {
                answers.push(refused.clone());
                continue;
            }
            let part = self.repaired(part).await?;
            let mut answer = self.inner.commit(vec![part.clone()], now).await?.remove(0);
            if let (Err(_), Fault::EffectsOfARefusedPart) = (&answer, self.fault) {
                self.inner.commit(vec![Part { entry: None, ..part }], now).await?;
            }
            if let (Ok(committed), Fault::ConflictIsSilent) = (&mut answer, self.fault) {
                committed.conflicts.clear();
            }
            answers.push(answer);
        }
        if self.is(Fault::AnswersChangePlaces) {
            answers.reverse();
        }
        Ok(answers)
    }

    async fn save(&self, claim: Claim, snapshot: Snapshot) -> Result<Result<(), Refused>, StoreError> {
        let saved = self.inner.save(claim, snapshot).await?;
        Ok(if self.is(Fault::RefusedSnapshotIsOk) { Ok(()) } else { saved })
    }

    async fn load(&self, shard: ShardId) -> Result<Loaded, StoreError> {
        let mut loaded = self.inner.load(shard).await?;
        if self.is(Fault::OneSnapshotIsKept) {
            loaded.snapshots.truncate(1);
        }
        Ok(loaded)
    }

    async fn snapshot(&self, shard: ShardId, next: u64) -> Result<Option<Bytes>, StoreError> {
        self.inner.snapshot(shard, next).await
    }

    async fn entries(&self, shard: ShardId, from: u64, bytes: usize) -> Result<Vec<Entry>, StoreError> {
        let bytes = if self.is(Fault::PageIgnoresItsSize) { usize::MAX } else { bytes };
        let mut entries = self.inner.entries(shard, from, bytes).await?;
        match self.fault {
            Fault::PageOfNoneForALargeEntry => entries.retain(|entry| entry.bytes.len() <= bytes),
            Fault::GroupIsSkippedFromInside => entries.retain(|entry| entry.number >= from),
            Fault::LogCutBelowTheNewer => {
                let snapshots = self.inner.load(shard).await?.snapshots;
                let cut = if snapshots.len() == 2 { snapshots[0] } else { 0 };
                entries.retain(|entry| entry.next > cut);
            }
            _ => {}
        }
        Ok(entries)
    }

    async fn people(&self, people: &[PersonId]) -> Result<Vec<Person>, StoreError> {
        let mut people = people.to_vec();
        if self.is(Fault::PeopleAreGivenOnce) {
            people.sort();
            people.dedup();
        }
        self.inner.people(&people).await
    }

    async fn device(&self, key: &DeviceKey) -> Result<Option<Device>, StoreError> {
        let device = self.inner.device(key).await?;
        if self.is(Fault::ReadsAreOld) {
            return Ok(self.old.lock().unwrap().entry(key.clone()).or_insert(device).clone());
        }
        Ok(device)
    }

    async fn device_by_id(&self, id: DeviceId) -> Result<Option<Device>, StoreError> {
        self.inner.device_by_id(id).await
    }

    async fn devices_with(&self, app: &str, token: &TokenValue) -> Result<Vec<Device>, StoreError> {
        let mut devices = self.inner.devices_with(app, token).await?;
        match self.fault {
            Fault::TokenOfOtherApps if app == "app" => {
                devices.extend(self.inner.devices_with("other", token).await?);
            }
            // An index that keeps what was there once.
            Fault::OldTokenIsFound if devices.is_empty() => devices = self.inner.devices(None, 1).await?,
            _ => {}
        }
        Ok(devices)
    }

    async fn devices(&self, after: Option<&DeviceKey>, limit: usize) -> Result<Vec<Device>, StoreError> {
        let mut devices = self.inner.devices(after, limit).await?;
        if self.is(Fault::LastPageIsLost) && devices.len() < limit {
            devices.clear();
        }
        Ok(devices)
    }

    async fn put_devices(
        &self,
        mut writes: Vec<DeviceWrite>,
    ) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        let mut answers = Vec::new();
        for write in &mut writes {
            if self.is(Fault::ConflictIsOverwritten) {
                write.decision.expected = self.inner.device(&write.key).await?.map(|device| device.revision);
            }
            answers.extend(self.inner.put_devices(vec![write.clone()]).await?);
        }
        Ok(answers)
    }

    async fn put_wishes(
        &self,
        person: &PersonId,
        mut expected: Option<u64>,
        wishes: Option<&Wishes>,
    ) -> Result<Result<u64, Conflict>, StoreError> {
        if self.is(Fault::WishesAreOverwritten) {
            let people = self.inner.people(std::slice::from_ref(person)).await?;
            expected = people[0].wishes.as_ref().map(|wishes| wishes.revision);
        }
        self.inner.put_wishes(person, expected, wishes).await
    }

    async fn live(&self, subject: &Subject) -> Result<Vec<ShardId>, StoreError> {
        let mut shards = self.inner.live(subject).await?;
        if self.is(Fault::OneLiveShard) {
            shards.truncate(1);
        }
        Ok(shards)
    }

    async fn erase(&self, person: &PersonId) -> Result<Erased, StoreError> {
        match self.fault {
            Fault::ErasesNothing => Ok(Erased { devices: 2, letters: 3, wishes: true }),
            Fault::ErasesByPrefix if person.as_str() == "ann" => {
                self.inner.erase(&PersonId::new("anna").unwrap()).await?;
                self.inner.erase(person).await
            }
            _ => self.inner.erase(person).await,
        }
    }

    async fn letters(&self, after: Option<LetterKey>, limit: usize) -> Result<Vec<Letter>, StoreError> {
        let mut letters = self.inner.letters(after, limit).await?;
        if self.is(Fault::LettersBackwards) {
            letters.reverse();
        }
        Ok(letters)
    }

    async fn remove_letters(&self, letters: &[LetterKey]) -> Result<usize, StoreError> {
        self.inner.remove_letters(letters).await
    }

    async fn token(&self, command: &StoreCommand, now: UnixTime) -> Result<TokenAnswer, StoreError> {
        let now = if self.is(Fault::UseNeverEnds) { UnixTime::EPOCH } else { now };
        let answer = self.inner.token(command, now).await?;
        let reserves = matches!(command, StoreCommand::SetIfAbsent { .. });
        Ok(if self.is(Fault::TokenIsReservedTwice) && reserves { TokenAnswer::Done } else { answer })
    }

    async fn sweep(&self, limit: usize, now: UnixTime) -> Result<usize, StoreError> {
        let now = if self.is(Fault::SweepTakesTheLiving) { UnixTime::MAX } else { now };
        self.inner.sweep(limit, now).await
    }

    async fn secret(&self, name: &str) -> Result<Option<Versioned<Bytes>>, StoreError> {
        self.inner.secret(name).await
    }

    async fn secrets(&self) -> Result<Vec<String>, StoreError> {
        self.inner.secrets().await
    }

    async fn put_secret(
        &self,
        name: &str,
        mut expected: Option<u64>,
        bytes: Option<Bytes>,
    ) -> Result<Result<u64, Conflict>, StoreError> {
        if self.is(Fault::SecretIsOverwritten) {
            expected = self.inner.secret(name).await?.map(|secret| secret.revision);
        }
        self.inner.put_secret(name, expected, bytes).await
    }
}

struct BrokenHome(MemoryHome, Fault);

impl Home for BrokenHome {
    type Store = Broken;

    fn open(&mut self) -> Broken {
        Broken { inner: self.0.open(), fault: self.1, old: Default::default() }
    }

    fn crash(&mut self, store: Broken) {
        self.0.crash(store.inner);
    }

    fn also(&mut self, store: &Broken) -> Option<Broken> {
        Some(store.clone())
    }
}

#[test]
fn every_broken_store_is_caught_by_a_case_of_its_own() {
    assert!(ALL.len() >= 30);
    let mut all = Vec::new();
    for fault in ALL {
        let report = conformance::run(|| BrokenHome(MemoryHome::default(), *fault));
        let cases: Vec<&str> = report.failures.iter().map(|failure| failure.case.name).collect();
        // Not only by chance: random calls alone would do, but say little.
        let named = cases.iter().find(|name| !name.starts_with("random")).copied();
        all.push(format!("{fault:?}: {}", named.unwrap_or("NOT CAUGHT")));
    }
    insta::assert_snapshot!(all.join("\n"), @"
    LivingLeaseIsTaken: a_lease_that_lives_is_respected
    StaleOwnerWrites: a_lease_that_is_over_can_be_taken
    GapIsFilled: a_number_that_does_not_fit_is_refused
    EffectsAreDoneAgain: effects_are_done_once
    OneRefusalRefusesTheRest: shards_fail_alone
    AnswersChangePlaces: shards_fail_alone
    EffectsOfARefusedPart: effects_that_do_not_fit_are_refused
    ConflictIsOverwritten: a_change_compares_the_revision
    ConflictIsSilent: a_late_change_of_a_device_is_reported
    TimeInSeconds: entries_come_back
    LogCutBelowTheNewer: the_log_is_cut_below_the_older_snapshot
    OneSnapshotIsKept: two_snapshots_are_kept
    RefusedSnapshotIsOk: snapshots_that_do_not_fit_are_refused
    PageIgnoresItsSize: entries_come_in_pages
    PageOfNoneForALargeEntry: entries_come_in_pages
    GroupIsSkippedFromInside: an_entry_is_found_by_a_number_inside
    TokenIsReservedTwice: a_token_is_used_once
    UseNeverEnds: a_token_is_used_once
    SweepTakesTheLiving: a_use_is_over_in_time
    ErasesByPrefix: a_person_is_erased
    ErasesNothing: a_person_is_erased
    PeopleAreGivenOnce: people_come_in_order
    TokenOfOtherApps: devices_are_found_by_token
    OldTokenIsFound: devices_are_found_by_token
    LettersBackwards: letters_are_kept
    BadgesCountTwice: effects_are_done_once
    OneLiveShard: the_index_of_what_is_live
    LostLeaseIsRenewed: a_lost_lease_is_not_renewed
    ReleaseIsForgotten: a_released_shard_is_free
    SecretIsOverwritten: secrets_are_kept
    WishesAreOverwritten: wishes_are_kept
    ReadsAreOld: the_registrys_cases
    LastPageIsLost: devices_are_listed_in_pages
    ");
}
