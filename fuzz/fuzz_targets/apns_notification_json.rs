//! What is read as a notification is written back the same, and its payload is a JSON object.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_apns::channel::Broadcast;
use reveille_apns::request::InvalidRequest;
use reveille_apns::{Notification, Prepared, Push as _, SizeLimit};

fuzz_target!(|text: &str| {
    if let Ok(push) = serde_json::from_str::<Notification<'_>>(text) {
        let payload = push.payload();
        let _: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&payload).unwrap();
        let json = serde_json::to_string(&push).unwrap();
        let again: Notification<'_> = serde_json::from_str(&json).unwrap();
        assert_eq!(again.payload(), payload);
        match Prepared::new(&push, SizeLimit::Provider) {
            Ok(prepared) => assert!(prepared.payload().len() <= push.push_type().max_payload()),
            Err(InvalidRequest::TooLarge(error)) => assert!(error.size > error.limit),
            Err(error) => assert!(matches!(error, InvalidRequest::Seconds { .. })),
        }
        if let Ok(parts) = push.to_fcm_parts() {
            assert!(parts.payload().to::<serde_json::Value>().is_ok());
        }
        assert!(Notification::from_json(text.as_bytes()).is_ok());
    } else {
        assert!(Notification::from_json(text.as_bytes()).is_err());
    }
    if let Ok(broadcast) = serde_json::from_str::<Broadcast<'_>>(text) {
        let json = serde_json::to_string(&broadcast).unwrap();
        assert_eq!(serde_json::from_str::<Broadcast<'_>>(&json).unwrap().payload(), broadcast.payload());
    }
});
