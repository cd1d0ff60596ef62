//! Any header value, as it is and wrapped into the right form: refused, never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_core::UnixTime;
use reveille_crypto::jws::CompactJws;
use reveille_crypto_rustcrypto::PROVIDER;
use reveille_webpush::credential::VapidHeader;

const KEY: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

fuzz_target!(|text: &str| {
    let now = UnixTime::from_secs(1_800_000_000);
    for value in [text.to_owned(), format!("vapid t={text}, k={KEY}"), format!("vapid {text}")] {
        if let Ok(header) = VapidHeader::new(&value) {
            // Nobody without the private key can make one that verifies.
            assert!(header.verify("https://push.example", PROVIDER, now).is_err());
        }
    }
    let _ = CompactJws::parse(text, 4_096);
});
