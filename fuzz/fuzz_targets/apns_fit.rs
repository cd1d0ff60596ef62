//! What `fit` leaves fits, is valid JSON, and is smaller by exactly what it says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_apns::message::AlertText;
use reveille_apns::{Alert, Push as _, SizeLimit};

fuzz_target!(|input: (u16, Option<String>, Option<String>, Option<String>, Vec<(String, String, bool)>)| {
    let (limit, title, subtitle, body, keys) = input;
    let mut text = AlertText::default();
    text.title = title.map(Into::into);
    text.subtitle = subtitle.map(Into::into);
    text.body = body.map(Into::into);
    let Ok(mut push) = Alert::from_content(text) else { return };
    for (key, value, optional) in keys.iter().take(16) {
        let with = push.clone();
        let with =
            if *optional { with.with_optional_custom(key, value) } else { with.with_custom(key, value) };
        push = with.unwrap_or(push);
    }
    let before = push.payload().len();
    let limit = usize::from(limit);
    match push.fit(SizeLimit::Bytes(limit)) {
        Ok(cuts) => {
            let payload = push.payload();
            assert!(payload.len() <= limit.min(4_096));
            assert_eq!(payload.len() + cuts.iter().map(|cut| cut.before - cut.after).sum::<usize>(), before);
            let _: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&payload).unwrap();
        }
        Err(error) => {
            assert!(error.smallest > limit.min(4_096));
            assert_eq!(push.payload().len(), before);
        }
    }
});
