//! Any body: refused, or (practically never) opened; never a panic, and never more plaintext than body.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use reveille_crypto_rustcrypto::PROVIDER;
use reveille_webpush::{UserAgent, UserAgentKeys};

static USER_AGENT: LazyLock<UserAgent> = LazyLock::new(|| {
    let keys =
        UserAgentKeys::from_text("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94", "BTBZMqHH6r4Tts7J_aSIgg");
    UserAgent::new(&keys.expect("RFC 8291 Appendix A"), PROVIDER).expect("valid key")
});

fuzz_target!(|body: &[u8]| {
    if let Ok(plaintext) = USER_AGENT.open(body) {
        assert!(plaintext.len() + 86 + 17 <= body.len());
    }
});
