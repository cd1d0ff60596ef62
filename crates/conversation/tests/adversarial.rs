//! Conversations under the testkit's scripts of wrong clocks, restarts, forks and damage, beside ones that live on.

#![allow(clippy::unwrap_used)] // Test helpers.

use proptest::prelude::*;
use reveille_conversation::event::*;
use reveille_conversation::id::{OfferId, PersonId};
use reveille_conversation::rules::Rules;
use reveille_conversation::text::Text;
use reveille_conversation::*;
use reveille_core::{Machine as _, UnixTime};
use reveille_testkit::adversity::{Lives, live, scripts};
use std::time::Duration;

const SEED: Seed = Seed::new([3; 16]);

struct Tested(Conversations);

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(prefix: &str, number: u64) -> T {
    format!("{prefix}{number}").parse().unwrap()
}

impl Lives for Tested {
    type Output = Output;

    fn begin() -> Self {
        Self(Conversations::new(Rules::default(), SEED).unwrap())
    }

    fn input(choice: u64, now: UnixTime, _: &[Output]) -> Vec<u8> {
        let (kind, more) = (choice % 12, choice / 12);
        let person: PersonId = id("p", more % 4);
        let role = if more % 4 == 0 { Role::Visitor } else { Role::Primary };
        let offer = (more / 4 % 2 == 0).then(|| id::<OfferId>("o", more / 8 % 3));
        let what = match kind {
            0 | 1 => What::Joined(Joined { person, role }),
            2..=4 => What::MessageSent(Message {
                sender: person,
                role,
                kind: MessageKind::Written,
                message: Some(id("m", more % 16)),
                sequence: Some(1 + more / 16 % 16),
                sender_name: None,
                preview: Some(Text::new("text")),
            }),
            5 => What::ReadUpTo(Read { person, sequence: Some(more / 4 % 18) }),
            6 | 7 => What::CallOffered(Offer {
                person,
                role,
                media: Media::Call,
                offer,
                caller: None,
                caller_name: None,
                queue: Some(id("q", more % 2)),
                queue_name: None,
                assigned: false,
                auto_join: false,
                hidden: false,
                presence: None,
                rings_for_ms: None,
                restated: false,
            }),
            8 => What::CallAnswered(Answered { person, role: None, device: None, offer }),
            9 => What::CallEnded(Ended { abandoned: more % 2 == 0 }),
            10 => What::CallbackCreated(CallbackCreated {
                person,
                push: true,
                mode: CallbackMode::CallBack,
                queue: Some(id("q", more % 2)),
                wait_ms: Some(more % 40 * 60_000),
                attempts: None,
            }),
            _ => What::Left(Left { person }),
        };
        // From another node, a little late.
        let at = now - Duration::from_millis(more % 8_000);
        encoded(&Input::Event(Event::new(id("c", more % 3), what, at)))
    }

    fn tick() -> Vec<u8> {
        encoded(&Input::Tick)
    }

    fn apply(&mut self, input: &[u8], now: UnixTime) -> Vec<Output> {
        self.0.apply(Input::decode(input).unwrap(), now).collect()
    }

    fn next_wakeup(&self) -> Option<UnixTime> {
        self.0.next_wakeup().map(|wakeup| wakeup.at)
    }

    fn write(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.0.snapshot(&mut out);
        out
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Conversations::restore(bytes, SEED).ok().map(Self)
    }
}

fn encoded(input: &Input) -> Vec<u8> {
    let mut out = Vec::new();
    input.encode(&mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn no_snapshot_hides_anything_and_no_clock_keeps_a_ring_open(script in scripts(1..200)) {
        live::<Tested>(UnixTime::from_secs(1_700_000_000), &script);
    }
}
