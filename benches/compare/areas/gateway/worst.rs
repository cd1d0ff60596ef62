//! The worst days of one shard: an audience of a million with rings in between, a conversation that does not end, rings that
//! waited out an outage, and a service that answers 410 to everybody. There is no peer: what people write today has no bound
//! to measure at. The same cases are tests of the crate (`tests/worst_cases.rs`, `tests/bounds.rs`, `tests/audience.rs`).

use std::time::Duration;

use reveille_conversation::Kind;
use reveille_conversation::event::{Event, Joined, Message, MessageKind, Offer, Role, What};
use reveille_conversation::id::PersonId;
use reveille_conversation::rules::{ChannelRules, Channels, Rules};
use reveille_conversation::text::Text;
use reveille_core::log::log_append;
use reveille_core::{Action, UnixTime};
use reveille_delivery::pacer::{
    self, CredentialId, LaneId, LaneSettings, Pacer, PacerSettings, Rate, ServiceId,
};
use reveille_delivery::{Device, DeviceId, Effect, Verdict};
use reveille_gateway::audience::{Announcement, Page, Wanted};
use reveille_gateway::metrics::Histogram;
use reveille_gateway::*;

use crate::allocations;
use crate::measure::{Clock, Measured};
use crate::report::Report;

const SEED: Seed = Seed::new([7; 16]);
const START: UnixTime = UnixTime::from_secs(1_700_000_000);

pub fn compare(report: &mut Report) {
    audience(report);
    one_conversation(report);
    stale_rings(report);
    gone(report);
}

fn rules() -> Rules {
    let devices =
        Channels::of(&[reveille_conversation::Channel::Mobile, reveille_conversation::Channel::WebPush]);
    Rules::default()
        .with_channels(ChannelRules::default().with_new_message(devices).with_incoming_call(devices))
}

fn event(conversation: &str, what: What, at: UnixTime) -> Input {
    let event = Event::new(conversation.parse().expect("an id"), what, at);
    Input::Event { source: SourceId(1), event: event.into() }
}

fn ring(call: &str, person: &str, at: UnixTime) -> Input {
    event(call, What::CallOffered(Offer::new(person.parse().expect("an id"))), at)
}

struct One {
    shard: Shard,
    admission: Admission,
    now: UnixTime,
    log: Vec<u8>,
    logged: usize,
    /// Microseconds of a group: seal, append to memory, apply.
    groups: Histogram,
}

impl One {
    fn new() -> Self {
        let gateway = Gateway::new(rules(), GatewaySettings::default(), SEED).expect("a gateway");
        let limits = AdmissionLimits {
            events: usize::MAX,
            bytes: usize::MAX,
            events_of_one: usize::MAX,
            bytes_of_one: usize::MAX,
            ..AdmissionLimits::default()
        };
        let (admission, groups) = (Admission::new(limits), Histogram::default());
        Self { shard: Shard::new(gateway), admission, now: START, log: Vec::new(), logged: 0, groups }
    }

    fn admit(&mut self, input: Input) {
        self.admission.admit(input, self.shard.gateway()).expect("room");
    }

    /// One group; a tick if nothing waits.
    fn group(&mut self) -> Vec<Output> {
        let tick = self.admission.is_empty();
        let start = Clock::start();
        let group = self.shard.group(self.now).fill(&mut self.admission);
        let sealed = if tick { group.tick() } else { group }.seal();
        self.log.clear();
        log_append(&mut self.log, sealed.number(), sealed.now(), sealed.bytes());
        self.logged += self.log.len();
        let outputs = sealed.committed().map(|(_, output)| output).collect();
        self.groups.record(start.elapsed().as_micros() as u64);
        outputs
    }
}

/// Everybody has one device, and the service takes everything.
fn answer(output: &Output) -> Option<Input> {
    match output {
        Output::LookUp(LookUp::Devices(recipient)) => {
            let phone = DeviceId::from_bits(recipient.job.to_bits() ^ 1);
            Some(Devices::new(recipient.job, [Device::new(phone, 1).with_class(class::WEB_PUSH)]).into())
        }
        Output::Send(job) => Some(Outcome::of(job, Verdict::Accepted { status: 201 }).into()),
        _ => None,
    }
}

const PEOPLE: u64 = 1_000_000;

