//! Interleaved rounds and medians.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::allocations;

/// Rounds per row; each contestant runs once in each, in turn, so that a machine that slows down slows all.
const ROUNDS: usize = 7;
/// How long a contestant runs in a round.
const ROUND: Duration = Duration::from_millis(60);

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
            let start = Instant::now();
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
        let start = Instant::now();
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
