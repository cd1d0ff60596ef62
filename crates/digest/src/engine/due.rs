//! Time passes.

use reveille_core::UnixTime;

use super::window::Flushed;
use crate::flights::Flight;
use crate::time::NEVER;
use crate::{Engine, Host, Output};

impl<H: Host> Engine<H> {
    /// Tells the time. What is due comes out of [`poll_output`](Self::poll_output); an early or repeated call
    /// changes nothing.
    pub fn handle_timeout(&mut self, now: UnixTime) {
        self.observe(now);
    }

    /// The next output, or `None` when all that is due by now is done. What is due comes in the order of deadlines, over
    /// all keys, however late the driver is; if several deadlines of one key have passed, all of them have their turn with the first. One window is closed at a time: however many are due, the memory for one
    /// output is enough.
    #[inline]
    pub fn poll_output(&mut self) -> Option<Output<H>> {
        while self.outputs.is_empty() && self.goes_on() {}
        self.outputs.pop_front()
    }

    /// Lets the next thing happen that is due, or that comes after. `false` if there is nothing.
    fn goes_on(&mut self) -> bool {
        if self.fire_next(self.now) {
            return true;
        }
        // What is over is forgotten after all that is due, always in this order.
        self.sweep(self.now);
        let staged = self.staged.is_some();
        self.take_staged();
        staged
    }

    /// Lets the next thing happen that is due. `false` if nothing is.
    #[inline]
    pub(crate) fn fire_next(&mut self, now: u64) -> bool {
        let due = self.store.next_due(now);
        if let Some(index) = due {
            self.fire(index, now);
        }
        due.is_some()
    }

    /// Everything of this record that is due: answers that did not come, the window, a reminder.
    pub(crate) fn fire(&mut self, index: u32, now: u64) {
        let over = |flight: &Flight<H>| flight.until <= now;
        while let Some(flight) = self.store.extra_there(index).and_then(|extra| extra.flights.take(over)) {
            self.flight_is_due(index, flight, now);
        }
        let sliding = self.store.sliding;
        if self.store.hot(index).is_some_and(|hot| hot.deadline(sliding) <= now) {
            let _: Flushed = self.let_go(index, now);
        }
        let pending = self.store.hot(index).map_or(0, |hot| hot.total);
        let reminder = self.store.extra(index).map_or(NEVER, |extra| extra.reminder(pending));
        if reminder <= now {
            self.remind(index, now);
        }
        self.finish(index, now);
    }
}
