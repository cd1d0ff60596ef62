//! When all is over: nothing is left, everything is explained, and the memory is free again.

use reveille_conversation::event::What;
use reveille_core::UnixTime;
use reveille_gateway::Seed;

use super::super::crowd::Crowd;
use super::super::node::Cell;
use super::super::script::Scripted;
use super::super::world::{SOURCE, shard_of};
use super::Oracle;

/// As many as there are places.
const TICKS: usize = 1_000;

impl Oracle {
    pub(in super::super) fn at_rest(&mut self, cells: &[Cell], queued: usize) {
        let open: u64 = cells.iter().map(|cell| cell.shard.gateway().open_jobs()).sum();
        let pending: u64 =
            cells.iter().map(|cell| cell.shard.gateway().counters().of("messages_pending")).sum();
        if open + pending > 0 || queued > 0 {
            self.violations.push(format!("never at rest: {open} jobs, {pending} messages, {queued} to come"));
        }
    }

    /// Whoever asks why something led to no push gets an answer (X2).
    pub(in super::super) fn explained(
        &mut self,
        script: &[Scripted],
        crowd: &Crowd,
        cells: &[Cell],
        seed: Seed,
    ) {
        for number in self.news().collect::<Vec<_>>() {
            let Some(news) = crowd.news.get(number) else { continue };
            let shard = shard_of(seed, &news.what.conversation);
            let cell = cells.get(shard);
            if cell.is_none_or(|cell| cell.shard.gateway().followed(SOURCE, &news.what.id).is_empty()) {
                self.violations.push(format!("unexplained: news-{number}"));
            }
        }
        for number in self.committed.keys() {
            let Some(Scripted { event, .. }) = script.get(*number) else { continue };
            if !matches!(event.what, What::MessageSent(_) | What::CallOffered(_) | What::CallbackReady) {
                continue;
            }
            let shard = shard_of(seed, &event.conversation);
            let followed = cells.get(shard).zip(event.id.as_ref());
            if followed.is_none_or(|(cell, id)| cell.shard.gateway().followed(SOURCE, id).is_empty()) {
                self.violations.push(format!("unexplained: event-{number}"));
            }
        }
    }

    /// A week later, what is kept is the history that the settings name, and nothing that lives. An idle shard logs nothing, so it
    /// forgets with its next ticks: each goes on as far as the next place where nothing is to be forgotten.
    pub(in super::super) fn forgotten(&mut self, cells: &mut [Cell], later: UnixTime) {
        for cell in cells {
            while let Some(wakeup) = cell.shard.next_wakeup().filter(|wakeup| wakeup.at <= later) {
                cell.shard.group(wakeup.at).tick().seal().committed().for_each(drop);
            }
            for _ in 0..TICKS {
                cell.shard.group(later).tick().seal().committed().for_each(drop);
                if cell.shard.gateway().counters().of("conversations") == 0 {
                    break;
                }
            }
            let counters = cell.shard.gateway().counters();
            for size in ["conversations", "digest_keys", "jobs_open", "handshakes", "announcements_open"] {
                let kept = counters.of(size);
                if kept > 0 {
                    self.violations.push(format!("kept: {kept} {size} a week later"));
                }
            }
        }
    }
}
