//! Any text as an event of any source: an error that names a path, or inputs that survive the log and that the machine takes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_conversation::rules::Rules;
use reveille_conversation::source::{CloudEvents, Genesys, Parsed, Platform};
use reveille_conversation::{Conversations, Input, Seed};
use reveille_core::{Machine, UnixTime};

fuzz_target!(|text: &str| {
    let now = UnixTime::from_secs(1_700_000_000);
    let headers =
        [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-type", "reveille.conversation.message_sent")];
    let results = [
        Genesys::new().read(text, now),
        CloudEvents::new().read(text, now),
        CloudEvents::new().read_binary(headers, text, now),
        Platform::new().read(text, now),
    ];
    let mut machine = Conversations::new(Rules::default(), Seed::new([1; 16])).expect("rules");
    for parsed in results {
        match parsed {
            Ok(Parsed::Inputs(inputs)) => {
                for input in inputs {
                    let mut log = Vec::new();
                    input.encode(&mut log);
                    assert_eq!(Input::decode(&log).as_ref(), Ok(&input));
                    assert!(machine.apply(input, now).count() > 0, "silence");
                }
            }
            Ok(_) => {}
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    if let Ok(rules) = Rules::from_toml(text) {
        assert!(Conversations::new(rules, Seed::new([1; 16])).is_ok());
    }
    let _ = Input::decode(text.as_bytes());
});
