//! Drives a delivery by a script of bytes, and watches it: what every sequence of inputs must keep.
//! Used by the proptests and by the fuzz target `delivery_ops`.

#![allow(unreachable_pub)] // The fuzz target uses it, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reveille_core::{Action, Machine, RetrySource, Scope, UnixTime};
use reveille_delivery::explain::Status;
use reveille_delivery::{
    Delivery, DeliverySettings, Device, DeviceId, Fate, HeldBy, Input, Job, JobId, Note, Output, RecipientId,
    Resolve, Role, Send, SlotId, Verdict, WhenUnsure,
};

const SEED: u64 = 11;
const ATTEMPTS: u8 = 3;

fn settings() -> DeliverySettings {
    DeliverySettings::default()
        .with_jobs(12, 400)
        .and_then(|settings| settings.with_devices(3))
        .and_then(|settings| settings.with_slots(8, Duration::from_secs(100 * 365 * 86_400)))
        .and_then(|settings| settings.with_settled(1_000))
        .and_then(|settings| settings.with_dead_letters(5, 200))
        .unwrap()
}

/// The script, a byte at a time; zeros at its end.
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

#[derive(Default)]
struct Watch {
    jobs: BTreeMap<JobId, Job>,
    settled: BTreeMap<JobId, Fate>,
    /// The lowest generation of each slot that may still leave.
    lowest: BTreeMap<SlotId, u64>,
    on_wire: Vec<Send>,
    resolving: BTreeMap<JobId, Resolve>,
    to_commit: Vec<(JobId, DeviceId, u8)>,
    committed: BTreeSet<(JobId, DeviceId, u8)>,
    /// Devices that may have been told, of jobs that must not be sent twice.
    unsure: BTreeSet<(JobId, DeviceId)>,
    submitted: u64,
}

impl Watch {
    fn see(&mut self, output: &Output, now: UnixTime) {
        match output {
            Output::Send(send) => {
                let job = &self.jobs[&send.job];
                assert!(!self.settled.contains_key(&send.job), "a settled job leaves");
                assert!(send.generation >= self.lowest[&send.slot], "a superseded job leaves: {send:?}");
                assert!(job.not_after > now || job.not_after == UnixTime::MAX, "an expired job leaves");
                assert!((1..=ATTEMPTS).contains(&send.attempt), "{send:?}");
                assert_eq!(send.content, job.content);
                let leg = (send.job, send.device.id);
                if job.when_unsure == WhenUnsure::GiveUp {
                    assert!(self.committed.contains(&(leg.0, leg.1, send.attempt)), "not in the log");
                    assert!(!self.unsure.contains(&leg), "maybe never was sent again");
                }
                self.on_wire.push(send.clone());
            }
            Output::Resolve(asked) => {
                assert!(!asked.at_once || self.jobs[&asked.job].when_unsure == WhenUnsure::SendAgain);
                self.resolving.insert(asked.job, asked.clone());
            }
            Output::CallOff { job } => {
                assert!(!self.settled.contains_key(job), "a settled job is called off");
                if let Some(asked) = self.resolving.get_mut(job) {
                    asked.at_once = false;
                }
            }
            Output::Commit { job, device, attempt } => self.to_commit.push((*job, *device, *attempt)),
            Output::Settled { job, fate } => {
                assert_eq!(self.settled.insert(*job, *fate), None, "a job ends twice");
            }
            _ => {}
        }
    }
}

/// One machine and its shadow: the same inputs through their encoding, with a snapshot now and then.
struct Pair {
    delivery: Delivery,
    shadow: Delivery,
    watch: Watch,
    now: UnixTime,
}

impl Pair {
    fn apply(&mut self, input: Input) -> Vec<Output> {
        let mut bytes = Vec::new();
        input.encode(&mut bytes);
        let decoded = Input::decode(&bytes).expect("own input");
        assert_eq!(decoded, input);
        if let Input::ClockStep { is, .. } = input {
            self.now = is;
        }
        let outputs: Vec<_> = self.delivery.apply(input, self.now).collect();
        let shadows: Vec<_> = self.shadow.apply(decoded, self.now).collect();
        assert_eq!(outputs, shadows, "same inputs, other outputs");
        for output in &outputs {
            self.watch.see(output, self.now);
        }
        if let Some(wakeup) = self.delivery.next_wakeup() {
            assert!(wakeup.at > self.now, "a busy loop: {wakeup:?} at {}", self.now);
        }
        self.add_up();
        outputs
    }

