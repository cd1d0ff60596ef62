//! `simulate`: a whole gateway under a virtual clock, with faults, and an oracle that judges.
//!
//! `lost`, `rung_after_cancel` and `duplicates` count what the oracle found against the guarantees; `repeated` are requests that
//! a service had taken before, as the guarantees allow after a lost answer or a crash. The exit status is 1 if anything is
//! against them.

use std::process::ExitCode;

use reveille_testkit::sim::{Faults, Simulation};
use serde_json::{Map, Value, json};

use crate::line::{self, Failure};

/// # Errors
/// What is wrong with the arguments.
pub fn simulate(arguments: &[&str]) -> Result<ExitCode, String> {
    let (mut seed, mut events, mut recipients, mut faults) = (0, 1_000, 12, Faults::Some);
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let value = *rest.next().ok_or_else(|| format!("{name} needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, found {value:?}"));
        match *name {
            "--seed" => seed = number()?,
            "--events" => events = number()?,
            "--recipients" => recipients = number()?,
            "--faults" => {
                faults = match value {
                    "none" => Faults::None,
                    "some" => Faults::Some,
                    "hell" => Faults::Hell,
                    _ => return Err(format!("--faults needs none, some or hell, found {value:?}")),
                }
            }
            _ => return Err(format!("unknown option {name:?}")),
        }
    }
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let run =
        Simulation::new(seed).with_events(size(events)).with_people(size(recipients)).with_faults(faults);
    let report = run.run();
    let count = |kinds: &[&str]| {
        let of = |violation: &&String| kinds.iter().any(|kind| violation.starts_with(kind));
        report.violations.iter().filter(of).count()
    };
    let suppressed: Map<String, Value> =
        report.suppressed.iter().map(|(reason, number)| (reason.clone(), json!(number))).collect();
    let line = json!({
        "seed": seed,
        "events": report.events,
        "notified": report.accepted,
        "suppressed": suppressed,
        "fallback": report.fallbacks,
        "dead_lettered": report.dead_lettered,
        "lost": count(&["lost"]),
        "rung_after_cancel": count(&["late", "stuck"]),
        "duplicates": count(&["twice"]),
        "fingerprint": format!("{:016x}", report.fingerprint),
        "repeated": report.repeated,
        "crashes": report.crashes,
        "violations": report.violations,
    });
    let printed = line::print_one(Ok::<_, Failure>(line));
    Ok(if report.violations.is_empty() { printed } else { ExitCode::FAILURE })
}
