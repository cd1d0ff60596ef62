//! The periods and limits of the requirements: the README's table against what the code does by default.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

#[path = "../../delivery/tests/table/mod.rs"]
mod table;

use std::time::Duration;

use reveille_registry::RegistryPolicy;
use reveille_registry::health::HealthSettings;
use reveille_registry::support::{Support, Version};
use reveille_registry::suspicion::SuspicionPolicy;

fn expectations() -> Vec<table::Row> {
    let policy = format!("{:?},", RegistryPolicy::default());
    let health = format!("{:?},", HealthSettings::default());
    let (default, secs) = (SuspicionPolicy::default(), Duration::from_secs);
    let suspicion = default == default.with_answers(3).unwrap().with_over(secs(86_400)).unwrap();
    let ios = format!("{:?}", Support::default())
        == format!("{:?}", Support::default().with_ios(Version(16, 4, 0)));
    vec![
        ("A8", "answers \"unknown\" before a target is given up", "3 in 86400 s", suspicion),
        ("A9", "iOS from which Web Push works", "16.4", ios),
        ("C1", "validate every", "2592000 s", policy.contains("validate_every: 2592000s,")),
        ("C1", "prompt after", "86400 s", policy.contains("prompt_after: 86400s,")),
        ("C1", "purge after", "7776000 s", policy.contains("purge_after: 7776000s,")),
        ("B3", "devices of an owner", "20", policy.contains("devices: 20 }")),
        ("E8", "interval between health checks", "86400 s", health.contains("{ interval: 86400s,")),
        ("E8", "time-out of a probe", "30 s", health.contains("time_out: 30s,")),
        ("E8", "retry interval of a health check", "3600 s", health.contains("retry_interval: 3600s,")),
    ]
}

#[test]
fn every_number_of_the_requirements_is_a_documented_default() {
    table::is_true(include_str!("../README.md"), &expectations());
}

/// The worker and the server have the same times.
#[test]
fn the_workers_half_has_the_same_defaults() {
    let worker = reveille_registry::health::HEALTH_CHECK_JS;
    for line in
        ["intervalMs: 24 * 60 * 60 * 1000,", "timeOutMs: 30 * 1000,", "retryIntervalMs: 60 * 60 * 1000,"]
    {
        assert!(worker.contains(line), "{line}");
    }
}
