//! With a real gateway: what it gives out is written, and what is read it understands.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

mod support;

use std::collections::VecDeque;
use std::time::Duration;

use reveille_conversation::event::{Event, What};
use reveille_conversation::rules::Rules;
use reveille_core::{Machine as _, UnixTime};
use reveille_delivery::{Device, Effect, Fate, HeldBy};
use reveille_digest::quiet::{QuietHours, Span, Zone};
use reveille_gateway::{Gateway, GatewaySettings, Input, Job, LookUp, Note, Output, SourceId, device_name};
use reveille_writer::wishes::Quiet;
use reveille_writer::{Leg, Person, Written};
use support::*;

/// A driver without a log: the order of things is not its subject.
struct Driver {
    gateway: Gateway,
    world: World,
    kate: Person,
    arrived: Vec<(String, Arrived)>,
    held: Vec<UnixTime>,
    effects: Vec<(Device, bool, Effect)>,
    settled: Vec<Fate>,
    events: u32,
}

impl Driver {
    fn new() -> Self {
        let gateway = Gateway::new(Rules::default(), GatewaySettings::default(), SEED).unwrap();
        let mut world = World::new();
        world.everything("kate");
        let kate = world.person("kate");
        Self {
            gateway,
            world,
            kate,
            arrived: vec![],
            held: vec![],
            effects: vec![],
            settled: vec![],
            events: 0,
        }
    }

    fn event(&mut self, what: What, now: UnixTime) {
        self.events += 1;
        let mut event = Event::new("c1".parse().unwrap(), what, now);
        event.id = Some(format!("event-{}", self.events).parse().unwrap());
        self.tell(Input::Event { source: SourceId(0), event: Box::new(event) }, now);
    }

    fn tell(&mut self, input: Input, now: UnixTime) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let outputs: Vec<Output> = self.gateway.apply(input, now).collect();
            let mut jobs = Vec::new();
            for output in outputs {
                match output {
                    Output::LookUp(LookUp::Devices(recipient)) => {
                        let answer = self.world.writer.pick(&recipient, &mut self.kate, now).answer;
                        inputs.push_back(answer.into());
                    }
                    Output::Send(job) => jobs.push(*job),
                    Output::Device { device, for_calls, effect, .. } => {
                        self.effects.push((device, for_calls, effect));
                    }
                    Output::Note(Note::Settled { fate, .. }) => self.settled.push(fate),
                    _ => {}
                }
            }
            inputs.extend(self.carry(&jobs, now));
        }
    }

    /// One batch: written, sent, answered.
    fn carry(&mut self, jobs: &[Job], now: UnixTime) -> Vec<Input> {
        let kate = self.kate.clone();
        let legs: Vec<_> = jobs.iter().map(|job| Leg { job, person: &kate }).collect();
        let mut inputs = Vec::new();
        for written in self.world.write(&legs, now) {
            inputs.extend(written.input());
            match written {
                Written::Ready(ready) => {
                    let response = self.world.send(&ready.request, now);
                    if response.status().is_success() {
                        let host = ready.request.uri().host().unwrap().to_owned();
                        let arrived = self.world.taken(&ready, now);
                        self.arrived.push((host, arrived));
                    }
                    inputs.push(self.world.writer.read(&ready.sent, &response, now).outcome.into());
                }
                Written::Deferred(deferred) => {
                    assert_eq!(deferred.by, HeldBy::Quiet);
                    self.held.push(deferred.until);
                }
                other => panic!("{other:?}"),
            }
        }
        inputs
    }

    /// Time passes until nothing is due before `until`.
    fn wait(&mut self, until: UnixTime) {
        while let Some(wakeup) = self.gateway.next_wakeup().filter(|wakeup| wakeup.at <= until) {
            self.tell(Input::Tick, wakeup.at);
        }
    }

    fn hosts(&mut self) -> Vec<String> {
        let mut hosts: Vec<String> = self.arrived.drain(..).map(|(host, _)| host).collect();
        hosts.sort();
        hosts
    }
}

fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

fn offered() -> What {
    What::CallOffered(read(r#"{"person":"kate","caller_name":"Ann","queue_name":"Sales"}"#))
}

fn written(text: &str) -> What {
    What::MessageSent(read(&format!(
        r#"{{"sender":"ann","role":"visitor","sender_name":"Ann","preview":"{text}"}}"#
    )))
}

/// B7: three devices ring, one answers, the two others are told.
#[test]
fn a_call_rings_and_stops() {
    let mut driver = Driver::new();
    driver.event(offered(), NOW);
    driver.wait(NOW + Duration::from_secs(1));
    assert_eq!(driver.hosts(), ["api.push.apple.com", "fcm.googleapis.com", "push.example"]);

    let later = NOW + Duration::from_secs(5);
    let device = device_name(APP, "kate/browser").unwrap();
    driver.event(What::CallAnswered(read(&format!(r#"{{"person":"kate","device":"{device}"}}"#))), later);
    driver.wait(later + Duration::from_secs(3));
    for (_, arrived) in &driver.arrived {
        assert_eq!(arrived.data()["action"], "cancel_ring");
    }
    assert_eq!(driver.hosts(), ["api.push.apple.com", "fcm.googleapis.com"], "not the one that answered");
    assert_eq!(driver.effects.len(), 5, "{:?}", driver.effects);
    assert!(
        driver.effects.iter().all(|(device, _, effect)| device.revision == 1 && *effect == Effect::Accepted)
    );
}

/// A person's quiet hours come back as one wait: what was collected is collected on, and goes out as one.
#[test]
fn a_digest_waits_for_the_morning() {
    let mut driver = Driver::new();
    let spans = vec![Span { days: 0x7f, from: 7 * 60, to: 9 * 60 }]; // NOW is 08:00
    let hours = QuietHours::new(Zone::new(0, vec![]).unwrap(), spans).unwrap();
    driver.kate = driver.kate.clone().with_quiet(Quiet { hours, urgent_passes: true });
    driver.event(What::Joined(read(r#"{"person":"kate","role":"primary"}"#)), NOW);
    driver.event(written("Hello?"), NOW);
    driver.wait(NOW + Duration::from_secs(60));
    driver.event(written("Is anybody there?"), NOW + Duration::from_secs(90));
    driver.wait(NOW + Duration::from_secs(3_599));
    assert!(driver.arrived.is_empty() && driver.held.is_empty(), "the job was held, not its legs");
    driver.event(offered(), NOW + Duration::from_secs(3_599));
    driver.wait(NOW + Duration::from_secs(3_599));
    assert_eq!(driver.hosts().len(), 3, "a call comes through");
    driver.wait(NOW + Duration::from_secs(3_700));
    let messages: Vec<_> =
        driver.arrived.iter().filter(|(_, arrived)| arrived.data()["kind"] == "new_message").collect();
    assert_eq!(messages.len(), 3, "{:?}", driver.arrived);
    assert!(driver.arrived.iter().any(|(_, arrived)| {
        matches!(arrived, Arrived::Google(value) if value["notification"]["body"] == "2 new messages: Is anybody there?")
    }));
}

/// A8: what a service says about a device arrives at the registry's door, from the log, too.
#[test]
fn a_dead_device_is_dropped() {
    let mut driver = Driver::new();
    let died = NOW + Duration::from_secs(1);
    driver.world.apns.script([reveille_testkit::apns::Refusal::unregistered(died)]);
    driver.event(offered(), NOW);
    driver.wait(NOW + Duration::from_secs(1));
    let gone: Vec<_> = driver.effects.iter().filter(|(_, _, effect)| *effect != Effect::Accepted).collect();
    assert_eq!(gone.len(), 1);
    assert!(gone[0].1, "it went to the token for calls");
    assert_eq!(gone[0].2, Effect::Gone { if_registered_before: Some(died) });
    assert_eq!(driver.settled.len(), 1);
    assert!(!driver.settled[0].failed(), "two others were told");
}
