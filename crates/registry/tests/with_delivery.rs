//! Delivery's effects on devices: (id, revision, gone | suspect | accepted, at), run by the store through the decision here.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

use std::collections::BTreeMap;
use std::time::Duration;

use reveille_core::{Action, Machine, RetrySource, Scope, UnixTime};
use reveille_delivery::{
    Delivery, DeliverySettings, DeviceId, Fate, Input, Job, JobId, Output, RecipientId, Send, SlotId, Verdict,
};
use reveille_registry::{
    Consequence, DeviceKey, Effect, Event, Memory, Platform, Pruning, Purpose, PushKind, Registration,
    RegistryPolicy, State, Token,
};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);
const TOOK: Verdict = Verdict::Accepted { status: 201 };

/// A gateway as small as it gets: one owner, one delivery, one store.
struct Gateway {
    delivery: Delivery,
    store: Memory,
    names: BTreeMap<DeviceId, DeviceKey>,
    policy: RegistryPolicy,
    /// What the store had to say besides.
    said: Vec<Consequence>,
    settled: BTreeMap<JobId, Fate>,
}

impl Gateway {
    fn new() -> Self {
        Self {
            delivery: Delivery::new(DeliverySettings::default(), 5),
            store: Memory::default(),
            names: BTreeMap::new(),
            policy: RegistryPolicy::default(),
            said: Vec::new(),
            settled: BTreeMap::new(),
        }
    }

    /// The app registers a device, the first time or again.
    fn register(&mut self, device: u128, now: UnixTime) {
        let key = DeviceKey::new("chat", device.to_string());
        self.names.insert(DeviceId::from_bits(device), key.clone());
        let tokens = [Token::new(Purpose::WebPush, format!("subscription of {device}"))];
        let registration = Registration::new(key.clone(), "alice", Platform::Web, tokens).into();
        self.event(&key, &Event::Register { registration }, now);
    }

    fn event(&mut self, key: &DeviceKey, event: &Event, now: UnixTime) {
        for (_, consequence) in self.store.apply(key, event, &self.policy, now) {
            self.said.push(consequence);
        }
    }

    fn key(&self, device: u128) -> DeviceKey {
        self.names[&DeviceId::from_bits(device)].clone()
    }

    fn state(&self, device: u128) -> State {
        self.store.load(&self.key(device)).unwrap().state
    }

    /// The devices that a push goes to at the moment.
    fn resolve(&self) -> Vec<reveille_delivery::Device> {
        let of_alice = self.names.iter().filter_map(|(id, key)| Some((id, self.store.load(key)?)));
        of_alice
            .filter(|(_, device)| device.token_for(PushKind::Message).is_some())
            .map(|(id, device)| reveille_delivery::Device::new(*id, device.revision))
            .collect()
    }

    /// One input, and what follows from it at once: look-ups, effects on devices, what they cancel.
    fn apply(&mut self, input: Input, now: UnixTime) -> Vec<Send> {
        let (mut sends, mut inputs) = (Vec::new(), vec![input]);
        while let Some(input) = inputs.pop() {
            let outputs: Vec<_> = self.delivery.apply(input, now).collect();
            for output in outputs {
                match output {
                    Output::Send(send) => sends.push(send),
                    Output::Resolve(asked) => {
                        inputs.push(Input::Resolved { job: asked.job, devices: self.resolve() });
                    }
                    Output::Device { device, effect, at } => {
                        let before = self.said.len();
                        self.effect(device, effect, at, now);
                        if self.said[before..]
                            .iter()
                            .any(|said| matches!(said, Consequence::CancelPending { .. }))
                        {
                            inputs.push(Input::DropDevice { device: device.id });
                        }
                    }
                    Output::Settled { job, fate } => {
                        self.settled.insert(job, fate);
                    }
                    _ => {}
                }
            }
        }
        sends
    }

    fn effect(
        &mut self,
        device: reveille_delivery::Device,
        effect: reveille_delivery::Effect,
        at: UnixTime,
        now: UnixTime,
    ) {
        let effect = match effect {
            reveille_delivery::Effect::Accepted => Effect::Accepted,
            reveille_delivery::Effect::Suspect => Effect::Suspect,
            reveille_delivery::Effect::Gone { if_registered_before } => Effect::Gone { if_registered_before },
            other => panic!("{other:?}"),
        };
        let (purpose, revision, pruning) = (Purpose::WebPush, device.revision, Pruning::Allowed);
        let key = self.names[&device.id].clone();
        self.event(&key, &Event::Delivery { purpose, revision, effect, at, pruning }, now);
    }

    fn submit(&mut self, id: u128, now: UnixTime) -> Vec<Send> {
        let job =
            Job::new(JobId::from_bits(id), RecipientId::from_bits(1), SlotId::from_bits(id), 1, "hello");
        self.apply(Input::Submit { job: job.into() }, now)
    }

