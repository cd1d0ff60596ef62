//! Any bytes as a credential file: an error that shows nothing of it, or an account that is shown masked only.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_core::UnixTime;
use reveille_fcm::ServiceAccount;
use reveille_fcm::credential::{Assertion, OAuthScope};

fuzz_target!(|data: &[u8]| {
    match ServiceAccount::from_json(data) {
        Ok(account) => {
            let masked = account.masked();
            assert!(masked.project_id.chars().count() <= 5);
            assert!(masked.client_email.chars().count() <= 11);
            let assertion = Assertion::new(account.issuer(), OAuthScope::Messaging, UnixTime::from_secs(1));
            assert!(!assertion.into_request(b"signature").body().is_empty());
        }
        Err(error) => assert!(error.to_string().len() < 400),
    }
});
