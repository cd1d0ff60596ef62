//! What time brings: a name that did not come, a hidden agent's turn, a ring that nobody took, a purge that is believed.

use super::state::{Conversation, Ring};
use super::{Conversations, Desk};
use crate::Cause;
use crate::callback::On;

impl Conversations {
    /// All that is due, the earliest first; among equals in the order of places, which a restore keeps.
    pub(super) fn run_timers(&mut self) {
        while let Some((at, slot)) = self.desk.timers.first().copied() {
            if at > self.desk.now {
                break;
            }
            self.desk.timers.pop_first();
            // Also of a conversation whose time is over, where a clock jumped or a machine slept: what rings is cancelled, and
            // who waits for a name waits no longer.
            let Some((there, _)) = self.store.get_mut(slot) else { continue };
            let ended = there.ended;
            self.desk.due(there, slot);
            if there.ended != ended {
                self.visit(slot, |_, _| {});
            }
        }
    }
}

impl Desk {
    fn due(&mut self, there: &mut Conversation, slot: u32) {
        let now = self.now;
        // A ring that is over does not leave for want of a name: ends come first.
        for place in 0..there.members.len() {
            let live = there.members.get(place).and_then(|member| member.live.as_deref());
            let Some(live) = live else { continue };
            match &live.ring {
                Ring::Hidden(until, _) if *until <= now => self.reveal(there, slot, place),
                Ring::Held | Ring::Rings if live.until <= now => {
                    self.stop(there, slot, place, Cause::TimedOut, None, None);
                }
                Ring::None | Ring::Hidden(..) | Ring::Held | Ring::Rings | Ring::Over(_) => {}
            }
        }
        self.release(there, slot, |held| held.until <= now);
        let settles = there.extra.as_ref().and_then(|extra| extra.callback.as_ref()?.settles);
        if settles.is_some_and(|settles| settles <= now) {
            self.on_callback(there, slot, On::Settled, now);
        }
    }
}
