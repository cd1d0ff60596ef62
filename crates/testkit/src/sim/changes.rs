//! Changes of rules while it runs: when they were wanted, and when which shard had them.

use std::time::Duration;

use reveille_core::UnixTime;

use super::world::SHARDS;

/// Every other change stops everything new (E1), and the one after it lets it go again.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<Change>);

#[derive(Debug)]
struct Change {
    wanted: UnixTime,
    committed: InShards,
}

/// When each shard had something.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InShards([Option<(u64, UnixTime)>; SHARDS]);

impl InShards {
    pub(super) fn committed(&mut self, shard: usize, seq: u64, at: UnixTime) {
        if let Some(place) = self.0.get_mut(shard) {
            place.get_or_insert((seq, at));
        }
    }

    /// A backup does not have it any more.
    pub(super) fn undo(&mut self, shard: usize) {
        if let Some(place) = self.0.get_mut(shard) {
            *place = None;
        }
    }

    pub(super) fn any(&self) -> impl Iterator<Item = (u64, UnixTime)> {
        self.0.iter().flatten().copied()
    }

    /// Once all have it.
    pub(super) fn all(&self) -> Option<Vec<(u64, UnixTime)>> {
        self.0.iter().copied().collect()
    }
}

/// Something may be decided a little after its event: a name is looked up first.
const A_LITTLE: Duration = Duration::from_secs(40);

impl Changes {
    pub(super) fn add(&mut self, wanted: UnixTime) -> usize {
        self.0.push(Change { wanted, committed: InShards::default() });
        self.0.len() - 1
    }

    pub(super) const fn is_off(&self, number: usize) -> bool {
        number.is_multiple_of(2)
    }

    pub(super) fn committed(&mut self, change: usize, shard: usize, seq: u64, at: UnixTime) {
        if let Some(change) = self.0.get_mut(change) {
            change.committed.committed(shard, seq, at);
        }
    }

    pub(super) fn undo(&mut self, change: usize, shard: usize) {
        if let Some(change) = self.0.get_mut(change) {
            change.committed.undo(shard);
        }
    }

    /// In the order in which they were wanted.
    pub(super) fn missing(&self) -> Vec<(usize, usize)> {
        let changes = self.0.iter().enumerate();
        let missing = changes.flat_map(|(number, change)| {
            let shards = change.committed.0.iter().enumerate();
            shards.filter(|(_, done)| done.is_none()).map(move |(shard, _)| (number, shard))
        });
        missing.collect()
    }

    /// Whether nobody can say, from outside, if what happened then is to be told.
    pub(super) fn excuse(&self, at: UnixTime) -> bool {
        self.excuse_between(at, at)
    }

    /// The same for what goes on for a while.
    pub(super) fn excuse_between(&self, from: UnixTime, to: UnixTime) -> bool {
        self.0.iter().enumerate().filter(|(number, _)| self.is_off(*number)).any(|(number, off)| {
            (off.wanted - A_LITTLE) <= to && self.over(number).is_none_or(|over| from <= over)
        })
    }

    /// When all shards knew that it was over.
    fn over(&self, number: usize) -> Option<UnixTime> {
        self.0.get(number + 1)?.committed.all()?.into_iter().map(|(_, at)| at).max()
    }

    /// Whether nothing may come of what was committed with this number: all shards had the switch, and nobody had asked
    /// for it to be turned back.
    pub(super) fn forbids(&self, seq: u64, at: UnixTime) -> bool {
        self.0.iter().enumerate().filter(|(number, _)| self.is_off(*number)).any(|(number, off)| {
            let everywhere = off.committed.all().is_some_and(|all| all.iter().all(|(had, _)| *had < seq));
            everywhere && self.0.get(number + 1).is_none_or(|on| at < on.wanted)
        })
    }
}
