//! Any JSON as a message: an error, or a message that is written inside the schema's form, reads back equal, and is
//! never sent oversize.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_fcm::{Message, Platform, Prepared, Sacrifice, SendRequest, SizeBudget, SizeMode};

fuzz_target!(|data: &[u8]| {
    if let Ok(send) = SendRequest::from_json(data).or_else(|_| SendRequest::from_message_json(data)) {
        if let Ok(prepared) = Prepared::new(&send.message, SizeBudget::PROVIDER)
            && let Ok(body) = prepared.body(&send.target)
        {
            let again = SendRequest::from_json(&body).expect("what was written");
            assert_eq!((again.message, again.target), (send.message, send.target));
        }
    }
    let Ok(mut message) = Message::from_json(data) else { return };
    let json = message.to_json();
    assert_eq!(Message::from_json(json.as_bytes()).expect("what was written"), message);
    let _ = message.warnings();
    for mode in [SizeMode::Estimate, SizeMode::Strict] {
        let budget = SizeBudget::PROVIDER.at_most(300).counted(mode);
        let before = message.clone();
        match message.fit(true, budget, &[Sacrifice::Body, Sacrifice::Title, Sacrifice::Image]) {
            Ok(_) => assert!(Platform::ALL.iter().all(|platform| message.size(*platform, mode) <= 300)),
            Err(_) => assert_eq!(message, before),
        }
    }
});
