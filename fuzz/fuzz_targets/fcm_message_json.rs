//! Any JSON as a message: an error, or a message that is written inside the schema's form, reads back equal, and is
//! never sent oversize.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_fcm::message::{Platform, Sacrifice, SizeMode, SizeRule};
use reveille_fcm::target::Reach;
use reveille_fcm::{Message, Prepared, SendRequest, SizeLimit};

fuzz_target!(|data: &[u8]| {
    if let Ok(send) = SendRequest::from_json(data).or_else(|_| SendRequest::from_message_json(data)) {
        if let Ok(prepared) = Prepared::new(&send.message, SizeLimit::Provider)
            && let Ok(body) = prepared.body(&send.target)
        {
            let again = SendRequest::from_json(&body).expect("what was written");
            let kept = serde_json::to_vec(&send).expect("JSON");
            assert_eq!(serde_json::from_slice::<SendRequest>(&kept).expect("what was kept"), send);
            assert_eq!(again, send.with_validate_only(false));
        }
    }
    let Ok(mut message) = Message::from_json(data) else { return };
    let json = message.to_json();
    assert_eq!(Message::from_json(&json).expect("what was written"), message);
    let _ = message.warnings();
    for mode in [SizeMode::Estimate, SizeMode::Strict] {
        let rule = SizeRule::new(SizeLimit::Bytes(300)).with_mode(mode);
        let before = message.clone();
        match message.fit_in_order(
            &[Sacrifice::Body, Sacrifice::Title, Sacrifice::Image],
            Reach::Device,
            rule,
        ) {
            Ok(_) => assert!(Platform::ALL.iter().all(|platform| message.size(*platform, mode) <= 300)),
            Err(_) => assert_eq!(message, before),
        }
    }
});
