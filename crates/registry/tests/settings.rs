//! Every setter with nothing, with everything, and at its limits: it refuses and names the setting and its limits.

#![allow(clippy::unwrap_used)] // Test helpers.

use std::time::Duration;

use reveille_registry::health::HealthSettings;
use reveille_registry::suspicion::SuspicionPolicy;
use reveille_registry::{InvalidSettings, RegistryPolicy};

const SEC: Duration = Duration::from_secs(1);
const NO: Duration = Duration::ZERO;
const EVER: Duration = Duration::MAX;

macro_rules! tried {
    ($($call:expr),* $(,)?) => { vec![$((stringify!($call), $call.map(drop))),*] };
}

#[test]
fn no_setter_takes_what_cannot_work_and_each_names_its_limits() {
    let policy = RegistryPolicy::default();
    let (health, suspicion) = (HealthSettings::default(), SuspicionPolicy::default());
    let refused: Vec<(&str, Result<(), InvalidSettings>)> = tried![
        policy.with_validate_every(NO),
        policy.with_validate_every(EVER),
        policy.with_prompt_after(NO),
        policy.with_prompt_after(EVER),
        policy.with_purge_after(NO, SEC),
        policy.with_purge_after(EVER, SEC),
        policy.with_purge_after(SEC, NO),
        policy.with_purge_after(SEC, EVER),
        policy.with_quarantine(NO),
        policy.with_quarantine(EVER),
        policy.with_devices(0),
        policy.with_devices(usize::MAX),
        suspicion.with_answers(0),
        suspicion.with_over(NO),
        suspicion.with_over(EVER),
        health.with_interval(NO),
        health.with_interval(EVER),
        health.with_time_out(NO),
        health.with_time_out(EVER),
        health.with_retry_interval(NO),
        health.with_retry_interval(EVER),
        health.with_probes_a_day(0),
        health.with_probes_a_day(u32::MAX),
    ];
    for (call, result) in &refused {
        let error = result.expect_err(call);
        let text = error.to_string();
        assert!(error.given < error.least || error.given > error.most, "{call}: {text}");
        assert!(text.starts_with(error.what) && text.contains(&error.least.to_string()), "{call}: {text}");
    }
    let taken: Vec<(&str, Result<(), InvalidSettings>)> = tried![
        policy.with_purge_after(SEC, SEC),
        policy.with_devices(1),
        suspicion.with_answers(u32::MAX),
        suspicion.with_over(400 * 86_400 * SEC),
        health.with_time_out(86_400 * SEC),
    ];
    assert!(taken.iter().all(|(_, result)| result.is_ok()), "{taken:?}");

    // A setter that is added is tried, too.
    let sources = [
        include_str!("../src/policy.rs"),
        include_str!("../src/suspicion.rs"),
        include_str!("../src/health.rs"),
    ];
    let mut found = 0;
    for name in sources.iter().flat_map(|source| source.split("fn with_").skip(1)) {
        let name = format!("with_{}(", name.split('(').next().unwrap_or_default());
        let is_tried = refused.iter().any(|(call, _)| call.contains(&name));
        assert!(is_tried || name == "with_suspicion(", "{name} is not tried");
        found += 1;
    }
    assert!(found > 10, "{found}");
}
