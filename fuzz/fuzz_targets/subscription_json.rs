//! Any text: an error, or a subscription that survives being written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_webpush::Subscription;
use reveille_webpush::target::{AllowLoopback, PublicHttps};

fuzz_target!(|json: &str| {
    let Ok(subscription) = Subscription::from_stored_json(json, &AllowLoopback) else { return };
    let written = serde_json::to_string(&subscription).expect("a subscription is serialisable");
    let again =
        Subscription::from_stored_json(&written, &AllowLoopback).expect("what was written can be read");
    assert_eq!(again.endpoint(), subscription.endpoint());
    assert_eq!(again.ua_public(), subscription.ua_public());
    assert_eq!(again.expose_auth_secret(), subscription.expose_auth_secret());
    assert_eq!(again.vapid_key(), subscription.vapid_key());
    if let Ok(public) = Subscription::from_json_with(json, &PublicHttps) {
        assert!(public.endpoint().is_https());
    }
});
