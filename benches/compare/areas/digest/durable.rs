//! What it costs to lose nothing (`docs/durability.md`): default policy, texts of 100 bytes.

use std::io::Write as _;
use std::time::{Duration, Instant};

use reveille_core::UnixTime;
use reveille_core::log::{LogEntries, Logged, Snapshot as _, log_append, log_head};
use reveille_digest::snapshot::Codec as _;
use reveille_digest::{Engine, Event, EventId, Generation, Input, Limits, Output, Plain, Policy, Seed};

use crate::measure::{Clock, Measured};
use crate::report::Report;

type Tested = Engine<Plain<u64, String>>;

const SEED: Seed = Seed::new([7; 16]);
const KEYS: u64 = 40_000;
const EVENTS: u64 = 1_000_000;
const FSYNCS: u32 = 200;

fn fresh() -> Logged<Tested> {
    Logged::new(
        Tested::new(Plain::new(), Policy::default(), Limits::default(), SEED).expect("the default works"),
    )
}

/// A log on its way: inputs are written and applied as a service does it, but for the `fsync`.
struct Service {
    logged: Logged<Tested>,
    log: Vec<u8>,
    bytes: Vec<u8>,
    inputs: u64,
}

impl Service {
    fn take(&mut self, input: Input<Plain<u64, String>>, now: UnixTime) -> Vec<(u64, Generation)> {
        let number = self.logged.next_number();
        self.bytes.clear();
        input.encode(&mut self.bytes);
        log_append(&mut self.log, number, now, &self.bytes);
        self.inputs += 1;
        let outputs = self.logged.apply(number, input, now).expect("the next number");
        outputs
            .filter_map(|output| match output {
                Output::Notify(notify) => Some((notify.key, notify.generation)),
                _ => None,
            })
            .collect()
    }
}

pub fn compare(report: &mut Report) {
    let mut service = Service { logged: fresh(), log: Vec::new(), bytes: Vec::new(), inputs: 0 };
    log_head(&mut service.log, Tested::BEHAVIOUR);
    let (text, mut spent) = ("x".repeat(100), Duration::ZERO);
    for number in 0..EVENTS {
        // Forty thousand events a minute, each key once in it.
        let now = UnixTime::from_millis(1_700_000_000_000 + number * 60_000 / KEYS);
        let key = number.wrapping_mul(7_919) % KEYS;
        let event = Event::new(key, EventId(u128::from(number) + 1), text.clone());
        let start = Clock::start();
        let mut sent = service.take(Input::Event(event), now);
        if service.logged.machine().next_wakeup().is_some_and(|wakeup| wakeup.at <= now) {
            sent.extend(service.take(Input::Tick, now));
        }
        for (key, generation) in sent {
            service.take(Input::Response(key, generation), now);
        }
        spent += start.elapsed();
    }
    let each = |span: Duration| span.as_secs_f64() * 1e9 / EVENTS as f64;
    report.add(
        "event, its tick and answer: written down and applied",
        &[("ours", Measured::elsewhere(each(spent)))],
        false,
    );
    let bytes = (service.log.len() as f64 - 8.0) / EVENTS as f64;
    report.note(&format!(
        "{bytes:.0} bytes of log an event, {:.1} inputs",
        service.inputs as f64 / EVENTS as f64
    ));

    let start = Clock::start();
    let mut again = fresh();
    for entry in LogEntries::new(&service.log, Tested::BEHAVIOUR).expect("a log") {
        let input = Input::decode(&mut &*entry.input).expect("an input");
        again.apply(entry.number, input, entry.now).expect("the next number").for_each(drop);
    }
    let replayed = start.elapsed();
    assert_eq!(again.machine().explain(), service.logged.machine().explain());
    report
        .note(&format!("recovery without a snapshot: {:.2} s for a million events", replayed.as_secs_f64()));

    let (start, mut snapshot) = (Clock::start(), Vec::new());
    service.logged.snapshot(&mut snapshot);
    let written = start.elapsed();
    let start = Clock::start();
    let restored = Logged::<Tested>::restore((Plain::new(), SEED), &snapshot).expect("a snapshot");
    let read = start.elapsed();
    assert_eq!(restored.applied(), service.logged.applied());
    report.note(&format!(
        "snapshot of {KEYS} keys with what they remember: {:.1} ms, {:.1} MB; read again in {:.1} ms",
        written.as_secs_f64() * 1e3,
        snapshot.len() as f64 / 1e6,
        read.as_secs_f64() * 1e3
    ));
    fsync(report, &service.log);
}

/// Of a group of 64 entries on this machine's disk: time that passes, not time of the processor.
fn fsync(report: &mut Report, log: &[u8]) {
    let path = std::env::temp_dir().join(format!("reveille-compare-{}.log", std::process::id()));
    let mut file = std::fs::File::create(&path).expect("a file");
    let mut spans: Vec<Duration> = log
        .chunks(64 * 150)
        .take(FSYNCS as usize)
        .map(|group| {
            let start = Instant::now();
            file.write_all(group).and_then(|()| file.sync_data()).expect("a disk");
            start.elapsed()
        })
        .collect();
    std::fs::remove_file(&path).expect("our file");
    spans.sort_unstable();
    let at = |part: usize| spans.get(spans.len() * part / 100).map_or(0.0, |span| span.as_secs_f64() * 1e3);
    report.note(&format!(
        "write and fsync of a group of about 64 entries in {}: p50 {:.2} ms, p99 {:.2} ms",
        std::env::temp_dir().display(),
        at(50),
        at(99)
    ));
}
