//! A driver in a few lines: a log in memory, and a world in which every question is answered and every request taken.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

pub mod every_kind;

use std::time::Duration;

use reveille_conversation::event::{Answered, Event, Joined, Message, Offer, Read, What};
use reveille_conversation::event::{MessageKind, Role};
use reveille_conversation::lookup::Answer;
use reveille_conversation::rules::Rules;
use reveille_core::UnixTime;
use reveille_core::log::{Snapshot, log_append, log_head};
use reveille_delivery::{Device, Verdict};
use reveille_gateway::audience::{Announcement, Page};
use reveille_gateway::*;

pub const START: UnixTime = UnixTime::from_secs(1_700_000_000);
pub const SEED: Seed = Seed::new([7; 16]);

pub fn gateway() -> Gateway {
    Gateway::new(Rules::default(), GatewaySettings::default(), SEED).unwrap()
}

pub fn event(conversation: &str, id: Option<&str>, what: What, at: UnixTime) -> Input {
    let id = id.map(|id| id.parse().unwrap());
    let event = Event { conversation: conversation.parse().unwrap(), at, id, what };
    Input::Event { source: SourceId(1), event: event.into() }
}

pub fn joined(person: &str, role: Role) -> What {
    What::Joined(Joined { person: person.parse().unwrap(), role })
}

pub fn message(sender: &str, sequence: u64, text: &str) -> What {
    What::MessageSent(Message {
        sender: sender.parse().unwrap(),
        role: Role::Primary,
        kind: MessageKind::Written,
        message: None,
        sequence: Some(sequence),
        sender_name: Some("Smith".into()),
        preview: Some(text.into()),
    })
}

pub fn read(person: &str, sequence: u64) -> What {
    What::ReadUpTo(Read { person: person.parse().unwrap(), sequence: Some(sequence) })
}

pub fn offer(person: &str) -> What {
    What::CallOffered(Offer {
        caller_name: Some("Bob".into()),
        queue_name: Some("Sales".into()),
        ..Offer::new(person.parse().unwrap())
    })
}

pub fn answered(person: &str) -> What {
    What::CallAnswered(Answered { person: person.parse().unwrap(), role: None, device: None, offer: None })
}

/// The two devices of everybody.
pub fn devices(person: &str) -> [Device; 2] {
    let device = |name: &str, class| {
        let name = device_name("app", &format!("{person}-{name}")).unwrap();
        Device::new(SEED.device(&name), 1).with_class(class)
    };
    [device("phone", class::FCM), device("browser", class::WEB_PUSH)]
}

/// What a world without faults answers.
pub fn answer(output: &Output) -> Option<Input> {
    match output {
        Output::LookUp(LookUp::Name(lookup)) => {
            Some(Input::Answer(Answer { of: lookup.of.clone(), text: Some("Carol".into()) }))
        }
        Output::LookUp(LookUp::Audience(wanted)) => {
            let people = ["carl", "dora", "emil"].map(|person| person.parse().unwrap());
            Some(Input::Page(Page::of(wanted, people.into(), true)))
        }
        Output::LookUp(LookUp::Devices(recipient)) => {
            Some(Devices::new(recipient.job, devices(recipient.person.as_str())).into())
        }
        Output::Attempt { job, device, attempt } => {
            Some(Input::Attempt { job: *job, device: *device, attempt: *attempt })
        }
        Output::Send(job) | Output::FallBack(job) => {
            Some(Outcome::of(job, Verdict::Accepted { status: 201 }).into())
        }
        _ => None,
    }
}

/// A shard, its log, and what has left.
pub struct Drive {
    pub shard: Shard,
    pub admission: Admission,
    pub log: Vec<u8>,
    /// What was committed, one by one.
    pub inputs: Vec<(Input, UnixTime)>,
    pub outputs: Vec<(u64, Output)>,
    pub now: UnixTime,
    /// Lets first attempts go before it is in the log on which devices, if it is there.
    pub at_once: Option<AtOnce>,
}

impl Drive {
    pub fn new(gateway: Gateway) -> Self {
        let mut log = Vec::new();
        log_head(&mut log, Gateway::BEHAVIOUR);
        Self {
            shard: Shard::new(gateway),
            admission: Admission::new(AdmissionLimits::default()),
            log,
            inputs: Vec::new(),
            outputs: Vec::new(),
            now: START,
            at_once: None,
        }
    }

    /// What a world without faults answers, at once if this one is asked so.
    fn answers(&mut self, outputs: &[Output]) -> Vec<Input> {
        let mut answers = Vec::new();
        for output in outputs {
            let (Some(at_once), Output::LookUp(LookUp::Devices(recipient))) = (&mut self.at_once, output)
            else {
                answers.extend(answer(output));
                continue;
            };
            at_once.ask(recipient);
            let picked = Devices::new(recipient.job, devices(recipient.person.as_str()));
            let jobs = at_once.let_go(recipient, picked, |answer| answers.push(answer.into()));
            answers.extend(jobs.iter().map(|job| Outcome::of(job, Verdict::Accepted { status: 201 }).into()));
        }
        answers
    }

