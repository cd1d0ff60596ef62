//! Every setter with nothing, with everything, and at its limits: it refuses and names the setting and its limits, or it
//! takes the value as its documentation says.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // Test helpers.

use std::time::Duration;

use reveille_delivery::pacer::{
    BreakerSettings, Keyed, LaneSettings, PacerSettings, PoisonWatch, PruneBreaker, Rate, RetryBudget,
    Throttle,
};
use reveille_delivery::retry::RetryPolicy;
use reveille_delivery::{DeliverySettings, InvalidSettings};

type Tried = Vec<(&'static str, Result<(), InvalidSettings>)>;

const SEC: Duration = Duration::from_secs(1);
const NO: Duration = Duration::ZERO;
const EVER: Duration = Duration::MAX;

macro_rules! tried {
    ($($call:expr),* $(,)?) => { vec![$((stringify!($call), $call.map(drop))),*] };
}

/// What cannot work.
fn refused() -> Tried {
    let (delivery, pacer) = (DeliverySettings::default, PacerSettings::default);
    let (lane, breaker, retry) =
        (LaneSettings::default(), BreakerSettings::default(), RetryPolicy::default());
    let rate = Rate::PUSH_SERVICE;
    tried![
        delivery().with_jobs(usize::MAX, 0),
        delivery().with_devices(0),
        delivery().with_devices(usize::MAX),
        delivery().with_answer_within(NO),
        delivery().with_answer_within(EVER),
        delivery().with_behind(EVER),
        delivery().with_slots(0, SEC),
        delivery().with_slots(usize::MAX, SEC),
        delivery().with_slots(1, NO),
        delivery().with_slots(1, EVER),
        delivery().with_settled(usize::MAX),
        delivery().with_dead_letters(usize::MAX, 0),
        retry.with_attempts(0),
        retry.with_backoff(NO, SEC),
        retry.with_backoff(2 * SEC, SEC),
        retry.with_backoff(SEC, EVER),
        retry.with_minimum(EVER),
        retry.with_longest_wait(NO),
        retry.with_longest_wait(EVER),
        retry.with_give_up_age(NO),
        retry.with_give_up_age(EVER),
        pacer().with_keys(0),
        pacer().with_keys(usize::MAX),
        pacer().with_queue(0, 1, 1),
        pacer().with_queue(usize::MAX, 1, 1),
        pacer().with_queue(1, 0, 1),
        pacer().with_queue(1, 1, 0),
        pacer().with_queue(1, 1, usize::MAX),
        pacer().with_retry_budget(0, 0),
        pacer().with_retry_budget(u32::MAX, 0),
        pacer().with_throttle(0),
        pacer().with_throttle(u32::MAX),
        pacer().with_poison(0, SEC),
        pacer().with_poison(1, SEC),
        pacer().with_poison(usize::MAX, SEC),
        pacer().with_poison(2, NO),
        pacer().with_poison(2, EVER),
        pacer().with_prune_breaker(0, 1, SEC),
        pacer().with_prune_breaker(u32::MAX, 1, SEC),
        pacer().with_prune_breaker(1, 0, SEC),
        pacer().with_prune_breaker(1, 1, NO),
        pacer().with_prune_breaker(1, 1, EVER),
        pacer().with_longest_pause(NO),
        pacer().with_longest_pause(EVER),
        pacer().with_hold(EVER),
        lane.with_ramp(EVER),
        lane.with_in_flight(0),
        breaker.with_failures(0, SEC, 1),
        breaker.with_failures(u32::MAX, SEC, 1),
        breaker.with_failures(1, NO, 1),
        breaker.with_failures(1, EVER, 1),
        breaker.with_failures(1, SEC, 0),
        breaker.with_slow_calls(0, SEC),
        breaker.with_slow_calls(u32::MAX, SEC),
        breaker.with_slow_calls(1, NO),
        breaker.with_slow_calls(1, EVER),
        breaker.with_open_for(NO, SEC),
        breaker.with_open_for(2 * SEC, SEC),
        breaker.with_open_for(SEC, EVER),
        breaker.with_probes(0, SEC),
        breaker.with_probes(u32::MAX, SEC),
        breaker.with_probes(1, NO),
        breaker.with_probes(1, EVER),
        Keyed::new(rate, 0, 1),
        Keyed::new(rate, usize::MAX, 1),
        PoisonWatch::new(1, SEC, 1),
        PoisonWatch::new(2, SEC, 0),
        PruneBreaker::new(0, 1, SEC),
        RetryBudget::new(0, 0),
        Throttle::new(0, 1),
    ]
}

/// What has a meaning that is documented, and what is at a limit.
fn taken() -> Tried {
    let (delivery, pacer) = (DeliverySettings::default, PacerSettings::default);
    let (lane, breaker, retry) =
        (LaneSettings::default(), BreakerSettings::default(), RetryPolicy::default());
    let year = 365 * 86_400 * SEC;
    tried![
        delivery().with_jobs(0, 0),
        delivery().with_jobs(1, u64::MAX),
        delivery().with_behind(NO),
        delivery().with_settled(0),
        delivery().with_dead_letters(0, 0),
        delivery().with_answer_within(Duration::from_millis(1)),
        retry.with_attempts(u8::MAX),
        retry.with_backoff(year, year),
        retry.with_minimum(NO),
        pacer().with_queue(1, u64::MAX, 1),
        pacer().with_retry_budget(0, u32::MAX),
        pacer().with_retry_budget(1_000, 0),
        pacer().with_throttle(1_000),
        pacer().with_poison(2, year),
        pacer().with_prune_breaker(1_000, u32::MAX, year),
        pacer().with_hold(NO),
        lane.with_ramp(NO),
        lane.with_in_flight(u32::MAX),
        breaker.with_failures(1_000, Duration::from_millis(20), u32::MAX),
        breaker.with_open_for(SEC, SEC),
        breaker.with_probes(1_000, SEC),
    ]
}

#[test]
fn no_setter_takes_what_cannot_work_and_each_names_its_limits() {
    for (call, result) in refused() {
        let error = result.expect_err(call);
        let text = error.to_string();
        assert!(error.given < error.least || error.given > error.most, "{call}: {text}");
        assert!(text.starts_with(error.what) && text.contains(&error.least.to_string()), "{call}: {text}");
    }
    for (call, result) in taken() {
        assert_eq!(result, Ok(()), "{call}");
    }
}

/// A setter that is added is tried, too.
#[test]
fn every_setter_is_tried() {
    let sources = [
        include_str!("../src/settings.rs"),
        include_str!("../src/retry.rs"),
        include_str!("../src/pacer/settings.rs"),
        include_str!("../src/pacer/breaker.rs"),
    ];
    let tried: Vec<_> = refused().into_iter().chain(taken()).map(|(call, _)| call).collect();
    // These take what was checked when it was made.
    let any = ["with_policy", "with_spread", "with_quarter_hours_avoided", "with_lane", "with_global"];
    let any =
        [&any[..], &["with_recipient", "with_device", "with_conversation", "with_api", "with_rate"]].concat();
    let any = [&any[..], &["with_order", "with_in_flight", "with_breaker"]].concat();
    let mut found = 0;
    for source in sources {
        for name in source.split("fn with_").skip(1).filter_map(|rest| rest.split('(').next()) {
            let name = format!("with_{name}");
            let is_tried = tried.iter().any(|call| call.contains(&format!("{name}(")));
            assert!(is_tried || any.contains(&name.as_str()), "{name} is not tried");
            found += 1;
        }
    }
    assert!(found > 25, "{found}");
}
