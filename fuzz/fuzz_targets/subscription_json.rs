//! Any text: an error, or a subscription that survives being stored and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_webpush::target::{AllowLoopback, PublicHttps};
use reveille_webpush::{StoredSubscription, Subscription};

fuzz_target!(|json: &str| {
    if let Ok(public) = Subscription::from_json(json) {
        assert!(public.endpoint().is_https());
        assert!(public.vapid_key().is_none(), "what comes from outside chooses no key");
        assert!(public.endpoint().port().is_none_or(|port| port >= 1024));
    }
    let Ok(stored) = StoredSubscription::from_json(json) else { return };
    let written = serde_json::to_string(&stored).expect("a stored subscription is serialisable");
    let again = StoredSubscription::from_json(&written).expect("what was written can be read");
    assert_eq!(serde_json::to_string(&again).expect("the same again"), written);
    let public = stored.clone().admitted_by(&PublicHttps).is_ok();
    let Ok(subscription) = stored.admitted_by(&AllowLoopback) else {
        assert!(!public);
        return;
    };
    let printed = format!("{subscription:?}");
    let path = subscription.endpoint().as_str().split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    if let Some((_, path)) = path.filter(|(host, path)| path.len() >= 12 && !host.contains(path)) {
        assert!(!printed.contains(path));
    }
});
