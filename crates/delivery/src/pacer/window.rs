//! Sums over a sliding window: a ring of short slots, so that what is old goes in one subtraction.

use std::time::Duration;

use reveille_core::{UnixTime, millis};

pub(super) const SLOTS: u64 = 20;

/// `N` counts over the last span, to a twentieth of it.
#[derive(Clone, Debug)]
#[repr(C)]
pub(crate) struct Window<const N: usize> {
    /// Milliseconds of a slot.
    width: u64,
    /// When the newest slot began, in milliseconds, and its number since the epoch.
    begun: u64,
    newest: u64,
    sums: [u64; N],
    slots: [[u32; N]; SLOTS as usize],
}

impl<const N: usize> Window<N> {
    pub(crate) fn new(span: Duration) -> Self {
        let width = (millis(span) / SLOTS).max(1);
        Self { width, begun: 0, newest: 0, slots: [[0; N]; SLOTS as usize], sums: [0; N] }
    }

    /// Forgets what is too old. A clock that steps back counts on in the newest slot, and far back begins again.
    #[inline]
    fn advance(&mut self, now: UnixTime) {
        if now.as_millis().wrapping_sub(self.begun) >= self.width {
            self.turn(now.as_millis() / self.width);
        }
    }

    #[cold]
    fn turn(&mut self, slot: u64) {
        if slot < self.newest && self.newest - slot < SLOTS {
            return;
        }
        if slot < self.newest || slot - self.newest >= SLOTS {
            self.clear();
        } else {
            for old in self.newest + 1..=slot {
                let Some(counts) = self.slots.get_mut((old % SLOTS) as usize) else { continue };
                for (sum, count) in self.sums.iter_mut().zip(counts) {
                    *sum = sum.saturating_sub((*count).into());
                    *count = 0;
                }
            }
        }
        (self.newest, self.begun) = (slot, slot * self.width);
    }

    #[inline]
    pub(crate) fn add(&mut self, which: usize, now: UnixTime) {
        self.advance(now);
        let at = (self.newest % SLOTS) as usize;
        if let (Some(count), Some(sum)) =
            (self.slots.get_mut(at).and_then(|slot| slot.get_mut(which)), self.sums.get_mut(which))
            && *count < u32::MAX
        {
            *count += 1;
            *sum += 1;
        }
    }

    #[inline]
    pub(crate) fn sums(&mut self, now: UnixTime) -> [u64; N] {
        self.advance(now);
        self.sums
    }

    /// Reads a little of it, so that it comes from memory.
    #[inline]
    pub(crate) fn touch(&self) -> u64 {
        let at = self.newest.wrapping_add(1) % SLOTS;
        let slot = self.slots.get(at as usize).and_then(|counts| counts.first());
        self.newest ^ u64::from(slot.copied().unwrap_or_default())
    }

    pub(crate) fn clear(&mut self) {
        (self.slots, self.sums) = ([[0; N]; SLOTS as usize], [0; N]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_like_a_list(steps in proptest::collection::vec((0..400_u64, 0..2_usize), 1..300)) {
            let mut window: Window<2> = Window::new(Duration::from_secs(2));
            let (mut now, mut list) = (5_000_000_u64, Vec::new());
            for (step, which) in steps {
                now += step;
                window.add(which, UnixTime::from_millis(now));
                list.push((now / 100, which));
                let expected = [0, 1].map(|which| {
                    list.iter().filter(|(slot, w)| *w == which && now / 100 - slot < SLOTS).count() as u64
                });
                prop_assert_eq!(window.sums(UnixTime::from_millis(now)), expected);
            }
        }

        #[test]
        fn any_clock_will_do(times: Vec<u64>) {
            let mut window: Window<1> = Window::new(Duration::from_secs(60));
            for time in times {
                window.add(0, UnixTime::from_millis(time));
                let [sum] = window.sums(UnixTime::from_millis(time));
                prop_assert!(sum >= 1);
                let all: u64 = window.slots.iter().map(|[count]| u64::from(*count)).sum();
                prop_assert_eq!(all, sum);
            }
        }
    }
}
