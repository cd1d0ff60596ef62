//! An engine as bytes, and back.

mod catch_up;
mod codec;
mod read;
mod write;

use thiserror::Error;

pub use catch_up::{CatchUp, Overdue};
pub use codec::Codec;
#[doc(hidden)]
pub use write::with_check_sum;

/// The format that this version writes. It reads this one only; a change of the format raises it.
const VERSION: u8 = 1;
const MAGIC: [u8; 4] = *b"RVDG";

/// There are outputs that nobody has polled: they would be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{waiting} outputs wait to be polled: a snapshot would lose them")]
pub struct Undrained {
    /// How many.
    pub waiting: usize,
}

/// Why bytes are not an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is not a snapshot of an engine.
    #[error("this is not a digest snapshot")]
    NotASnapshot,
    /// It is of a version that is not known here.
    #[error("the snapshot has version {given}: this library reads version {expected}")]
    Version {
        /// What it has.
        given: u8,
        /// What is read.
        expected: u8,
    },
    /// It was cut or changed.
    #[error("the snapshot is damaged near byte {at}")]
    Damaged {
        /// Where that was noticed.
        at: usize,
    },
    /// It holds more than the limits allow.
    #[error("the snapshot holds {given} keys: limits.windows is {limit}")]
    TooLarge {
        /// Keys in it.
        given: u64,
        /// Keys allowed.
        limit: u32,
    },
    /// The policy cannot work.
    #[error(transparent)]
    Policy(#[from] crate::InvalidPolicy),
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    use reveille_core::UnixTime;

    use crate::{Engine, Event, EventId, Limits, Output, Plain, Policy, Seed};

    type Plainest = Engine<Plain<u64, u8>>;

    const SEED: Seed = Seed::new([5; 16]);

    fn at(secs: u64) -> UnixTime {
        UnixTime::from_secs(secs)
    }

    fn policy() -> Policy {
        let mut policy = Policy::default();
        (policy.collect, policy.reminders) = (crate::Collect::Totals, vec![Duration::from_secs(5); 2]);
        policy
    }

    /// Key 1 is in flight, key 2 is delivered and will be reminded of, key 3 is pending.
    fn busy() -> Plainest {
        let mut engine = Engine::new(Plain::new(), policy(), Limits::default(), SEED).unwrap();
        for (second, key) in [(0, 1), (0, 2), (20, 3)] {
            for actor in [7, 8] {
                let id = EventId(u128::from(key * 10 + actor));
                engine.handle_event(Event::new(key, id, 0).actor(actor), at(second)).unwrap();
            }
        }
        engine.handle_timeout(at(30));
        while let Some(output) = engine.poll_output() {
            if let Output::Notify(notify) = output
                && notify.key == 2
            {
                engine.handle_response(&2, notify.generation, at(30));
            }
        }
        engine
    }

    fn restored(engine: &Plainest, limits: Limits) -> Result<Plainest, RestoreError> {
        let mut bytes = Vec::new();
        engine.snapshot(&mut bytes).unwrap();
        Engine::restore(Plain::new(), policy(), limits, SEED, &bytes, CatchUp::default(), at(30))
    }

    /// The check sum keeps out accidents, not forgers: whatever the numbers are, nothing overflows and the sums hold.
    #[test]
    fn forged_numbers_are_refused_or_harmless() {
        fn extra(engine: &mut Plainest, index: u32) -> &mut crate::record::Extra<Plain<u64, u8>> {
            engine.extra_mut(index).unwrap()
        }
        assert!(restored(&busy(), Limits::default()).is_ok());
        let refused: [fn(&mut Plainest); 9] = [
            |engine| engine.generation = u64::MAX,
            |engine| {
                engine.ledger.merged = u64::MAX - engine.ledger.events;
                engine.ledger.events = engine.ledger.sum();
            },
            // In flight, but never notified.
            |engine| (engine.ledger.expired, engine.ledger.notified) = (engine.ledger.notified, 0),
            |engine| (engine.ledger.expired, engine.ledger.merged) = (engine.ledger.merged, 0),
            |engine| extra(engine, 0).flights.iter_mut().for_each(|flight| flight.sent += 1),
            |engine| extra(engine, 1).remind_step = 16,
            |engine| extra(engine, 2).actors = vec![1; 0x7FFF],
            |engine| extra(engine, 0).flights.iter_mut().for_each(|f| f.batch.actors.rest = vec![1; 0x7FFF]),
            |engine| {
                extra(engine, 1).delivered.iter_mut().for_each(|batch| batch.actors.rest = vec![1; 0x7FFF]);
            },
        ];
        for (place, forge) in refused.into_iter().enumerate() {
            let mut engine = busy();
            forge(&mut engine);
            let refusal = restored(&engine, Limits::default()).err();
            assert!(matches!(refusal, Some(RestoreError::Damaged { .. })), "{place}: {refusal:?}");
        }
        // As much as goes: all that can come due does, and cancelling sums up what was sent.
        let mut engine = busy();
        let sent = |engine: &mut Plainest, index| {
            let flights = &mut extra(engine, index).flights;
            flights
                .iter_mut()
                .for_each(|f| (f.sent, f.batch.total, f.batch.bytes) = (u32::MAX, u32::MAX, u32::MAX));
        };
        sent(&mut engine, 0);
        let delivered = &mut extra(&mut engine, 0).delivered[0];
        (delivered.tracked, delivered.total) = (false, u32::MAX);
        extra(&mut engine, 0).flights[0].batch.actors.rest = vec![1; 0x7FFE];
        extra(&mut engine, 0).flights[0].batch.actors.more = true;
        extra(&mut engine, 1).remind_step = 15;
        engine.ledger.merged += u64::from(u32::MAX);
        engine.ledger.events = engine.ledger.sum();
        for cancel in [false, true] {
            let mut engine = restored(&engine, Limits::default()).unwrap();
            if cancel {
                engine.handle_cancel(&1, crate::Selector::All, at(31)).unwrap();
            }
            for _ in 0..100 {
                let Some(wakeup) = engine.next_wakeup() else { break };
                engine.handle_timeout(wakeup.at);
                while engine.poll_output().is_some() {}
                assert_eq!(engine.explain().sum(), engine.explain().events);
            }
            assert_eq!(engine.next_wakeup(), None, "it comes to rest");
        }
    }

    /// Who starts again with a lower limit gets back-pressure, not a damaged snapshot.
    #[test]
    fn more_ids_than_are_allowed_now() {
        let limits = Limits { ids: 1, ..Limits::default() };
        let mut engine = busy();
        let new = |id| Event::new(9, EventId(id), 0);
        for id in [901, 902, 903] {
            engine.handle_event(new(id), at(30)).unwrap();
        }
        let mut engine = restored(&engine, limits).unwrap();
        let full = Err(crate::Error::Full { limit: crate::Limit::Ids });
        assert_eq!(engine.handle_event(new(902), at(31)), Ok(crate::Fate::Duplicate));
        assert_eq!(engine.handle_event(new(904), at(31)), full);
        assert_eq!(engine.handle_event(new(904), at(35)), Ok(crate::Fate::Pending));
    }

    #[test]
    fn texts() {
        let all = [
            RestoreError::NotASnapshot,
            RestoreError::Version { given: 9, expected: VERSION },
            RestoreError::Damaged { at: 17 },
            RestoreError::TooLarge { given: 9, limit: 3 },
        ];
        insta::assert_snapshot!(all.map(|e| e.to_string()).join("\n"), @r"
        this is not a digest snapshot
        the snapshot has version 9: this library reads version 1
        the snapshot is damaged near byte 17
        the snapshot holds 9 keys: limits.windows is 3
        ");
        insta::assert_snapshot!(Undrained { waiting: 2 }, @"2 outputs wait to be polled: a snapshot would lose them");
    }
}