    fn add_up(&self) {
        let counts = self.delivery.counts();
        let ended: u64 = Fate::ALL.iter().map(|fate| counts.settled(*fate)).sum();
        assert_eq!(counts.submitted + counts.reopened, ended + self.delivery.len() as u64);
        assert_eq!(counts.submitted, self.watch.submitted);
        assert!(self.delivery.len() <= 12 + 5, "bounded");
        assert!(self.delivery.dead_letters().count() <= 5);
    }

    /// The process dies: what is not in the machine is gone.
    fn restart(&mut self) {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        self.delivery.write_snapshot(&mut one);
        self.shadow.write_snapshot(&mut other);
        assert_eq!(one, other, "same state, other bytes");
        self.shadow = Delivery::read_snapshot(settings(), SEED, &one).expect("own snapshot");
        other.clear();
        self.shadow.write_snapshot(&mut other);
        assert_eq!(one, other, "a snapshot of a snapshot");
        assert_eq!(self.shadow.next_wakeup(), self.delivery.next_wakeup());
    }
}

/// Runs a script. Panics where something does not hold.
pub fn run(script: &[u8]) {
    let mut script = Script(script);
    let mut pair = Pair {
        delivery: Delivery::new(settings(), SEED),
        shadow: Delivery::new(settings(), SEED),
        watch: Watch::default(),
        now: UnixTime::from_secs(1_000),
    };
    let mut number = 0;
    while !script.0.is_empty() {
        step(&mut pair, &mut script, &mut number);
    }
    finish(&mut pair);
}

fn step(pair: &mut Pair, script: &mut Script<'_>, number: &mut u128) {
    match script.below(16) {
        0..=3 => {
            *number += 1;
            let mut job = job(script, *number);
            if job.not_after != UnixTime::MAX {
                job.not_after = pair.now + Duration::from_millis(job.not_after.as_millis());
            }
            let again = script.below(8) == 0;
            submit(pair, job.clone());
            if again {
                let outputs = pair.apply(Input::Submit { job: job.into() });
                assert!(outputs.iter().any(|output| matches!(output, Output::Note(Note::Duplicate { .. }))));
            }
        }
        4..=6 if !pair.watch.on_wire.is_empty() => {
            let at = usize::from(script.byte()) % pair.watch.on_wire.len();
            let send = pair.watch.on_wire.swap_remove(at);
            let verdict = verdict(script, pair.now);
            report(pair, &send, verdict);
        }
        7 if !pair.watch.on_wire.is_empty() => {
            let at = usize::from(script.byte()) % pair.watch.on_wire.len();
            let send = pair.watch.on_wire.swap_remove(at);
            let until = pair.now + Duration::from_millis(u64::from(script.byte()) * 100);
            pair.apply(Input::Deferred {
                job: send.job,
                device: Some(send.device.id),
                until,
                by: HeldBy::Rate,
            });
        }
        8 => {
            if let Some((job, asked)) = pair.watch.resolving.pop_first() {
                match script.below(8) {
                    0 | 1 => {
                        let until = pair.now + Duration::from_secs(u64::from(script.byte()));
                        pair.apply(Input::Deferred { job, device: None, until, by: HeldBy::Quiet });
                    }
                    // Also where nobody was asked to, and where it was called off meanwhile.
                    2..=5 => let_go(pair, &asked, devices(script)),
                    _ => {
                        let devices = devices(script);
                        pair.apply(Input::Resolved { job, devices });
                    }
                }
            }
        }
        9 => {
            if let Some((job, device, attempt)) = pair.watch.to_commit.pop() {
                pair.watch.committed.insert((job, device, attempt));
                pair.apply(Input::Attempt { job, device, attempt });
            }
        }
        10 => {
            let slot = SlotId::from_bits(script.below(4).into());
            let generation = u64::from(script.byte() / 8);
            let lowest = pair.watch.lowest.entry(slot).or_default();
            *lowest = generation.max(*lowest);
            pair.apply(Input::Cancel { slot, generation });
        }
        11 => {
            let device = DeviceId::from_bits(script.below(5).into());
            pair.apply(Input::DropDevice { device });
        }
        12 => clock(pair, script),
        13 => {
            pair.restart();
            if script.below(2) == 0 {
                let lost = std::mem::take(&mut pair.watch.on_wire);
                for send in lost {
                    forget(pair, &send);
                }
                pair.watch.to_commit.clear();
                pair.apply(Input::Recovered { spread: Duration::from_secs(u64::from(script.below(4))) });
            }
        }
        14 => redrive(pair, script),
        _ => {
            if let Some(wakeup) = pair.delivery.next_wakeup() {
                pair.now = pair.now.max(wakeup.at);
                pair.apply(Input::Tick);
            }
        }
    }
}

