//! One process, many engines: one for each class of recipients, or each thread. What one of them costs that has nothing
//! to do, and that one with much to do is not in the way of the others.

#![allow(clippy::unwrap_used)] // Test helpers.

use std::time::Duration;

use reveille_core::UnixTime;
use reveille_core::log::Snapshot as _;
use reveille_digest::retract::{Read, Selector};
use reveille_digest::*;

type Tested = Engine<Plain<u64, u32>>;

const ENGINES: usize = 256;
const IDLE_BYTES: usize = 2 * 1024;
const KEYS: u64 = 40_000;

fn at(second: u64) -> UnixTime {
    UnixTime::from_secs(second)
}

fn seed(number: usize) -> Seed {
    Seed::new([number as u8; 16])
}

fn engines() -> Vec<Tested> {
    let mut policy = Policy::default();
    policy.dedup = Some(Duration::from_secs(30));
    (0..ENGINES)
        .map(|number| Engine::new(Plain::new(), policy.clone(), Limits::default(), seed(number)).unwrap())
        .collect()
}

/// Whose each output is, and what it says in figures.
fn outputs(engine: &mut Tested) -> Vec<(u64, Option<Generation>, u32)> {
    let plain = |output| match output {
        Output::Notify(n) => (n.key, Some(n.generation), n.summary.total),
        Output::Clear(c) => (c.key, Some(c.generation), c.remaining),
        Output::Unread { key, count } => (key, None, count),
        Output::Dropped { key, count, .. } => (key, None, count),
    };
    std::iter::from_fn(|| engine.poll_output()).map(plain).collect()
}

fn written(engine: &Tested) -> Vec<u8> {
    let mut bytes = Vec::new();
    engine.write(&mut bytes);
    bytes
}

#[test]
fn an_engine_with_nothing_to_do_costs_two_kib() {
    let mut engines = engines();
    assert!(engines.iter().all(|engine| engine.memory() <= IDLE_BYTES));
    assert!(engines.iter().map(Engine::memory).sum::<usize>() <= ENGINES * IDLE_BYTES);
    // All of them had something to do, one of them much.
    let keys = |number| if number == 7 { KEYS } else { 5 };
    for (number, engine) in engines.iter_mut().enumerate() {
        for n in 0..keys(number) {
            engine.handle_event(Event::new(n, EventId(n.into()), 0), at(100)).unwrap();
        }
    }
    assert!(engines[7].memory() > KEYS as usize * size_of::<u64>());
    // The windows end, nobody answers, all is given up and forgotten.
    for (number, engine) in engines.iter_mut().enumerate() {
        let mut notified = 0;
        while let Some(wakeup) = engine.next_wakeup() {
            engine.handle_timeout(wakeup.at);
            while let Some(output) = engine.poll_output() {
                notified += u64::from(matches!(output, Output::Notify(_)));
            }
        }
        assert!(notified >= keys(number), "{notified} of engine {number}");
        engine.handle_timeout(at(1_000_000));
        assert!(engine.poll_output().is_none());
        assert_eq!(engine.keys(), 0);
        engine.tidy();
        assert!(engine.memory() <= IDLE_BYTES, "engine {number}: {}", engine.memory());
    }
}

/// With windows that are open, batches in flight, what was delivered, read and cancelled, and known ids.
#[test]
fn one_with_forty_thousand_keys_is_restored_as_it_was() {
    let mut engines = engines();
    let idle: Vec<_> = engines.iter().map(written).collect();
    let busy = &mut engines[7];
    for n in 0..KEYS {
        busy.handle_event(Event::new(n, EventId(n.into()), n as u32).with_seq(n), at(100)).unwrap();
    }
    busy.handle_timeout(at(200));
    while let Some(output) = busy.poll_output() {
        let Output::Notify(notify) = output else { continue };
        match notify.key % 4 {
            0 => drop(busy.handle_response(&notify.key, notify.generation, at(200))),
            1 => drop(busy.handle_failure(&notify.key, notify.generation, at(200))),
            2 => drop(busy.handle_held(&notify.key, notify.generation, at(250), at(200))),
            _ => {}
        }
    }
    for n in 0..KEYS {
        busy.handle_event(Event::new(n, EventId((KEYS + n).into()), 0).with_seq(KEYS + n), at(201)).unwrap();
    }
    for n in (0..KEYS).step_by(10) {
        busy.handle_read(&n, Read::UpTo(n), at(202)).unwrap();
        busy.handle_cancel(&(n + 1), Selector::Event(EventId((KEYS + n + 1).into())), at(202)).unwrap();
        outputs(busy);
    }
    assert_eq!(u64::from(busy.keys()), KEYS);

    let snapshot = written(busy);
    let mut again = Tested::read((Plain::new(), seed(7)), &snapshot).unwrap();
    assert!(written(&again) == snapshot, "a snapshot of what was restored is the same");
    assert_eq!((again.explain(), again.keys()), (busy.explain(), busy.keys()));
    assert!((0..KEYS).all(|key| again.unread(&key) == busy.unread(&key)));
    // They also go on alike, until nothing is left to do.
    while let Some(wakeup) = busy.next_wakeup() {
        assert_eq!(again.next_wakeup(), Some(wakeup));
        busy.handle_timeout(wakeup.at);
        again.handle_timeout(wakeup.at);
        assert!(outputs(busy) == outputs(&mut again), "at {}", wakeup.at);
    }
    assert_eq!((again.next_wakeup(), again.explain()), (None, busy.explain()));
    assert!(written(&again) == written(busy));
    // The others have seen nothing of it.
    for (number, (engine, before)) in engines.iter().zip(idle).enumerate() {
        assert_eq!(written(engine) == before, number != 7, "engine {number}");
    }
}