    /// Admits, commits, applies; gives the outputs.
    pub fn put(&mut self, inputs: impl IntoIterator<Item = Input>) -> Vec<Output> {
        for input in inputs {
            self.inputs.push((input.clone(), self.now));
            self.admission.admit(input, self.shard.gateway()).unwrap();
        }
        self.commit(false)
    }

    /// Commits what waits, or a tick.
    pub fn commit(&mut self, tick: bool) -> Vec<Output> {
        let group = self.shard.group(self.now).fill(&mut self.admission);
        let group = if tick { group.tick() } else { group };
        if tick {
            self.inputs.push((Input::Tick, self.now));
        }
        let sealed = group.seal();
        log_append(&mut self.log, sealed.number(), sealed.now(), sealed.bytes());
        let outputs: Vec<_> = sealed.committed().collect();
        self.outputs.extend(outputs.iter().cloned());
        outputs.into_iter().map(|(_, output)| output).collect()
    }

    /// Puts inputs in, and answers whatever is asked until nobody asks any more. Gives all outputs.
    pub fn settle(&mut self, inputs: impl IntoIterator<Item = Input>) -> Vec<Output> {
        let mut all = self.put(inputs);
        let mut at = 0;
        while at < all.len() {
            let answers = self.answers(all.get(at..).unwrap_or_default());
            at = all.len();
            if !answers.is_empty() {
                all.extend(self.put(answers));
            }
        }
        all
    }

    /// The same, and lets time pass, while nobody says what became of what has left.
    pub fn in_silence(&mut self, inputs: impl IntoIterator<Item = Input>, span: Duration) -> Vec<Output> {
        let (end, mut all, mut at) = (self.now + span, self.put(inputs), 0);
        loop {
            let asked = all.get(at..).unwrap_or_default().iter();
            let answers: Vec<_> = asked
                .filter(|output| !matches!(output, Output::Send(_) | Output::FallBack(_)))
                .filter_map(answer)
                .collect();
            at = all.len();
            if !answers.is_empty() {
                all.extend(self.put(answers));
            } else if let Some(wakeup) = self.shard.next_wakeup().filter(|wakeup| wakeup.at <= end) {
                self.now = self.now.max(wakeup.at);
                all.extend(self.commit(true));
            } else {
                self.now = end;
                return all;
            }
        }
    }

    /// Lets time pass, with a tick whenever one is due; everything is answered.
    pub fn pass(&mut self, span: Duration) -> Vec<Output> {
        let end = self.now + span;
        let mut all = Vec::new();
        while let Some(wakeup) = self.shard.next_wakeup().filter(|wakeup| wakeup.at <= end) {
            self.now = self.now.max(wakeup.at);
            let outputs = self.commit(true);
            let answers = self.answers(&outputs);
            all.extend(outputs);
            if !answers.is_empty() {
                all.extend(self.settle(answers));
            }
        }
        self.now = end;
        all
    }
}

/// The bytes of outputs: what "byte-identical" means.
pub fn bytes<'a>(outputs: impl IntoIterator<Item = &'a Output>) -> Vec<u8> {
    let mut bytes = Vec::new();
    outputs.into_iter().for_each(|output| output.encode(&mut bytes));
    bytes
}

/// Jobs that left for devices.
pub fn sent(outputs: &[Output]) -> Vec<&Job> {
    let jobs =
        outputs.iter().filter_map(|output| if let Output::Send(job) = output { Some(&**job) } else { None });
    jobs.collect()
}

pub fn announcement(id: &str, now: UnixTime) -> Input {
    let (conversation, text) = (format!("at-{id}"), "We move on Monday.");
    let id = id.parse().unwrap();
    let what = Announcement::new(id, conversation.parse().unwrap(), "all".parse().unwrap(), text, now);
    Input::Announce { source: SourceId(1), announcement: Box::new(what.with_from("Shop")) }
}

/// Two chats, a call and two announcements (of the first nobody hears for a while), with everything that follows; then one of
/// each kind.
pub fn story() -> Drive {
    let mut drive = Drive::new(gateway());
    let at = |drive: &Drive| drive.now;
    let now = at(&drive);
    drive.settle([
        event("chat", Some("1"), joined("vera", Role::Visitor), now),
        event("chat", Some("2"), joined("alan", Role::Primary), now),
    ]);
    for sequence in 1..=4 {
        let now = drive.now;
        let id = format!("m{sequence}");
        drive.settle([event("chat", Some(&id), message("alan", sequence, "hello"), now)]);
        drive.pass(Duration::from_secs(9));
    }
    let now = drive.now;
    drive.at_once = Some(AtOnce::default());
    drive.settle([
        event("call", Some("o1"), offer("alan"), now),
        event("call", Some("o2"), offer("beth"), now),
    ]);
    drive.at_once = None;
    drive.pass(Duration::from_secs(4));
    let now = drive.now;
    drive.settle([event("call", Some("a"), answered("beth"), now)]);
    drive.pass(Duration::from_secs(60));
    let now = drive.now;
    drive.settle([event("chat", Some("r"), read("vera", 4), now)]);
    drive.pass(Duration::from_secs(60));
    drive.in_silence([announcement("silence", drive.now)], Duration::from_secs(310));
    drive.settle([announcement("news", drive.now)]);
    every_kind::every_kind(&mut drive);
    drive
}
