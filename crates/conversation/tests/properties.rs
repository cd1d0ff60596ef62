//! What must hold in any order of events: see `model`.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

mod model;

use proptest::prelude::*;
use reveille_conversation::rules::Rules;
use reveille_conversation::source::{CloudEvents, Parsed};
use reveille_conversation::{Conversations, Input, Seed};
use reveille_core::{Machine, UnixTime};

const SEED: Seed = Seed::new([3; 16]);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order(script in proptest::collection::vec(any::<u8>(), 0..900)) {
        model::run(&script);
    }
}

/// A snapshot with an open ring, a held one, unread messages and a callback.
fn snapshot() -> Vec<u8> {
    let mut machine = Conversations::new(Rules::default(), SEED).unwrap();
    let now = UnixTime::from_secs(1_700_000_000);
    for (kind, data) in [
        ("joined", r#"{"conversation":"c1","person":"ann","role":"visitor"}"#),
        (
            "message_sent",
            r#"{"conversation":"c1","sender":"kate","role":"primary","sequence":1,"sender_name":"K","preview":"P"}"#,
        ),
        ("call_offered", r#"{"conversation":"c1","person":"kate","caller_name":"Ann"}"#),
        ("call_offered", r#"{"conversation":"c1","person":"paul","caller":"ann","queue":"q"}"#),
        ("callback_created", r#"{"conversation":"c2","person":"ann","push":true,"queue":"q"}"#),
        ("callback_purged", r#"{"conversation":"c2"}"#),
        ("presence_changed", r#"{"person":"eve","presence":"away"}"#),
    ] {
        let event = format!(
            r#"{{"specversion":"1.0","id":"1","type":"reveille.conversation.{kind}","data":{data}}}"#
        );
        let Ok(Parsed::Inputs(inputs)) = CloudEvents::new().read(&event, now) else { panic!("{kind}") };
        for input in inputs {
            assert!(machine.apply(input, now).count() > 0);
        }
    }
    let mut bytes = Vec::new();
    machine.snapshot(&mut bytes);
    bytes
}

proptest! {
    /// A changed snapshot is refused, or gives a machine that comes to rest. No panic, no loop.
    #[test]
    fn a_damaged_snapshot(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), cut: prop::sample::Index) {
        let whole = snapshot();
        let mut bytes = whole.clone();
        for (at, to) in changes {
            let at = at.index(bytes.len());
            bytes[at] = to;
        }
        for bytes in [&bytes[..], &whole[..cut.index(whole.len())]] {
            let Ok(mut machine) = Conversations::restore(bytes, SEED) else { continue };
            for _ in 0..100 {
                let Some(wakeup) = machine.next_wakeup() else { break };
                let _ = machine.apply(Input::Tick, wakeup.at).count();
            }
            let mut again = Vec::new();
            machine.snapshot(&mut again);
            prop_assert!(Conversations::restore(&again, SEED).is_ok());
        }
        prop_assert!(Conversations::restore(&whole[..cut.index(whole.len())], SEED).is_err());
    }

    /// Whatever a log holds, reading it is total.
    #[test]
    fn any_bytes_as_an_input(bytes: Vec<u8>) {
        let _ = Input::decode(&bytes);
    }
}
