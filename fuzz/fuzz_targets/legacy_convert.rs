//! Any JSON of the removed API: an error, or a message that v1's reader takes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_core::UnixTime;
use reveille_fcm::{Message, legacy};

fuzz_target!(|data: &[u8]| {
    if let Ok(new) = legacy::convert(data, UnixTime::from_secs(1_000)) {
        let json = new.message.to_json();
        assert_eq!(Message::from_json(&json).expect("what was written"), new.message);
        assert!(!new.targets.is_empty());
        assert!(new.unmapped().count() <= new.notes.len());
    }
});