    fn answer(&mut self, send: &Send, verdict: Verdict, now: UnixTime) -> Vec<Send> {
        let (job, device, attempt) = (send.job, send.device.id, send.attempt);
        self.apply(Input::Outcome { job, device, attempt, verdict }, now)
    }
}

fn refused(status: u16, action: Action) -> Verdict {
    Verdict::Refused { status, reason: None, action }
}

fn gone() -> Verdict {
    refused(410, Action::DropTarget { if_registered_before: None })
}

#[test]
fn a_dead_device_is_retired_and_what_waits_for_it_ends() {
    let mut gateway = Gateway::new();
    gateway.register(1, NOW);
    gateway.register(2, NOW);
    let waits = gateway.submit(10, NOW);
    // To the first device the second message has to wait.
    let until = NOW + Duration::from_secs(100);
    let slow = Action::SlowDown { scope: Scope::Target, until, source: RetrySource::Service };
    gateway.answer(&waits[0], refused(429, slow), NOW);
    gateway.answer(&waits[1], TOOK, NOW);
    let sends = gateway.submit(11, NOW);
    gateway.answer(&sends[1], TOOK, NOW);
    assert!(gateway.settled.is_empty());
    gateway.answer(&sends[0], gone(), NOW);
    assert!(matches!(gateway.state(1), State::Retired { .. }));
    let end = |id| gateway.settled[&JobId::from_bits(id)];
    assert_eq!((end(10), end(11)), (Fate::Accepted, Fate::Accepted), "the other device was told");
    assert_eq!(gateway.delivery.next_wakeup(), None, "nothing waits for a dead device");
    assert_eq!(gateway.submit(12, NOW).len(), 1, "all devices that live");
}

/// The app registered the same subscription again while the push was under way: its 410 says nothing about that.
#[test]
fn a_drop_that_comes_after_a_registration_hits_nothing() {
    let mut gateway = Gateway::new();
    gateway.register(1, NOW);
    let sends = gateway.submit(10, NOW);
    let later = NOW + Duration::from_secs(3);
    gateway.register(1, later);
    let before = gateway.store.clone();
    gateway.said.clear();
    gateway.answer(&sends[0], gone(), later);
    assert_eq!(gateway.said, [Consequence::Stale]);
    assert_eq!(gateway.store, before);
    // It is pushed to, and now its service speaks of this registration.
    let sends = gateway.submit(11, later);
    assert_eq!(sends[0].device.revision, 2);
    gateway.answer(&sends[0], gone(), later);
    assert!(matches!(gateway.state(1), State::Retired { .. }));
}

/// The same, with the drop that was written down before a crash and comes again after it.
#[test]
fn an_effect_that_is_applied_twice_changes_nothing_more() {
    let mut gateway = Gateway::new();
    gateway.register(1, NOW);
    let sends = gateway.submit(10, NOW);
    gateway.answer(&sends[0], gone(), NOW);
    let once = gateway.store.clone();
    let effect = reveille_delivery::Effect::Gone { if_registered_before: None };
    gateway.effect(sends[0].device, effect, NOW, NOW);
    assert_eq!(gateway.store, once);
    gateway.register(1, NOW + Duration::from_secs(1));
    let again = gateway.store.clone();
    gateway.effect(sends[0].device, effect, NOW, NOW + Duration::from_secs(2));
    assert_eq!(gateway.store, again);
}

#[test]
fn who_stays_unknown_is_left_alone_and_the_fallback_begins() {
    let mut gateway = Gateway::new();
    gateway.register(1, NOW);
    for (id, hour) in [(10, 0), (11, 12), (12, 24)] {
        let now = NOW + Duration::from_secs(hour * 3_600);
        let sends = gateway.submit(id, now);
        gateway.answer(&sends[0], refused(404, Action::SuspectTarget), now);
    }
    assert!(matches!(gateway.state(1), State::Quarantined { .. }));
    let now = NOW + Duration::from_secs(25 * 3_600);
    assert!(gateway.submit(13, now).is_empty());
    let fate = gateway.settled[&JobId::from_bits(13)];
    assert_eq!((fate, fate.failed()), (Fate::NoDevice, true));
}

#[test]
fn one_that_is_accepted_clears_the_suspicion() {
    let mut gateway = Gateway::new();
    gateway.register(1, NOW);
    for (id, verdict) in [(10, refused(404, Action::SuspectTarget)), (11, TOOK)] {
        let sends = gateway.submit(id, NOW);
        let suspected = verdict != TOOK;
        gateway.answer(&sends[0], verdict, NOW);
        assert_eq!(matches!(gateway.state(1), State::Suspect { .. }), suspected);
    }
    let device = gateway.store.load(&gateway.key(1)).unwrap();
    assert_eq!(device.tokens[0].suspicion, Default::default());
}
