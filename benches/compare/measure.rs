//! Interleaved rounds and medians.

use std::hint::black_box;
use std::time::Duration;

use crate::allocations;

/// Rounds per row; each contestant runs once in each, in turn, so that a machine that slows down slows all. Many short
/// rounds rather than a few long ones: what disturbs a round then disturbs its neighbours, too.
const ROUNDS: usize = 41;
/// How long a contestant runs in a round.
const ROUND: Duration = Duration::from_millis(12);

/// Something to be timed. `operations` is how many operations one call of `run` does (more than one for a batch).
pub struct Contestant<'a> {
    pub name: &'static str,
    pub operations: u32,
    run: Box<dyn FnMut() + 'a>,
}

impl<'a> Contestant<'a> {
    /// One operation per call. The result is kept from the optimiser's eyes.
    pub fn new<T>(name: &'static str, mut run: impl FnMut() -> T + 'a) -> Self {
        Self { name, operations: 1, run: Box::new(move || drop(black_box(run()))) }
    }

    /// `operations` operations per call.
    pub fn batch<T>(name: &'static str, operations: u32, run: impl FnMut() -> T + 'a) -> Self {
        Self { operations, ..Self::new(name, run) }
    }
}

/// What was measured of one contestant.
#[derive(Clone, Copy)]
pub struct Measured {
    pub nanoseconds: f64,
    pub allocations: f64,
}

/// Processor time of this thread: what other programs take from the machine meanwhile does not count.
pub struct Clock(Duration);

impl Clock {
    pub fn start() -> Self {
        Self(Self::read())
    }

    pub fn elapsed(&self) -> Duration {
        Self::read().saturating_sub(self.0)
    }

    fn read() -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to a timespec of ours, and this clock exists on every Unix.
        let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
        assert_eq!(status, 0, "no clock for this thread");
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
}

impl Measured {
    /// Measured in another process, whose allocations nobody counted.
    pub const fn elsewhere(nanoseconds: f64) -> Self {
        Self { nanoseconds, allocations: f64::NAN }
    }
}

/// Times all contestants in interleaved rounds; medians per operation, in the order given.
pub fn race(contestants: &mut [Contestant<'_>]) -> Vec<Measured> {
    let calls: Vec<u32> = contestants.iter_mut().map(calibrate).collect();
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); contestants.len()];
    for _ in 0..ROUNDS {
        for ((contestant, calls), times) in contestants.iter_mut().zip(&calls).zip(&mut times) {
            let start = Clock::start();
            for _ in 0..*calls {
                (contestant.run)();
            }
            let total = start.elapsed().as_secs_f64() * 1e9;
            times.push(total / f64::from(*calls) / f64::from(contestant.operations));
        }
    }
    contestants
        .iter_mut()
        .zip(times)
        .map(|(contestant, times)| Measured {
            nanoseconds: median(times),
            allocations: allocations_of(contestant),
        })
        .collect()
}

/// How many calls fill a round; this also warms up.
fn calibrate(contestant: &mut Contestant<'_>) -> u32 {
    let mut calls = 1;
    loop {
        let start = Clock::start();
        for _ in 0..calls {
            (contestant.run)();
        }
        let elapsed = start.elapsed();
        if elapsed >= ROUND / 4 || calls >= 1 << 24 {
            let wanted = f64::from(calls) * ROUND.as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
            return (wanted as u32).max(1);
        }
        calls *= 2;
    }
}

fn allocations_of(contestant: &mut Contestant<'_>) -> f64 {
    const CALLS: u32 = 8;
    let before = allocations::count();
    for _ in 0..CALLS {
        (contestant.run)();
    }
    (allocations::count() - before) as f64 / f64::from(CALLS) / f64::from(contestant.operations)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
