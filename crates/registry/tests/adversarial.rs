//! What is remembered of suspects, devices, checks and pauses, under scripts of wrong clocks and restarts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use proptest::prelude::*;
use reveille_core::{Action, Machine as _, Outcome, Receipt, Rejection, UnixTime};
use reveille_registry::health::{HealthCheck, HealthSettings, HealthState, Input, Output, ProbeId};
use reveille_registry::pause::{Channel, Pauses, Weighed};
use reveille_registry::suspicion::{Suspicion, SuspicionPolicy};
use reveille_registry::{
    Change, Consequence, Decision, Device, DeviceKey, Effect, Event, Memory, Platform, Pruning, Purpose,
    PushKind, Registration, RegistryPolicy, Token,
};
use reveille_testkit::adversity::{Adversity, Clocks, scripts};

const START: UnixTime = UnixTime::from_secs(1_700_000_000);

fn not_found() -> Outcome {
    Rejection::new(404, Action::SuspectTarget).into()
}

fn drops(outcome: &Outcome) -> bool {
    matches!(outcome.action(), Some(Action::DropTarget { .. }))
}

#[test]
fn three_answers_within_seconds_of_a_clock_set_at_boot_drop_nothing() {
    for jump in [86_400, 3 * 86_400, 30 * 86_400, 50 * 365 * 86_400] {
        for jump_after in [1, 2, 50] {
            let mut suspicion = Suspicion::default();
            for answer in 0..100 {
                let set = if answer >= jump_after { jump } else { 0 };
                let now = UnixTime::from_secs(1_000 + answer + set);
                let outcome = suspicion.weigh(not_found(), SuspicionPolicy::default(), now);
                assert!(!drops(&outcome), "set by {jump} s after {jump_after} answers");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    /// However the clock is set, once: what lies within half a day of real time is no day.
    #[test]
    fn one_jump_makes_no_day(
        waits in proptest::collection::vec(0..600_000_u64, 1..60),
        jump_at in 0..60_usize,
        error_ms in prop_oneof![-4_000_000_000_000..4_000_000_000_000_i64, -700_000_000..700_000_000_i64],
    ) {
        let mut clocks = Clocks::new(START, 1);
        let mut suspicion = Suspicion::default();
        for (at, ms) in waits.into_iter().enumerate() {
            clocks.apply(&Adversity::Wait { ms });
            if at == jump_at {
                clocks.set(0, error_ms);
            }
            if clocks.truth().since(START) < Duration::from_secs(12 * 3_600) {
                let outcome = suspicion.weigh(not_found(), SuspicionPolicy::default(), clocks.now(0));
                prop_assert!(!drops(&outcome));
            }
        }
    }

    /// However often the clock goes ahead and comes back: what lies within half a day of real time is no day.
    #[test]
    fn glitches_make_no_day(
        answers in proptest::collection::vec((0..600_000_u64, -4_000_000_000_000..4_000_000_000_000_i64), 1..60),
    ) {
        let mut clocks = Clocks::new(START, 1);
        let mut suspicion = Suspicion::default();
        suspicion.weigh(not_found(), SuspicionPolicy::default(), START);
        for (ms, error_ms) in answers {
            clocks.apply(&Adversity::Wait { ms });
            for error_ms in [error_ms, 0] {
                clocks.set(0, error_ms);
                if clocks.truth().since(START) < Duration::from_secs(12 * 3_600) {
                    let outcome = suspicion.weigh(not_found(), SuspicionPolicy::default(), clocks.now(0));
                    prop_assert!(!drops(&outcome));
                }
            }
        }
    }

    /// Whatever has happened: an accepted message clears it, and a target that stays unknown for two days of a right clock
    /// is given up.
    #[test]
    fn a_record_heals_and_a_dead_target_is_dropped(script in scripts(0..80)) {
        let mut clocks = Clocks::new(START, 1);
        let mut suspicion = Suspicion::default();
        for event in script {
            clocks.apply(&event);
            match event {
                Adversity::Act { choice, .. } if choice.is_multiple_of(16) => {
                    suspicion.weigh(Receipt::new(201).into(), SuspicionPolicy::default(), clocks.now(0));
                    prop_assert_eq!(suspicion, Suspicion::default());
                }
                Adversity::Act { .. } => {
                    suspicion.weigh(not_found(), SuspicionPolicy::default(), clocks.now(0));
                }
                Adversity::Restart { .. } | Adversity::Fork { .. } => {
                    let stored = serde_json::to_string(&suspicion).unwrap();
                    suspicion = serde_json::from_str(&stored).unwrap();
                }
                _ => {}
            }
        }
        let mut dropped = false;
        for hour in 0..49 {
            let now = clocks.truth() + Duration::from_secs(hour * 3_600);
            dropped |= drops(&suspicion.weigh(not_found(), SuspicionPolicy::default(), now));
        }
        prop_assert!(dropped);
    }
}

/// What a store keeps, as JSON, and read again: after a restart nothing is different.
fn restarted(devices: &[DeviceKey], store: &Memory) -> Memory {
    let mut again = Memory::default();
    for device in devices.iter().filter_map(|key| store.load(key)) {
        let stored = serde_json::to_string(device).unwrap();
        let read: Device = serde_json::from_str(&stored).unwrap();
        let change = Change::Put(Box::new(read));
        let decision = Decision { expected: None, change, consequences: Vec::new() };
        again.commit(&device.key, &decision).unwrap();
    }
    again
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// A store of devices: a revision rises with every change and with nothing else, a token is one device's, a late answer
    /// hits nothing that was registered again; whoever registers is reached at once, and whoever is silent is purged in the
    /// end, whatever clocks have shown.
    #[test]
    fn devices_stay_whole_and_come_and_go(script in scripts(1..150)) {
        let (mut clocks, policy) = (Clocks::new(START, 1), RegistryPolicy::default());
        let keys: Vec<_> = (0..4).map(|number| DeviceKey::new("app", format!("phone-{number}"))).collect();
        let mut store = Memory::default();
        let mut latest = START;
        for event in &script {
            clocks.apply(event);
            let now = clocks.now(0);
            latest = latest.max(now);
            let Adversity::Act { choice, .. } = event else {
                if matches!(event, Adversity::Restart { .. } | Adversity::Fork { .. }) {
                    let again = restarted(&keys, &store);
                    prop_assert_eq!(&again, &store);
                    store = again;
                }
                continue;
            };
            let (kind, more) = (choice % 9, choice / 9);
            let key = &keys[more as usize % 4];
            let before: Vec<_> = keys.iter().map(|key| store.load(key).cloned()).collect();
            let known = store.load(key).map_or(0, |device| device.revision);
            let stale = more.is_multiple_of(3);
            let token = Token::new(Purpose::FcmToken, format!("token-{}", more / 8 % 5));
            let owner = ["alice", "bob"][more as usize / 4 % 2];
            let event = match kind {
                0 | 1 => {
                    let registration = Registration::new(key.clone(), owner, Platform::Android, [token]).into();
                    Event::Register { registration }
                }
                2 => Event::Rotate { old: None, new: token.into() },
                3 => Event::Seen,
                4 => Event::Tick,
                5 => Event::LogOut,
                _ => {
                    let since = store.load(key).and_then(|device| device.token(Purpose::FcmToken)).map_or(0, |token| token.since_revision);
                    let revision = if stale { since.saturating_sub(1) } else { known };
                    let effect = match kind {
                        6 => Effect::Suspect,
                        7 => Effect::Accepted,
                        _ => Effect::Gone { if_registered_before: (more.is_multiple_of(2)).then_some(now) },
                    };
                    Event::Delivery { purpose: Purpose::FcmToken, revision, effect, at: now, pruning: Pruning::Allowed }
                }
            };
            let late = kind > 5 && stale;
            let then = store.apply(key, &event, &policy, now);
            for (key, before) in keys.iter().zip(before) {
                match (before, store.load(key)) {
                    (Some(before), Some(after)) if before != *after => {
                        prop_assert_eq!(after.revision, before.revision + 1);
                        prop_assert!(!late, "a late answer has hit {:?}", after);
                    }
                    (None, Some(after)) => prop_assert_eq!(after.revision, 1),
                    _ => {}
                }
            }
            if late && known > 0 {
                prop_assert_eq!(then, vec![(key.clone(), Consequence::Stale)]);
            }
            let tokens = keys.iter().filter_map(|key| store.load(key)).flat_map(|device| &device.tokens);
            let values: Vec<_> = tokens.map(|token| &token.value).collect();
            let is_first = |at: usize| values.iter().position(|other| other == &values[at]) == Some(at);
            prop_assert!((0..values.len()).all(is_first), "a token of two devices");
        }
        // Whoever registers is reached, whatever has happened.
        let now = clocks.truth();
        let token = Token::new(Purpose::FcmToken, "new");
        let registration = Registration::new(keys[0].clone(), "carol", Platform::Android, [token]).into();
        store.apply(&keys[0], &Event::Register { registration }, &policy, now);
        prop_assert!(store.load(&keys[0]).unwrap().token_for(PushKind::Message).is_some());
        prop_assert_eq!(store.load(&keys[0]).unwrap().last_seen, now);
        // Whoever is silent from now on goes, by the times that the records name, and nobody asks in vain for ever.
        for key in &keys {
            let mut now = latest;
            for asked in 0..50 {
                let Some(device) = store.load(key) else { break };
                prop_assert!(asked < 49, "{:?} stays", device);
                let due = device.next_due(&policy);
                // What is to be validated stays due until an answer comes: ask again after a while.
                now = due.max(now + Duration::from_secs(10 * 86_400));
                store.apply(key, &Event::Tick, &policy, now);
            }
        }
    }

    /// A check of a subscription: the budget of probes holds in any day of a right clock, a restart changes nothing, and
    /// with a right clock the next check is never further away than the longest interval.
    #[test]
    fn no_clock_stops_a_health_check(script in scripts(1..150)) {
        let mut clocks = Clocks::new(START, 1);
        let settings = HealthSettings::default();
        let mut check = HealthCheck::new(settings);
        let (mut probe, mut pushed) = (0, None);
        for event in &script {
            clocks.apply(event);
            let now = clocks.now(0);
            let input = match event {
                Adversity::Act { choice, .. } if choice.is_multiple_of(3) => {
                    probe += 1;
                    Input::Announced { probe: ProbeId::from_bits(probe) }
                }
                Adversity::Act { choice, .. } if choice % 3 == 1 => {
                    Input::Confirmed { probe: pushed.unwrap_or_default() }
                }
                Adversity::Act { choice, .. } if choice % 16 == 2 => Input::Resubscribed,
                Adversity::Restart { .. } | Adversity::Fork { .. } => {
                    let stored = serde_json::to_string(&check.state()).unwrap();
                    let state: HealthState = serde_json::from_str(&stored).unwrap();
                    prop_assert_eq!(state, check.state());
                    check = HealthCheck::from_state(settings, state);
                    Input::Tick
                }
                _ => Input::Tick,
            };
            for output in check.apply(input, now) {
                match output {
                    Output::PushProbe { probe } => pushed = Some(probe),
                    Output::NotBefore { at } | Output::Well { next: at } | Output::Silent { next: at, .. } => {
                        prop_assert!(at <= now + Duration::from_secs(86_400), "{at} at {now}");
                    }
                    _ => {}
                }
            }
            if let Some(wakeup) = check.next_wakeup() {
                prop_assert!(wakeup.at > now, "a busy loop");
            }
        }
        // A worker that comes when it is told is probed within two days.
        clocks.set(0, 0);
        let mut now = clocks.now(0);
        for visit in 0..10 {
            probe += 1;
            let announced = Input::Announced { probe: ProbeId::from_bits(probe) };
            match check.apply(announced, now).last() {
                Some(Output::PushProbe { .. }) => break,
                Some(Output::NotBefore { at }) => now = at,
                other => prop_assert!(false, "{other:?}"),
            }
            prop_assert!(visit < 9 && now <= clocks.now(0) + Duration::from_secs(2 * 86_400), "{now}");
        }
    }

    /// Pauses: nothing is lost silently, a restart changes nothing, and what has an end is over with a right clock.
    #[test]
    fn no_clock_loses_what_a_pause_holds(script in scripts(1..150)) {
        let mut clocks = Clocks::new(START, 1);
        let (mut pauses, mut held, mut told) = (Pauses::default(), 0, 0);
        for event in &script {
            clocks.apply(event);
            let now = clocks.now(0);
            let before = pauses.revision();
            match event {
                Adversity::Act { choice, .. } => match choice % 4 {
                    0 => {
                        let until = now + Duration::from_secs(choice % 90_000);
                        pauses.pause(Channel::Mobile, (choice % 3 > 0).then_some(until), choice.is_multiple_of(5));
                        prop_assert!(pauses.revision() > before);
                    }
                    1 => told += pauses.resume(Channel::Mobile).map_or(0, |pause| pause.held),
                    _ => {
                        let weighed = pauses.weigh(Channel::Mobile, choice.is_multiple_of(2), now);
                        held += u64::from(matches!(weighed, Weighed::Held { .. }));
                        if let Weighed::Held { until: Some(until) } = weighed {
                            prop_assert!(until > now);
                        }
                    }
                },
                Adversity::Restart { .. } | Adversity::Fork { .. } => {
                    let stored = serde_json::to_string(&pauses).unwrap();
                    let read: Pauses = serde_json::from_str(&stored).unwrap();
                    prop_assert_eq!(&read, &pauses);
                    pauses = read;
                }
                _ => {}
            }
        }
        told += pauses.resume(Channel::Mobile).map_or(0, |pause| pause.held);
        prop_assert_eq!(told, held);
        prop_assert_eq!(pauses.weigh(Channel::Mobile, false, clocks.truth()), Weighed::Passes);
    }
}
