//! Who logged out: what rings for them stops.

use reveille_conversation::id::{DeviceId, PersonId};
use reveille_core::UnixTime;

use super::super::changes::InShards;
use super::Oracle;

#[derive(Debug)]
pub(super) struct LoggedOut {
    person: PersonId,
    /// On all devices.
    everywhere: bool,
    committed: InShards,
}

impl Oracle {
    /// Gives the number under which the shards hear of it.
    pub(in super::super) fn logs_out(&mut self, person: &PersonId, device: Option<&DeviceId>) -> usize {
        let (person, everywhere) = (person.clone(), device.is_none());
        self.logouts.push(LoggedOut { person, everywhere, committed: InShards::default() });
        self.logouts.len() - 1
    }

    pub(in super::super) fn logged_out(&mut self, number: usize, shard: usize, seq: u64, at: UnixTime) {
        if let Some(one) = self.logouts.get_mut(number) {
            one.committed.committed(shard, seq, at);
        }
    }

    pub(in super::super) fn not_logged_out(&mut self, number: usize, shard: usize) {
        if let Some(one) = self.logouts.get_mut(number) {
            one.committed.undo(shard);
        }
    }

    /// When all shards knew that they had logged out everywhere, after an offer with this number.
    pub(super) fn logged_out_after(&self, person: &PersonId, seq: u64) -> Option<(u64, UnixTime)> {
        let theirs = self.logouts.iter().filter(|one| one.person == *person && one.everywhere);
        let known = theirs.filter_map(|one| {
            let all = one.committed.all()?;
            all.iter().all(|(had, _)| *had > seq).then(|| all.into_iter().max())?
        });
        known.min()
    }

    /// Whether any shard heard that they logged out somewhere.
    pub(super) fn logged_out_between(&self, person: &PersonId, from: UnixTime, to: UnixTime) -> bool {
        let theirs = self.logouts.iter().filter(|one| one.person == *person);
        theirs.flat_map(|one| one.committed.any()).any(|(_, at)| (from..=to).contains(&at))
    }
}
