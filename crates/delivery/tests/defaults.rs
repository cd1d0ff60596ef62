//! The periods, limits and rates of the requirements: the README's table against what the code does by default.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // Test helpers.

mod table;

use std::time::Duration;

use reveille_delivery::DeliverySettings;
use reveille_delivery::pacer::{LaneSettings, PacerSettings, Rate};
use reveille_delivery::retry::{RetryPolicy, Spread};

/// The row of the README, and what the code must hold for it to be true.
fn expectations() -> Vec<table::Row> {
    let delivery = format!("{:?}", DeliverySettings::default());
    let pacer = format!("{:?}", PacerSettings::default());
    let lane = format!("{:?}", LaneSettings::default());
    let retry = format!("{:?}", RetryPolicy::default());
    let rate = |count, secs, burst| Rate::new(count, Duration::from_secs(secs), burst).unwrap();
    let field = |of: &str, name: &str, value: String| {
        [", ", "{ "].iter().any(|before| {
            [", ", " }"].iter().any(|after| of.contains(&format!("{before}{name}: {value}{after}")))
        })
    };
    vec![
        ("B7", "a newer one waits for what is on the wire", "2 s", field(&delivery, "behind", "2000".into())),
        (
            "C8",
            "requests to a push service, for each lane",
            "500 in 1 s",
            field(&lane, "rate", format!("{:?}", rate(500, 1, 500))),
        ),
        (
            "C8",
            "calls of the platform's API, for each client",
            "300 in 60 s",
            field(&pacer, "api", format!("{:?}", rate(300, 60, 30))),
        ),
        (
            "C8",
            "FCM, a project (`Rate::FCM_PROJECT`)",
            "600000 in 60 s",
            Rate::FCM_PROJECT == rate(600_000, 60, 10_000),
        ),
        ("C8", "ramp of a lane after silence", "60 s", field(&lane, "ramp", "60000".into())),
        ("C9", "attempts", "3", RetryPolicy::default().attempts() == 3),
        ("C9", "spread of back-offs", "full jitter", field(&retry, "spread", format!("{:?}", Spread::Full))),
        (
            "C9",
            "retries, of the requests of a minute",
            "100 per mille",
            field(&pacer, "retry_per_mille", "100".into()),
        ),
        ("C9", "dead letters", "10000", field(&delivery, "dead_letters", "10000".into())),
        (
            "C10",
            "failures that open a breaker",
            "150 per mille in 60 s",
            field(&lane, "failed_per_mille", "150".into()) && lane.contains("window: 60s,"),
        ),
        (
            "A8",
            "dead targets that stop pruning",
            "100 per mille",
            field(&pacer, "prune_per_mille", "100".into()),
        ),
    ]
}

#[test]
fn every_number_of_the_requirements_is_a_documented_default() {
    table::is_true(include_str!("../README.md"), &expectations());
}

/// Every field of the settings has a row in their documentation's table, so none is a secret.
#[test]
fn every_setting_is_in_its_table() {
    let rows = |source: &str, of: &str| {
        let doc = source.split(&format!("pub struct {of} {{")).next().unwrap();
        let table = doc.rsplit("/// | setting | default | |").next().unwrap();
        table.lines().skip(2).take_while(|line| line.starts_with("/// |")).count()
    };
    let fields = |text: String| {
        // Not those of what is inside.
        let mut depth = 0;
        text.chars()
            .filter(|c| {
                match c {
                    '{' | '[' | '(' => depth += 1,
                    '}' | ']' | ')' => depth -= 1,
                    _ => {}
                }
                *c == ':' && depth == 1
            })
            .count()
    };
    let pacer = include_str!("../src/pacer/settings.rs");
    assert_eq!(rows(pacer, "LaneSettings"), fields(format!("{:?}", LaneSettings::default())));
    let retry = include_str!("../src/retry.rs");
    assert_eq!(rows(retry, "RetryPolicy"), fields(format!("{:?}", RetryPolicy::default())));
    // Two of its bounds, on dead letters, are one row.
    let settings = include_str!("../src/settings.rs");
    assert_eq!(rows(settings, "DeliverySettings") + 1, fields(format!("{:?}", DeliverySettings::default())));
    // Rows for two: lane and lanes, the queue, the retry budget, poison; for three: the prune breaker.
    assert_eq!(rows(pacer, "PacerSettings") + 6, fields(format!("{:?}", PacerSettings::default())));
}
