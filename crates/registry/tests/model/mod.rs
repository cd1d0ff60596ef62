//! Drives a store by a script of bytes, several writers at once, and watches what must hold.
//! Used by the proptests and by the fuzz target `registry_ops`.

#![allow(unreachable_pub)] // The fuzz target uses it, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::time::Duration;

use reveille_core::UnixTime;
use reveille_registry::{
    Change, Consequence, Decision, Device, DeviceKey, Effect, Event, Memory, Platform, Pruning, Purpose,
    PushKind, Registration, RegistryPolicy, Retirement, State, Token, TokenValue, decide,
};

const OWNERS: [&str; 2] = ["alice", "bob"];

struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }
}

/// What somebody has decided and not committed yet.
struct Pending {
    key: DeviceKey,
    event: Event,
    decision: Decision,
}

/// Runs a script. Panics where something does not hold.
pub fn run(script: &[u8]) {
    let mut script = Script(script);
    let (mut store, policy) = (Memory::default(), RegistryPolicy::default());
    let mut now = UnixTime::from_secs(1_800_000_000);
    let mut pending: Vec<Pending> = Vec::new();
    while !script.0.is_empty() {
        now = clock(&mut script, now);
        let key = DeviceKey::new("app", script.below(3).to_string());
        let before = store.load(&key).cloned();
        let event = event(&mut script, &key, before.as_ref(), now);
        if script.below(4) == 0 {
            // A second writer reads now and commits later.
            let decision = decide(before.as_ref(), &event, &policy, now);
            pending.push(Pending { key, event, decision });
        } else if script.below(4) == 0 && !pending.is_empty() {
            late(&mut store, pending.remove(0));
        } else {
            let consequences = store.apply(&key, &event, &policy, now);
            let after = store.load(&key);
            check(before.as_ref(), after, &event, now);
            check_late(before.as_ref(), after, &event);
            for (other, consequence) in consequences {
                if let Consequence::CancelPending { owner } = consequence {
                    assert!(OWNERS.contains(&owner.as_str()), "{other:?}");
                }
            }
        }
        whole(&store, &policy, now);
    }
}

fn clock(script: &mut Script<'_>, now: UnixTime) -> UnixTime {
    let far = u64::from(script.byte());
    match script.below(12) {
        0 => now + Duration::from_secs(far * 86_400),
        1 => now - Duration::from_secs(far * 3_600),
        2 => now + Duration::from_millis(far),
        3 if far == 255 => UnixTime::MAX,
        4 if far == 255 => UnixTime::EPOCH,
        _ => now + Duration::from_secs(far),
    }
}

fn event(script: &mut Script<'_>, key: &DeviceKey, device: Option<&Device>, now: UnixTime) -> Event {
    let value = script.below(4).to_string();
    let purpose = [Purpose::WebPush, Purpose::ApnsAlert, Purpose::ApnsVoip][usize::from(script.below(3))];
    // A push that was made a while ago.
    let revision = device.map_or(1, |device| device.revision.saturating_sub(script.below(3).into()));
    match script.below(12) {
        0..=2 => {
            let owner = OWNERS[usize::from(script.below(2))];
            let tokens: Vec<_> = (0..script.below(3))
                .map(|n| Token::new(if n == 0 { purpose } else { Purpose::FcmToken }, &*value))
                .collect();
            let mut registration = Registration::new(key.clone(), owner, Platform::Ios, tokens);
            if script.below(4) == 0 {
                registration = registration.with_event("callback");
            }
            Event::Register { registration: registration.into() }
        }
        3 => Event::Seen,
        4 => {
            let old = (script.below(2) == 0).then(|| TokenValue::new(script.below(4).to_string()));
            Event::Rotate { old, new: Token::new(purpose, value).into() }
        }
        5..=7 => {
            let effect = match script.below(4) {
                0 => Effect::Accepted,
                1 => Effect::Suspect,
                2 => Effect::Gone { if_registered_before: None },
                _ => Effect::Gone {
                    if_registered_before: Some(now - Duration::from_secs(script.byte().into())),
                },
            };
            let pruning = if script.below(3) == 0 { Pruning::Stopped } else { Pruning::Allowed };
            Event::Delivery { purpose, revision, effect, at: now, pruning }
        }
        8 => Event::LogOut,
        9 => Event::EventEnded { ended: "callback".into() },
        10 => [Event::OverLimit, Event::Reinstate][usize::from(script.below(2))].clone(),
        _ => Event::Tick,
    }
}

