//! The gateway in the simulation, and the oracle with drivers that are broken on purpose.

use reveille_testkit::sim::{Faults, Report, Simulation};

fn seeds(default: u64) -> std::ops::Range<u64> {
    // More of them: `SIM_SEEDS=10000 cargo test --release -p reveille-testkit --features sim --test sim`.
    let wanted = option_env!("SIM_SEEDS").and_then(|seeds| seeds.parse().ok());
    0..wanted.unwrap_or(default)
}

fn check(faults: Faults, seeds: std::ops::Range<u64>, events: usize) -> Report {
    let mut sum = Report::default();
    for seed in seeds {
        let report = Simulation::new(seed).with_events(events).with_faults(faults).run();
        assert_eq!(report.violations, Vec::<String>::new(), "seed {seed}");
        sum.requests += report.requests;
        sum.crashes += report.crashes;
        sum.fallbacks += report.fallbacks;
        sum.repeated += report.repeated;
    }
    sum
}

#[test]
fn without_faults_nothing_is_said_twice() {
    let sum = check(Faults::None, seeds(10), 300);
    assert!(sum.requests > 1_000, "{sum:?}");
    assert_eq!((sum.crashes, sum.repeated), (0, 0));
}

#[test]
fn some_faults() {
    let sum = check(Faults::Some, seeds(20), 300);
    assert!(sum.fallbacks > 0 && sum.repeated > 0, "{sum:?}");
}

#[test]
fn hell() {
    let sum = check(Faults::Hell, seeds(20), 300);
    assert!(sum.crashes > 50 && sum.repeated > 0, "{sum:?}");
}

/// The same run in another process: a child that is this very test, asked for its fingerprint.
#[test]
#[allow(clippy::disallowed_methods, reason = "the child has to know that it is one")]
fn same_seed_same_fingerprint_in_another_process() {
    const ASKED: &str = "REVEILLE_SIM_FINGERPRINT";
    let run = Simulation::new(5).with_events(200).with_faults(Faults::Hell).run();
    let own = format!("fingerprint {:016x}", run.fingerprint);
    if std::env::var_os(ASKED).is_some() {
        println!("{own}");
        return;
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "same_seed_same_fingerprint_in_another_process", "--nocapture"])
        .env(ASKED, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(said.contains(&own), "expected {own}, found {said}");
    // On whichever machine: another one comes with another behaviour, or with another world.
    assert_eq!(own, "fingerprint fb7eef10677d7ca4");
    assert_ne!(
        run.fingerprint,
        Simulation::new(6).with_events(200).with_faults(Faults::Hell).run().fingerprint
    );
}
