//! Many runs: `cargo run --release -p reveille-testkit --features sim --example sim_runs -- hell 0 1000 1000`.
//!
//! Faults, the first seed, the one behind the last, events for each: all of it, or the first few. The exit status is 1 if a run has
//! violations, and 2 if the arguments are wrong.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the shell")]

use std::ops::Range;
use std::process::ExitCode;

use reveille_testkit::sim::{Faults, Simulation};

const USAGE: &str = "usage: sim_runs [none|some|hell [FROM [TO [EVENTS]]]]";

#[derive(Debug, PartialEq)]
struct Plan {
    faults: Faults,
    seeds: Range<u64>,
    events: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match plan(&arguments) {
        Ok(plan) => run(&plan),
        Err(why) => {
            eprintln!("{why}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn plan(arguments: &[String]) -> Result<Plan, String> {
    let faults = match arguments.first().map(String::as_str) {
        Some("none") => Faults::None,
        Some("some") | None => Faults::Some,
        Some("hell") => Faults::Hell,
        Some(other) => return Err(format!("the faults are none, some or hell, found {other:?}")),
    };
    let number = |at: usize, name: &str, default: u64| match arguments.get(at) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| format!("{name} needs a number, found {text:?}")),
    };
    let seeds = number(1, "FROM", 0)?..number(2, "TO", 100)?;
    let events = number(3, "EVENTS", 1_000)?;
    if seeds.is_empty() {
        return Err(format!(
            "TO is the seed behind the last, and {} is not behind {}",
            seeds.end, seeds.start
        ));
    }
    if events == 0 {
        return Err("a run needs events, found 0".to_owned());
    }
    if let Some(extra) = arguments.get(4) {
        return Err(format!("one argument too many: {extra:?}"));
    }
    let events = usize::try_from(events).map_err(|_| format!("{events} events are too many"))?;
    Ok(Plan { faults, seeds, events })
}

fn run(plan: &Plan) -> ExitCode {
    let (mut wrong, mut requests, mut crashes) = (0_u64, 0, 0);
    for seed in plan.seeds.clone() {
        let report = Simulation::new(seed).with_events(plan.events).with_faults(plan.faults).run();
        requests += report.requests;
        crashes += report.crashes;
        if !report.violations.is_empty() {
            wrong += 1;
            let shown = report.violations.iter().take(8);
            println!("seed {seed}: {} violations: {:?}", report.violations.len(), shown.collect::<Vec<_>>());
        }
    }
    println!(
        "{} runs of {} events, {requests} requests, {crashes} crashes: {wrong} runs with violations",
        plan.seeds.end - plan.seeds.start,
        plan.events
    );
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> Result<Plan, String> {
        plan(&arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_given_and_what_is_not() {
        let hell = Plan { faults: Faults::Hell, seeds: 5..7, events: 300 };
        assert_eq!(of(&["hell", "5", "7", "300"]), Ok(hell));
        assert_eq!(of(&[]), Ok(Plan { faults: Faults::Some, seeds: 0..100, events: 1_000 }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, why) in [
            (&["hel"][..], "the faults are none, some or hell, found \"hel\""),
            (&["hell", "7", "7"], "TO is the seed behind the last, and 7 is not behind 7"),
            (&["hell", "200"], "TO is the seed behind the last, and 100 is not behind 200"),
            (&["hell", "-1"], "FROM needs a number, found \"-1\""),
            (&["none", "0", "ten"], "TO needs a number, found \"ten\""),
            (&["none", "0", "1", "0"], "a run needs events, found 0"),
            (&["none", "0", "1", "1", "1"], "one argument too many: \"1\""),
        ] {
            assert_eq!(of(arguments), Err(why.to_owned()), "{arguments:?}");
        }
    }
}
