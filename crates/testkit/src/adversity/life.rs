//! A machine that lives from a log, under a script.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Debug;

use reveille_core::UnixTime;

use super::{Adversity, Clocks, Snapshot};

/// What a test says about its machine, so that [`live`] can run it.
pub trait Lives: Sized {
    /// An output, or what can be seen of it.
    type Output: Clone + Debug + PartialEq;

    /// A new one, without inputs.
    fn begin() -> Self;
    /// An input as a log holds it, made of a number as the test likes. `recent` are the last outputs, so that it can be an
    /// answer to one.
    fn input(choice: u64, now: UnixTime, recent: &[Self::Output]) -> Vec<u8>;
    /// The input that says that time passes.
    fn tick() -> Vec<u8>;
    /// Takes an input in.
    fn apply(&mut self, input: &[u8], now: UnixTime) -> Vec<Self::Output>;
    /// When a tick is wanted.
    fn next_wakeup(&self) -> Option<UnixTime>;
    /// The whole state.
    fn write(&mut self) -> Vec<u8>;
    /// The state again; `None` if these bytes are none. Total.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// How many outputs an answer can be about.
const RECENT: usize = 32;

/// Runs a machine that is stopped and restored, forked and given damaged snapshots, beside a witness that lives on, both
/// with the same inputs and the same wrong clock.
///
/// # Panics
/// If the outputs ever differ; if the state differs after a restart from a snapshot of any age and the inputs since, so
/// that a snapshot hides something; if a wake-up leads nowhere; if the machine never comes to rest.
pub fn live<M: Lives>(start: UnixTime, script: &[Adversity]) {
    let mut clocks = Clocks::new(start, 1);
    let (mut machine, mut witness) = (M::begin(), M::begin());
    let mut log: Vec<(Vec<u8>, UnixTime)> = Vec::new();
    let mut saved = (0, machine.write());
    let mut recent: Vec<M::Output> = Vec::new();
    let mut latest = start;
    for event in script {
        clocks.apply(event);
        let now = clocks.now(0);
        latest = latest.max(now);
        let input = match event {
            Adversity::Act { choice, .. } => M::input(*choice, now, &recent),
            Adversity::Wait { .. } | Adversity::SetClock { .. } => M::tick(),
            // An answer that was taken for lost, or the same once more.
            Adversity::StoreAnswersLate => log.last().map_or_else(M::tick, |(input, _)| input.clone()),
            Adversity::StoreForgets => {
                saved = (log.len(), machine.write());
                continue;
            }
            Adversity::Restart { snapshot, .. } => {
                let (applied, bytes) = match snapshot {
                    Snapshot::Current => (log.len(), machine.write()),
                    Snapshot::Stale => saved.clone(),
                    Snapshot::None => (0, M::begin().write()),
                };
                machine = M::read(&bytes).expect("its own snapshot");
                for (input, at) in log.iter().skip(applied) {
                    machine.apply(input, *at);
                }
                assert!(machine.write() == witness.write(), "{snapshot:?} hides something");
                M::tick()
            }
            Adversity::Fork { .. } => {
                machine = M::read(&witness.write()).expect("its own snapshot");
                M::tick()
            }
            Adversity::FlipBit { at } => {
                let mut bytes = machine.write();
                let at = (at % (bytes.len().max(1) as u64 * 8)) as usize;
                if let Some(byte) = bytes.get_mut(at / 8) {
                    *byte ^= 1 << (at % 8);
                }
                if let Some(mut damaged) = M::read(&bytes) {
                    damaged.apply(&M::tick(), now);
                }
                continue;
            }
        };
        let outputs = machine.apply(&input, now);
        assert_eq!(outputs, witness.apply(&input, now), "a restart changes what follows");
        assert_eq!(machine.next_wakeup(), witness.next_wakeup());
        recent.extend(outputs);
        recent.drain(..recent.len().saturating_sub(RECENT));
        log.push((input, now));
    }
    assert!(machine.write() == witness.write(), "not the same in the end");
    // Later than any clock has ever shown, and a driver that keeps to the wake-ups.
    let mut now = latest;
    machine.apply(&M::tick(), now);
    for _ in 0..20_000 {
        let Some(at) = machine.next_wakeup() else { return };
        if at == UnixTime::MAX {
            return;
        }
        assert!(at > now, "a wake-up at {at} after a tick at {now}");
        now = at;
        machine.apply(&M::tick(), now);
    }
    panic!("it does not come to rest");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adversity::script;

    const START: UnixTime = UnixTime::from_secs(1_700_000_000);

    /// Says a sum once a minute. With `HIDES`, its snapshot forgets since when it counts.
    #[derive(Clone)]
    struct Sum<const HIDES: bool> {
        sum: u64,
        due: Option<UnixTime>,
    }

    impl<const HIDES: bool> Lives for Sum<HIDES> {
        type Output = u64;
        fn begin() -> Self {
            Self { sum: 0, due: None }
        }
        fn input(choice: u64, _: UnixTime, _: &[u64]) -> Vec<u8> {
            vec![choice as u8]
        }
        fn tick() -> Vec<u8> {
            Vec::new()
        }
        fn apply(&mut self, input: &[u8], now: UnixTime) -> Vec<u64> {
            let due = self.due.take_if(|due| *due <= now).map(|_| std::mem::take(&mut self.sum));
            for byte in input {
                self.sum += u64::from(*byte);
                self.due.get_or_insert(now + std::time::Duration::from_secs(60));
            }
            due.into_iter().collect()
        }
        fn next_wakeup(&self) -> Option<UnixTime> {
            self.due
        }
        fn write(&mut self) -> Vec<u8> {
            let due = if HIDES { None } else { self.due };
            [self.sum, due.map_or(u64::MAX, UnixTime::as_millis)].map(u64::to_be_bytes).concat()
        }
        fn read(bytes: &[u8]) -> Option<Self> {
            let (sum, due) = bytes.split_first_chunk()?;
            let (sum, due) = (u64::from_be_bytes(*sum), u64::from_be_bytes(due.try_into().ok()?));
            Some(Self { sum, due: (due != u64::MAX).then(|| UnixTime::from_millis(due)) })
        }
    }

    #[test]
    fn a_whole_machine_lives() {
        for seed in 0..100 {
            live::<Sum<false>>(START, &script(seed, 200));
        }
    }

    #[test]
    #[should_panic(expected = "left: ")]
    fn a_snapshot_that_hides_something_is_found() {
        for seed in 0..100 {
            live::<Sum<true>>(START, &script(seed, 200));
        }
    }
}