/// The first attempts leave, and then it is in the log.
fn let_go(pair: &mut Pair, asked: &Resolve, devices: Vec<Device>) {
    if pair.watch.jobs[&asked.job].when_unsure == WhenUnsure::GiveUp {
        // Never at once.
        pair.apply(Input::Resolved { job: asked.job, devices });
        return;
    }
    let mut left: Vec<Send> = Vec::new();
    for device in devices.iter().take(asked.most) {
        if !left.iter().any(|send| send.device.id == device.id) {
            left.push(asked.first(*device));
        }
    }
    let waited = matches!(
        pair.delivery.explain(asked.job).map(|explained| explained.status),
        Some(Status::Resolving | Status::Held { .. } | Status::CalledOff { .. })
    );
    let outputs = pair.apply(Input::LetGo { job: asked.job, devices });
    assert!(
        !outputs.iter().any(|output| matches!(output, Output::Send(send) if send.job == asked.job)),
        "what has left is sent again: {outputs:?}"
    );
    if waited {
        for send in &left {
            assert!(
                pair.watch.settled.contains_key(&asked.job)
                    || pair.delivery.explain(asked.job).is_some_and(|explained| {
                        explained.legs.iter().any(|leg| leg.device == send.device.id)
                    }),
                "nobody waits for {send:?}"
            );
        }
    }
    pair.watch.on_wire.extend(left);
}

fn job(script: &mut Script<'_>, number: u128) -> Job {
    let slot = SlotId::from_bits(script.below(4).into());
    let generation = u64::from(script.byte() / 8);
    let mut job = Job::new(
        JobId::from_bits(number),
        RecipientId::from_bits(script.below(3).into()),
        slot,
        generation,
        vec![7; script.below(60).into()],
    );
    job.not_after = match script.below(3) {
        0 => UnixTime::MAX,
        _ => UnixTime::from_millis(u64::from(script.byte()) * 200),
    };
    if script.below(3) == 0 {
        job.when_unsure = WhenUnsure::GiveUp;
    }
    if script.below(3) == 0 {
        let except = (script.below(2) == 0).then(|| DeviceId::from_bits(script.below(5).into()));
        job.role = Role::Cancel { except };
    }
    if script.below(6) == 5 {
        job.slot = SlotId::alone(job.id);
    }
    if script.below(3) > 0 {
        job.devices = Some(devices(script));
    }
    job
}

fn devices(script: &mut Script<'_>) -> Vec<Device> {
    (0..script.below(6)).map(|_| Device::new(DeviceId::from_bits(script.below(5).into()), 1)).collect()
}

fn submit(pair: &mut Pair, job: Job) {
    let watch = &mut pair.watch;
    watch.submitted += 1;
    let lowest = watch.lowest.entry(job.slot).or_default();
    *lowest = job.generation.max(*lowest);
    watch.jobs.insert(job.id, job.clone());
    let id = job.id;
    pair.apply(Input::Submit { job: job.into() });
    let explained = pair.delivery.explain(id).expect("just submitted");
    let settled = pair.watch.settled.get(&id).copied();
    match explained.status {
        Status::Settled { fate, .. } => assert_eq!(settled, Some(fate)),
        _ => assert_eq!(settled, None),
    }
}

fn verdict(script: &mut Script<'_>, now: UnixTime) -> Verdict {
    let until = match script.below(3) {
        0 => now + Duration::from_millis(u64::from(script.byte()) * 50),
        1 => UnixTime::MAX,
        _ => UnixTime::EPOCH,
    };
    let source = if script.below(2) == 0 { RetrySource::Service } else { RetrySource::Guess };
    let action = match script.below(11) {
        0 => return Verdict::NotSent,
        1 => return Verdict::NoAnswer,
        2 | 3 => return Verdict::Accepted { status: 201 },
        4 => Action::Retry { not_before: until, source },
        5 => Action::SlowDown { scope: Scope::Target, until, source },
        6 => Action::DropTarget { if_registered_before: None },
        7 => Action::SuspectTarget,
        8 => Action::RefreshCredential { also_reconnect: false },
        9 => Action::FixCredential { scope: Scope::Credential },
        _ => Action::FixRequest { field: Some("ttl".into()) },
    };
    Verdict::Refused { status: 400, reason: Some("why".into()), action }
}

