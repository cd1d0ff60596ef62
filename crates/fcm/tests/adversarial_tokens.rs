//! The token source under clocks that lie: behind, ahead, jumping at boot, gone mad. What SECURITY.md promises of time.

use std::time::Duration;

use crate::support::NOW;
use bytes::Bytes;
use http::Response;
use proptest::prelude::*;
use reveille_core::{Jitter, UnixTime};
use reveille_fcm::credential::FetchId;
use reveille_fcm::{Grant, TokenOutput, TokenSettings, TokenSource};
use reveille_testkit::adversity::{Adversity, Clocks, scripts};

/// A source, a server that always gives a token, and how often it was asked.
struct World {
    source: TokenSource,
    fetches: u32,
    /// Fetches that are not answered yet.
    open: Option<FetchId>,
}

impl World {
    fn new(seed: u64) -> Self {
        let source = TokenSource::new(Grant::metadata_server(), TokenSettings::default(), Jitter::new(seed));
        Self { source, fetches: 0, open: None }
    }

    fn look(&mut self, now: UnixTime) {
        self.source.handle_timeout(now);
        while let Some(output) = self.source.poll_output() {
            if let TokenOutput::Fetch { fetch, .. } = output {
                (self.fetches, self.open) = (self.fetches + 1, Some(fetch));
            }
        }
    }

    fn answer(&mut self, now: UnixTime) {
        if let Some(fetch) = self.open.take() {
            let body = format!(r#"{{"access_token":"ya29.{}","expires_in":3600}}"#, self.fetches);
            self.source.handle_response(fetch, &Response::new(Bytes::from(body)), now);
        }
    }

    /// A driver that works, at one moment.
    fn run(&mut self, now: UnixTime) {
        self.look(now);
        self.answer(now);
        self.look(now);
    }

    fn token(&self, now: UnixTime) -> Option<String> {
        self.source.token(now).ok().map(|token| token.authorization().to_str().unwrap().to_owned())
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn a_clock_that_jumps_ahead_and_comes_back_loses_no_token() {
    let mut world = World::new(1);
    world.run(NOW);
    let token = world.token(NOW).expect("a token");
    // The jump alone: the token seems to have ended, a fetch starts, nobody answers it.
    world.look(NOW + secs(400 * 86_400));
    assert_eq!(world.token(NOW + secs(400 * 86_400)), None);
    assert_eq!(world.token(NOW + secs(1)), Some(token), "it is there again, and it is the same");
    assert_eq!(world.fetches, 2);
}

#[test]
fn a_thousand_jumps_are_not_a_thousand_tokens() {
    for answered in [true, false] {
        let mut world = World::new(2);
        world.run(NOW);
        for n in 0..1_000 {
            let (ahead, back) = (NOW + secs(86_400 * (n + 1)), NOW + Duration::from_millis(n));
            world.look(ahead);
            if answered {
                world.answer(ahead);
            }
            world.look(back);
            if answered {
                world.answer(back);
            }
        }
        assert!(world.fetches <= 3, "{} fetches in a second", world.fetches);
        world.run(NOW + secs(3_000));
        assert!(world.token(NOW + secs(3_000)).is_some());
    }
}

#[test]
fn a_clock_that_is_set_right_after_boot_costs_one_fetch() {
    // Behind by years at boot, and set right a minute later.
    let mut world = World::new(3);
    world.run(UnixTime::from_secs(60));
    assert!(world.token(UnixTime::from_secs(61)).is_some());
    world.run(NOW);
    assert!(world.token(NOW).is_some());
    assert_eq!(world.fetches, 2);
    // Ahead by an hour at boot.
    let mut world = World::new(4);
    world.run(NOW + secs(3_600));
    let token = world.token(NOW + secs(3_600));
    world.run(NOW);
    assert_eq!(world.token(NOW), token, "it goes back with the clock");
    assert_eq!(world.token(NOW + secs(3_589)), token);
    assert_eq!(world.token(NOW + secs(3_590)), None, "and lives no longer than it was given for");
}

#[test]
fn a_fetch_that_a_jump_falls_into_is_still_heard() {
    let mut world = World::new(5);
    world.look(NOW);
    world.look(NOW + secs(86_400));
    world.look(NOW + secs(1));
    world.answer(NOW + secs(2));
    assert!(world.token(NOW + secs(2)).is_some());
    assert_eq!(world.fetches, 1);
}

/// What the clock shows. One that has lost its mind shows the end of time.
fn shown(clocks: &Clocks) -> UnixTime {
    let now = clocks.now(0);
    if now > UnixTime::from_secs(2 * NOW.as_secs()) { UnixTime::MAX } else { now }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever the clock shows: no panic, one fetch at a time, no token for longer than any server gives, and once the
    /// clock is steady a token within minutes.
    #[test]
    fn any_clock_is_survived(script in scripts(1..160), seed: u64) {
        let (mut world, mut clocks) = (World::new(seed), Clocks::new(NOW, 1));
        for event in script {
            clocks.apply(&event);
            let mut reading = shown(&clocks);
            match event {
                // A glitch: shown for a moment, and right again at the next reading.
                Adversity::Act { choice, .. } if choice % 4 == 0 => {
                    reading = UnixTime::from_millis(choice >> (choice / 4 % 64));
                }
                Adversity::Act { .. } => world.answer(reading),
                // What was asked for before the restart is answered to the source after it.
                Adversity::Restart { .. } | Adversity::Fork { .. } => {
                    world = World { open: world.open, ..World::new(seed) };
                }
                Adversity::StoreAnswersLate => world.answer(reading + secs(90)),
                _ => {}
            }
            let before = world.fetches;
            world.look(reading);
            prop_assert!(world.fetches <= before + 1);
            if let Ok(token) = world.source.token(reading) {
                prop_assert!(token.expires_at().since(reading) <= secs(3_600 + 5));
            }
        }
        // Steady from here on, a second at a time (there must be room for it before the end of time).
        let mut now = shown(&clocks).as_millis().min(u64::MAX - 4_000_000);
        let mut found = false;
        for _ in 0..2_000 {
            now += 1_000;
            world.run(UnixTime::from_millis(now));
            found = world.token(UnixTime::from_millis(now)).is_some();
            if found { break }
        }
        prop_assert!(found, "no token after half an hour of a steady clock");
    }

    /// Glitches alone, however many and wherever: the token that was there is there, and hardly any is fetched.
    #[test]
    fn glitches_lose_nothing(glitches in prop::collection::vec(prop_oneof![any::<u64>(), 0..4_000_000_000_000_u64], 1..300), seed: u64, answered: bool) {
        let mut world = World::new(seed);
        world.run(NOW);
        for (n, glitch) in glitches.into_iter().enumerate() {
            world.look(UnixTime::from_millis(glitch));
            let now = NOW + Duration::from_millis(n as u64);
            if answered {
                world.answer(now);
            }
            world.look(now);
            prop_assert!(world.token(now).is_some(), "lost by glitch {} at {}", n, glitch);
        }
        prop_assert!(world.fetches <= 12, "{} fetches in a second", world.fetches);
    }
}
