//! What can be changed in the file: leases and logs. Everything is checked before anything is written.

mod devices;
mod people;
mod tokens;

use std::time::Duration;

use redb::ReadableTable;
use reveille_core::{UnixTime, millis};
use reveille_gateway::Epoch;
use reveille_gateway::store::seal::Sealer;
use reveille_gateway::store::{Claim, Committed, Effects, Held, Lost, Part, Refused, ShardId, Snapshot};

use super::tables::Tables;

pub(super) type Write<T> = Result<T, redb::Error>;

/// One transaction.
pub(super) struct Writes<'t> {
    pub(super) tables: Tables<'t>,
    pub(super) sealer: &'t Sealer,
}

/// Where a shard is.
#[derive(Clone, Debug)]
struct Place {
    epoch: u64,
    next: u64,
    done: u64,
    until: u64,
    lease: u64,
    owner: Option<String>,
}

impl Place {
    /// Whether a write under this epoch is to be taken. Epoch 0 is nobody's.
    fn check(&self, claim: Claim) -> Result<(), Refused> {
        let is_owner = self.owner.is_some() && self.epoch == claim.epoch.0;
        if is_owner { Ok(()) } else { Err(Refused::Stale { epoch: Epoch(self.epoch) }) }
    }
}

impl Writes<'_> {
    fn place(&self, shard: ShardId) -> Write<Place> {
        Ok(match self.tables.shards.get(shard.0)? {
            Some(row) => {
                let (epoch, next, done, until, lease, owner) = row.value();
                Place { epoch, next, done, until, lease, owner: owner.map(str::to_owned) }
            }
            None => Place { epoch: 0, next: 1, done: 0, until: 0, lease: 0, owner: None },
        })
    }

    fn set_place(&mut self, shard: ShardId, place: &Place) -> Write<()> {
        let Place { epoch, next, done, until, lease, owner } = place;
        self.tables.shards.insert(shard.0, (*epoch, *next, *done, *until, *lease, owner.as_deref()))?;
        Ok(())
    }

    /// Nobody's process is running: whoever comes may have the shards at once, under a new epoch.
    pub(super) fn void_leases(&mut self) -> Write<()> {
        for shard in ShardId::all() {
            let place = self.place(shard)?;
            if place.owner.is_some() {
                self.set_place(shard, &Place { until: 0, lease: 0, ..place })?;
            }
        }
        Ok(())
    }

    pub(super) fn claim(
        &mut self,
        shard: ShardId,
        owner: &str,
        lease: Duration,
        now: UnixTime,
    ) -> Write<Result<Claim, Held>> {
        let place = self.place(shard)?;
        let left = place.until.saturating_sub(now.as_millis()).min(place.lease);
        if left > 0 && place.owner.as_deref().is_some_and(|other| other != owner) {
            return Ok(Err(Held { shard, remaining: Duration::from_millis(left) }));
        }
        let epoch = place.epoch.saturating_add(1);
        let (until, lease) = ((now + lease).as_millis(), millis(lease));
        self.set_place(shard, &Place { epoch, until, lease, owner: Some(owner.to_owned()), ..place })?;
        Ok(Ok(Claim { shard, epoch: Epoch(epoch) }))
    }

    pub(super) fn renew(&mut self, claim: Claim, lease: Duration, now: UnixTime) -> Write<Result<(), Lost>> {
        let place = self.place(claim.shard)?;
        if place.check(claim).is_err() {
            return Ok(Err(Lost { shard: claim.shard, epoch: Epoch(place.epoch) }));
        }
        let (until, lease) = ((now + lease).as_millis(), millis(lease));
        self.set_place(claim.shard, &Place { until, lease, ..place })?;
        Ok(Ok(()))
    }

    pub(super) fn release(&mut self, claim: Claim) -> Write<()> {
        let place = self.place(claim.shard)?;
        if place.check(claim).is_ok() {
            let epoch = place.epoch.saturating_add(1);
            self.set_place(claim.shard, &Place { epoch, until: 0, lease: 0, owner: None, ..place })?;
        }
        Ok(())
    }

    pub(super) fn part(&mut self, part: Part, now: UnixTime) -> Write<Result<Committed, Refused>> {
        let shard = part.claim.shard;
        let mut place = self.place(shard)?;
        let before = place.next;
        if let Err(refused) = check_part(&mut place, &part) {
            return Ok(Err(refused));
        }
        if let Some(entry) = &part.entry {
            let row = (entry.next, entry.now.as_millis(), entry.bytes.as_ref());
            self.tables.log.insert((shard.0, before), row)?;
        }
        let effects = part.effects.filter(|effects| effects.upto > place.done);
        let mut committed = Committed::default();
        if let Some(effects) = effects {
            place.done = effects.upto;
            committed = self.effects(shard, &effects, now)?;
        }
        self.set_place(shard, &place)?;
        Ok(Ok(committed))
    }

    fn effects(&mut self, shard: ShardId, effects: &Effects, now: UnixTime) -> Write<Committed> {
        let mut conflicts = Vec::new();
        for write in &effects.devices {
            if let Err(conflict) = self.put_device(write)? {
                conflicts.push((write.key.clone(), conflict));
            }
        }
        effects.letters.iter().try_for_each(|letter| self.put_letter(letter))?;
        for letter in &effects.discarded {
            self.remove_letter(reveille_gateway::store::LetterKey { shard, letter: *letter })?;
        }
        effects.live.iter().try_for_each(|(subject, is_live)| self.set_live(subject, shard, *is_live))?;
        effects.badges.iter().try_for_each(|(person, change)| self.add_to_badge(person, *change))?;
        for command in &effects.tokens {
            self.token(command, now)?;
        }
        Ok(Committed { conflicts })
    }

    pub(super) fn save(&mut self, claim: Claim, snapshot: &Snapshot) -> Write<Result<(), Refused>> {
        let place = self.place(claim.shard)?;
        let shard = claim.shard.0;
        if let Err(refused) = place.check(claim) {
            return Ok(Err(refused));
        }
        let kept = self.kept(shard)?;
        let newest = kept.first().copied().unwrap_or(0);
        if snapshot.next > place.next || snapshot.next < newest {
            return Ok(Err(Refused::Number { next: place.next, given: snapshot.next }));
        }
        self.tables.snapshots.insert((shard, snapshot.next), snapshot.bytes.as_ref())?;
        let mut kept = self.kept(shard)?;
        while kept.len() > 2 {
            if let Some(oldest) = kept.pop() {
                self.tables.snapshots.remove((shard, oldest))?;
            }
        }
        if let [_, older] = kept[..] {
            // An entry that reaches beyond it is kept.
            self.tables.log.retain_in((shard, 0)..(shard, older), |_, (next, ..)| next > older)?;
        }
        Ok(Ok(()))
    }

    /// The snapshots of a shard, the newest first.
    fn kept(&self, shard: u8) -> Write<Vec<u64>> {
        let rows = self.tables.snapshots.range((shard, 0)..=(shard, u64::MAX))?;
        rows.rev().map(|row| Ok(row?.0.value().1)).collect()
    }
}

/// Whether a part fits; `place` is moved to where the log goes on after it.
fn check_part(place: &mut Place, part: &Part) -> Result<(), Refused> {
    place.check(part.claim)?;
    let next = place.next;
    if let Some(entry) = &part.entry {
        if entry.number != next || entry.next <= entry.number {
            return Err(Refused::Number { next, given: entry.number });
        }
        place.next = entry.next;
    }
    match &part.effects {
        Some(effects) if effects.upto > place.done => {
            let fits = effects.after == place.done && effects.upto < place.next;
            if fits { Ok(()) } else { Err(Refused::Effects { done: place.done, given: effects.after }) }
        }
        _ => Ok(()),
    }
}