/// A decision that comes late is refused, or nothing has happened in between.
fn late(store: &mut Memory, pending: Pending) {
    let found = store.load(&pending.key).map(|device| device.revision);
    let before = store.clone();
    let result = store.commit(&pending.key, &pending.decision);
    assert_eq!(result.is_ok(), found == pending.decision.expected, "{:?}", pending.event);
    if result.is_err() {
        assert_eq!(*store, before);
    }
}

fn check(before: Option<&Device>, after: Option<&Device>, event: &Event, now: UnixTime) {
    match (before, after) {
        (Some(before), Some(after)) => {
            let changed = before != after;
            assert_eq!(
                after.revision,
                before.revision + u64::from(changed),
                "every change raises the revision"
            );
            if let Event::Delivery { pruning: Pruning::Stopped, .. } = event {
                let lost = before.is_reachable() && !after.is_reachable();
                assert!(
                    !lost && before.tokens.len() == after.tokens.len(),
                    "dropped while pruning is stopped"
                );
            }
        }
        (None, Some(after)) => {
            assert!(matches!(event, Event::Register { .. }), "only a registration makes a record");
            assert_eq!((after.revision, after.last_seen), (1, now));
        }
        (Some(before), None) => {
            assert_eq!(event, &Event::Tick, "only time purges");
            assert!(matches!(before.state, State::Retired { .. }), "soft first");
        }
        (None, None) => {}
    }
}

/// A late drop never hits a token that was registered again.
fn check_late(before: Option<&Device>, after: Option<&Device>, event: &Event) {
    let (Some(before), Some(after)) = (before, after) else { return };
    let Event::Delivery { purpose, revision, effect, .. } = event else { return };
    let Some(token) = before.token(*purpose) else { return };
    let newer = token.since_revision > *revision;
    let died_before =
        matches!(effect, Effect::Gone { if_registered_before: Some(died) } if token.registered >= *died);
    if newer || died_before {
        assert_eq!(before, after, "{event:?}");
    }
}

/// What holds of every record at any time.
fn whole(store: &Memory, policy: &RegistryPolicy, now: UnixTime) {
    let mut values = std::collections::BTreeSet::new();
    for number in 0..3 {
        let key = DeviceKey::new("app", number.to_string());
        let Some(device) = store.load(&key) else { continue };
        let purposes: Vec<_> = device.tokens.iter().map(|token| token.purpose).collect();
        let mut sorted = purposes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(purposes, sorted, "one token for each purpose");
        for token in &device.tokens {
            assert!(token.since_revision <= device.revision);
            values.insert(token.value.expose().to_owned());
        }
        let reachable = device.is_reachable();
        assert!(!reachable || !device.tokens.is_empty(), "active, and nothing to push to");
        for kind in [PushKind::Message, PushKind::Call] {
            assert!(reachable || device.token_for(kind).is_none(), "pushed to what is retired");
        }
        if let State::Retired { why: Retirement::Gone, .. } = device.state {
            assert!(device.should_prompt(policy, now), "the app is told");
        }
        let json = serde_json::to_string(device).expect("a record");
        assert_eq!(&serde_json::from_str::<Device>(&json).expect("own record"), device);
        // A tick before its time does nothing.
        let due = device.next_due(policy);
        if now < due {
            assert_eq!(decide(Some(device), &Event::Tick, policy, now).change, Change::Keep);
        }
    }
}
