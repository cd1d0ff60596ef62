//! Random decisions, policies among them. No part of the model.

use std::time::Duration;

use reveille_digest::{Policy, options::*};

/// Draws small decisions from bytes.
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    pub fn next(&mut self) -> u64 {
        let Some((byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        u64::from(*byte)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    pub fn span(&mut self) -> Duration {
        Duration::from_millis(self.one_of(&[
            0,
            1,
            7,
            64,
            500,
            1_000,
            4_000,
            5_000,
            30_000,
            100_000,
            3_600_000,
            5_000_000_000,
        ]))
    }
}

pub fn policy(bytes: &mut Bytes<'_>, actors: u8) -> Policy {
    let wait = bytes.span();
    let mut policy = match bytes.below(4) {
        0 => Policy::lean(Window::Fixed { wait }),
        1 => Policy::lean(Window::Sliding { quiet: wait, max_wait: bytes.span() }),
        2 => Policy::sliding(wait, bytes.span()),
        _ => Policy::fixed(wait),
    };
    let flags = bytes.next() | bytes.next() << 8;
    let on = |bit: u64| flags & (1 << bit) != 0;
    policy.actors = actors;
    if on(0) {
        return policy;
    }
    policy.collect = bytes.one_of(&[Collect::Totals, Collect::Latest, Collect::Items, Collect::Items]);
    policy.keep = bytes.one_of(&[Keep::First(2), Keep::Last(2), Keep::Top(2)]);
    policy.leading = on(1);
    policy.max_items = on(2).then_some(1 + bytes.below(6) as u32);
    policy.max_bytes = on(3).then_some(1 + bytes.below(40) as u32);
    policy.urgent = if on(4) { Urgent::Flush } else { Urgent::Overtake };
    policy.dedup = on(5).then(|| bytes.span());
    policy.ack_timeout = on(6).then(|| if on(13) { Duration::MAX } else { bytes.span() });
    policy.useful_for = on(7).then(|| bytes.span());
    if on(8) {
        policy.refractory = Some(Refractory {
            first: bytes.span(),
            factor: bytes.below(4) as u8,
            max: bytes.span(),
            decay: bytes.span(),
            excess: if on(9) { Excess::Drop } else { Excess::Hold },
        });
    }
    policy.reminders = (0..if on(10) { bytes.below(4) } else { 0 }).map(|_| bytes.span()).collect();
    policy.remember = bytes.span();
    policy.attempts = bytes.below(3) as u8;
    policy.spread = if on(11) { bytes.span() } else { Duration::ZERO };
    policy.clock_tolerance = if on(12) { bytes.span() } else { Duration::from_secs(60) };
    policy
}