fn page(wanted: &Wanted) -> Page {
    let number = |id: &PersonId| id.as_str().get(4..).and_then(|digits| digits.parse::<u64>().ok());
    let first = wanted.after.as_ref().and_then(number).map_or(0, |last| last + 1);
    let end = PEOPLE.min(first + u64::from(wanted.limit));
    let people = (first..end).map(|one| format!("one-{one:032}").parse().expect("an id"));
    Page::of(wanted, people.collect(), end == PEOPLE)
}

fn audience(report: &mut Report) {
    let before = allocations::live_bytes();
    let mut one = One::new();
    let (id, conversation) = ("a-1".parse().expect("an id"), "news".parse().expect("an id"));
    let text = "x".repeat(100);
    let what = Announcement::new(id, conversation, "everybody".parse().expect("an id"), &text, START);
    one.admit(Input::Announce { source: SourceId(1), announcement: Box::new(what) });
    let (mut told, mut groups, mut rings, mut peak) = (0_u64, 0_u64, 0_u64, 0);
    let mut waits = Histogram::default();
    let start = Clock::start();
    while !one.admission.is_empty() {
        groups += 1;
        // A ring comes while a group is on its way: it waits for that one, and for its own.
        let comes = groups % 64 == 0;
        let came = Clock::start();
        let mut outputs = one.group();
        if comes {
            one.admit(ring(&format!("call-{groups}"), "kate", one.now));
            let own = one.group();
            let call = |output: &Output| matches!(output, Output::LookUp(LookUp::Devices(to)) if to.kind == Kind::IncomingCall);
            assert!(own.iter().any(call), "a ring is in the next group");
            waits.record(came.elapsed().as_micros() as u64);
            rings += 1;
            outputs.extend(own);
        }
        for output in &outputs {
            if let Output::LookUp(LookUp::Audience(wanted)) = output {
                one.admit(Input::Page(page(wanted)));
            }
            told += u64::from(matches!(output, Output::Send(job) if job.content.kind() == Kind::NewMessage));
            if let Some(input) = answer(output) {
                one.admit(input);
            }
        }
        if groups % 256 == 0 {
            peak = peak.max(allocations::live_bytes() - before);
            one.now = one.now + Duration::from_millis(10);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!(told, PEOPLE, "everybody once");
    let each = Measured::elsewhere(seconds * 1e9 / PEOPLE as f64);
    report.add("one of an audience of 1 M, to its outcome", &[("ours", each)], false);
    report.note(&format!(
        "{PEOPLE} people, a device each: {seconds:.1} s of one core with all answers; {:.0} bytes of log each; {:.1} MiB at most in memory",
        one.logged as f64 / PEOPLE as f64,
        peak as f64 / f64::from(1 << 20)
    ));
    report.note(&format!(
        "{rings} rings meanwhile: each in the next group; {} µs at most until its devices were asked for, half within {} µs; a group took {} µs at most",
        waits.largest(), waits.quantile(500), one.groups.largest()
    ));
}

fn one_conversation(report: &mut Report) {
    const EVENTS: u64 = 100_000;
    let mut one = One::new();
    let joined = |person: &str, role| What::Joined(Joined { person: person.parse().expect("an id"), role });
    one.admit(event("chat", joined("vera", Role::Visitor), START));
    one.admit(event("chat", joined("alan", Role::Primary), START));
    one.group();
    let before = allocations::live_bytes();
    let (mut told, mut spent) = (0, Duration::ZERO);
    for first in (1..=EVENTS).step_by(500) {
        let messages: Vec<_> = (first..first + 500)
            .map(|number| {
                let message = Message {
                    sender: "alan".parse().expect("an id"),
                    role: Role::Primary,
                    kind: MessageKind::Written,
                    message: None,
                    sequence: Some(number),
                    sender_name: Some(Text::new("Alan")),
                    preview: Some(Text::new(&"x".repeat(100))),
                };
                event("chat", What::MessageSent(message), one.now)
            })
            .collect();
        let start = Clock::start();
        messages.into_iter().for_each(|input| one.admit(input));
        while !one.admission.is_empty() {
            let outputs = one.group();
            told += outputs.iter().filter(|output| matches!(output, Output::Send(_))).count();
            outputs.iter().filter_map(answer).for_each(|input| one.admit(input));
        }
        one.now = one.now + Duration::from_secs(1);
        if one.shard.next_wakeup().is_some_and(|wakeup| wakeup.at <= one.now) {
            let outputs = one.group();
            outputs.iter().filter_map(answer).for_each(|input| one.admit(input));
        }
        spent += start.elapsed();
    }
    let each = Measured::elsewhere(spent.as_secs_f64() * 1e9 / EVENTS as f64);
    report.add("one of 100,000 messages in one conversation", &[("ours", each)], false);
    report.note(&format!(
        "{told} pushes in 200 s of events, for one device; {:.0} KiB more in memory at the end",
        (allocations::live_bytes() - before) as f64 / 1_024.0
    ));
}

fn stale_rings(report: &mut Report) {
    const RINGS: u64 = 10_000;
    let mut one = One::new();
    one.now = START + Duration::from_secs(40);
    let rings: Vec<_> = (0..RINGS).map(|call| ring(&format!("call-{call}"), "kate", START)).collect();
    let start = Clock::start();
    rings.into_iter().for_each(|input| one.admit(input));
    let mut rang = 0;
    while !one.admission.is_empty() {
        rang +=
            one.group().iter().filter(|output| matches!(output, Output::LookUp(_) | Output::Send(_))).count();
    }
    let each = Measured::elsewhere(start.elapsed().as_secs_f64() * 1e9 / RINGS as f64);
    let late = one.shard.gateway().counters().of("suppressed:late");
    assert_eq!((rang, late), (0, RINGS));
    report.add("one of 10,000 stale rings", &[("ours", each)], false);
    report.note(&format!(
        "none rings, {late} are explained as late; all in {:.1} ms",
        each.nanoseconds * RINGS as f64 / 1e6
    ));
}

/// A minute of 410 for everybody, 100 rings a second.
fn gone(report: &mut Report) {
    const RINGS: u64 = 6_000;
    let lane =
        LaneSettings::default().with_rate(Rate::new(10_000, Duration::from_secs(1), 10_000).expect("a rate"));
    let settings =
        PacerSettings::default().with_lane(ServiceId(2), lane.with_ramp(Duration::ZERO).expect("a ramp"));
    let (mut one, mut pacer) = (One::new(), Pacer::<Job>::new(settings, 7));
    let (mut dropped, mut suspected, mut refused, mut call) = (0, 0, 0_u64, 0);
    let start = Clock::start();
    let end = START + Duration::from_secs(60);
    while one.now < end {
        for _ in 0..10 {
            call += 1;
            let input = ring(&format!("call-{call}"), &format!("agent-{call}"), one.now);
            one.admission.admit(input, one.shard.gateway()).expect("room");
        }
        for _ in 0..3 {
            for output in one.group() {
                match &output {
                    Output::Device { effect: Effect::Gone { .. }, .. } => dropped += 1,
                    Output::Device { effect: Effect::Suspect, .. } => suspected += 1,
                    Output::Send(job) => {
                        let (service, lane) = (ServiceId(2), LaneId::from_bits(1));
                        let mut offer = pacer::Offer::of_leg(
                            job.leg,
                            lane,
                            service,
                            CredentialId::from_bits(1),
                            (**job).clone(),
                        );
                        offer.device = job.target.id().to_bits() as u64;
                        if let Err(held) = pacer.offer(offer, one.now) {
                            one.admit(Deferred::attempt(&held.content, held.until, held.by).into());
                        }
                    }
                    output => {
                        if let Some(input) = answer(output) {
                            one.admit(input);
                        }
                    }
                }
            }
            while let Some(leave) = pacer.next(one.now) {
                refused += 1;
                let action = Action::DropTarget { if_registered_before: None };
                let verdict = Verdict::Refused { status: 410, reason: None, action };
                let judged = pacer.report(leave.ticket, verdict, one.now);
                one.admit(Outcome::of(&leave.content, judged.verdict).into());
            }
            while let Some(held) = pacer.poll_held() {
                one.admit(Deferred::attempt(&held.content, held.until, held.by).into());
            }
        }
        one.now = one.now + Duration::from_millis(100);
    }
    let each = Measured::elsewhere(start.elapsed().as_secs_f64() * 1e9 / RINGS as f64);
    report.add("one ring of a minute of 410s, pacer included", &[("ours", each)], false);
    report.note(&format!(
        "{call} rings, {refused} answers 410, with attempts that were made again: {dropped} tokens dropped, {suspected} times one was only suspected"
    ));
}
