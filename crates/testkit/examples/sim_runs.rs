//! Many runs: `cargo run --release -p reveille-testkit --features sim --example sim_runs -- hell 0 1000 1000`.

#![allow(clippy::print_stdout, reason = "a program for the shell")]

use reveille_testkit::sim::{Faults, Simulation};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let faults = match arguments.next().as_deref() {
        Some("none") => Faults::None,
        Some("hell") => Faults::Hell,
        _ => Faults::Some,
    };
    let mut number = |default| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (from, to, events) = (number(0), number(100), number(1_000));
    let (mut wrong, mut requests, mut crashes) = (0_u64, 0, 0);
    for seed in from..to {
        let report = Simulation::new(seed).with_events(events as usize).with_faults(faults).run();
        requests += report.requests;
        crashes += report.crashes;
        if !report.violations.is_empty() {
            wrong += 1;
            let shown = report.violations.iter().take(8);
            println!("seed {seed}: {} violations: {:?}", report.violations.len(), shown.collect::<Vec<_>>());
        }
    }
    println!(
        "{} runs of {events} events, {requests} requests, {crashes} crashes: {wrong} runs with violations",
        to - from
    );
}
