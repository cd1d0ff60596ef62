//! Policies, limits and what else comes by inputs, as bytes.

use std::time::Duration;

use reveille_core::UnixTime;

use super::Codec;
use crate::catch_up::{CatchUp, Overdue, Rate};
use crate::options::{Collect, Excess, Keep, Refractory, Urgent, Window};
use crate::retract::{Read, Selector};
use crate::{EventId, Generation, Limits, Policy};

/// Four and four numbers: tuples are encoded up to four.
type EightNumbers = ((u32, u32, u64, u32), (u64, u64, u32, u32));

/// Encodes as another type does.
macro_rules! as_other {
    ($($type:ty: $other:ty, |$value:ident| $to:expr, |$back:ident| $from:expr;)*) => {$(
        impl Codec for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                let $value = self;
                let other: $other = $to;
                other.encode(out);
            }
            fn decode(bytes: &mut &[u8]) -> Option<Self> {
                let $back = <$other>::decode(bytes)?;
                $from
            }
        }
    )*};
}

as_other! {
    Duration: (u64, u32), |d| (d.as_secs(), d.subsec_nanos()),
        |d| (d.1 < 1_000_000_000).then(|| Self::new(d.0, d.1));
    UnixTime: u64, |t| t.as_millis(), |t| Some(Self::from_millis(t));
    EventId: u128, |id| id.0, |id| Some(Self(id));
    Generation: u64, |g| g.to_bits(), |g| Some(Self::from_bits(g));
    Window: (Option<Duration>, Duration), |w| match *w {
            Window::Fixed { wait } => (None, wait),
            Window::Sliding { quiet, max_wait } => (Some(quiet), max_wait),
        }, |w| Some(match w {
            (None, wait) => Self::Fixed { wait },
            (Some(quiet), max_wait) => Self::Sliding { quiet, max_wait },
        });
    Keep: (u8, u16), |k| match *k { Keep::First(n) => (0, n), Keep::Last(n) => (1, n), Keep::Top(n) => (2, n) },
        |k| match k.0 {
            0 => Some(Self::First(k.1)),
            1 => Some(Self::Last(k.1)),
            2 => Some(Self::Top(k.1)),
            _ => None,
        };
    Collect: u8, |c| match c { Collect::Totals => 0, Collect::Latest => 1, Collect::Items => 2 },
        |c| [Self::Totals, Self::Latest, Self::Items].get(usize::from(c)).copied();
    Urgent: bool, |u| *u == Urgent::Flush, |flush| Some(if flush { Self::Flush } else { Self::Overtake });
    Refractory: ((Duration, u8, Duration), (Duration, bool)),
        |r| ((r.first, r.factor, r.max), (r.decay, r.excess == Excess::Drop)),
        |r| {
            let ((first, factor, max), (decay, drop)) = r;
            Some(Self { first, factor, max, decay, excess: if drop { Excess::Drop } else { Excess::Hold } })
        };
    Limits: EightNumbers,
        |l| ((l.windows, l.memories, l.items, l.items_per_key), (l.delivered, l.bytes, l.ids, l.outputs)),
        |l| {
            let ((windows, memories, items, items_per_key), (delivered, bytes, ids, outputs)) = l;
            Some(Self { windows, memories, items, items_per_key, delivered, bytes, ids, outputs })
        };
    Rate: (u32, Duration), |r| (r.windows, r.every), |r| Some(Self { windows: r.0, every: r.1 });
    CatchUp: (u8, Duration, Rate), |c| match c.overdue {
            Overdue::Flush => (0, Duration::ZERO, c.rate),
            Overdue::Merge => (1, Duration::ZERO, c.rate),
            Overdue::DropOlderThan(age) => (2, age, c.rate),
        }, |c| {
            let overdue = match c.0 {
                0 => Overdue::Flush,
                1 => Overdue::Merge,
                2 => Overdue::DropOlderThan(c.1),
                _ => return None,
            };
            Some(Self { overdue, rate: c.2 })
        };
    Read: (u8, u128), |r| match r {
            Read::UpTo(seq) => (0, u128::from(*seq)),
            Read::Through(id) => (1, id.0),
            Read::All => (2, 0),
        }, |r| match r.0 {
            0 => Some(Self::UpTo(u64::try_from(r.1).ok()?)),
            1 => Some(Self::Through(EventId(r.1))),
            2 => Some(Self::All),
            _ => None,
        };
    Selector: (u8, u128), |s| match s {
            Selector::Event(id) => (0, id.0),
            Selector::Kind(kind) => (1, u128::from(*kind)),
            Selector::All => (2, 0),
        }, |s| match s.0 {
            0 => Some(Self::Event(EventId(s.1))),
            1 => Some(Self::Kind(u16::try_from(s.1).ok()?)),
            2 => Some(Self::All),
            _ => None,
        };
}

impl Codec for Policy {
    fn encode(&self, out: &mut Vec<u8>) {
        (self.window, self.leading, self.max_items, self.max_bytes).encode(out);
        (self.collect, self.keep, self.actors, self.urgent).encode(out);
        (self.refractory, self.dedup, self.ack_timeout, self.attempts).encode(out);
        (self.useful_for, self.spread, self.remember, self.clock_tolerance).encode(out);
        (self.reminders.len() as u64).encode(out);
        self.reminders.iter().for_each(|reminder| reminder.encode(out));
    }

    fn decode(bytes: &mut &[u8]) -> Option<Self> {
        let (window, leading, max_items, max_bytes) = Codec::decode(bytes)?;
        let (collect, keep, actors, urgent) = Codec::decode(bytes)?;
        let (refractory, dedup, ack_timeout, attempts) = Codec::decode(bytes)?;
        let (useful_for, spread, remember, clock_tolerance) = Codec::decode(bytes)?;
        // As many as there are: one that cannot work is in a log as it was given, and `apply` passes it over.
        let reminders = (0..u64::decode(bytes)?).map(|_| Duration::decode(bytes)).collect::<Option<_>>()?;
        Some(Self {
            window,
            leading,
            max_items,
            max_bytes,
            collect,
            keep,
            actors,
            urgent,
            refractory,
            reminders,
            dedup,
            ack_timeout,
            attempts,
            useful_for,
            spread,
            remember,
            clock_tolerance,
        })
    }
}