fn report(pair: &mut Pair, send: &Send, verdict: Verdict) {
    if verdict == Verdict::NoAnswer {
        forget(pair, send);
    }
    let (job, device, attempt) = (send.job, send.device.id, send.attempt);
    pair.apply(Input::Outcome { job, device, attempt, verdict });
}

/// Nobody will ever know.
fn forget(pair: &mut Pair, send: &Send) {
    if pair.watch.jobs[&send.job].when_unsure == WhenUnsure::GiveUp {
        pair.watch.unsure.insert((send.job, send.device.id));
    }
}

fn clock(pair: &mut Pair, script: &mut Script<'_>) {
    let was = pair.now;
    let far = u64::from(script.byte());
    let is = match script.below(6) {
        0 => was - Duration::from_secs(far),
        1 => was + Duration::from_secs(far * far),
        2 => was + Duration::from_millis(far),
        // `now` that falls without a word is taken as the last.
        3 => {
            let (job, device) = (JobId::from_bits(u128::MAX), DeviceId::default());
            let verdict = Verdict::NotSent;
            let stale = Input::Outcome { job, device, attempt: 1, verdict };
            let back = was - Duration::from_secs(far);
            let one: Vec<_> = pair.delivery.apply(stale.clone(), back).collect();
            let other: Vec<_> = pair.shadow.apply(stale, back).collect();
            assert_eq!(one, other);
            assert_eq!(one, [Output::Note(Note::Stale { job })]);
            return;
        }
        4 if far > 250 => UnixTime::MAX,
        _ => was,
    };
    if script.below(2) == 0 && is != UnixTime::MAX {
        pair.apply(Input::ClockStep { was, is });
    } else {
        pair.now = pair.now.max(is);
        // At the end of time nothing can be later.
        if is == UnixTime::MAX {
            pair.now = was;
        }
        pair.apply(Input::Tick);
    }
}

fn redrive(pair: &mut Pair, script: &mut Script<'_>) {
    let every = Duration::from_millis(u64::from(script.byte()) * 10);
    let until = pair.now + Duration::from_secs(u64::from(script.byte()));
    let dead: Vec<_> = pair.delivery.dead_letters().map(|(_, letter)| letter.job.id).collect();
    let reopened = pair.delivery.counts().reopened;
    // What lives again may end again.
    let ended: Vec<_> = dead.iter().filter_map(|id| Some((*id, pair.watch.settled.remove(id)?))).collect();
    for id in &dead {
        // The operator takes the risk: after `Exhausted` by refusals it is none.
        pair.watch.unsure.retain(|(job, _)| job != id);
        pair.watch.committed.retain(|(job, ..)| job != id);
    }
    pair.apply(Input::Redrive { from: UnixTime::EPOCH, to: UnixTime::MAX, every, until });
    let mut lives = 0;
    for (id, fate) in ended {
        if pair
            .delivery
            .explain(id)
            .is_some_and(|explained| matches!(explained.status, Status::Settled { .. }))
        {
            pair.watch.settled.entry(id).or_insert(fate);
        } else {
            lives += 1;
        }
    }
    assert!(pair.delivery.counts().reopened >= reopened + lives);
}

/// Everything is answered, and every job has ended.
fn finish(pair: &mut Pair) {
    for _ in 0..2_000 {
        if pair.delivery.is_empty() {
            break;
        }
        if let Some(send) = pair.watch.on_wire.pop() {
            report(pair, &send, Verdict::NotSent);
        } else if let Some((job, _)) = pair.watch.resolving.pop_first() {
            pair.apply(Input::Resolved { job, devices: Vec::new() });
        } else if let Some((job, device, attempt)) = pair.watch.to_commit.pop() {
            pair.watch.committed.insert((job, device, attempt));
            pair.apply(Input::Attempt { job, device, attempt });
        } else {
            let wakeup = pair.delivery.next_wakeup().expect("a job lives, and nothing will happen");
            pair.now = pair.now.max(wakeup.at);
            pair.apply(Input::Tick);
        }
    }
    assert!(pair.delivery.is_empty(), "{:?}", pair.delivery);
    for id in pair.watch.jobs.keys() {
        assert!(pair.watch.settled.contains_key(id), "{id:?} was lost");
    }
    assert_eq!(pair.delivery.next_wakeup(), None);
}
