//! Any text as a compact token: never a resume unless it is byte for byte one of ours, and a stable reason otherwise.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use reveille_core::UnixTime;
use reveille_crypto_rustcrypto::PROVIDER;
use reveille_resume::compact::shard_of;
use reveille_resume::{
    Bindings, CompactKey, Issuer, KeyId, KeyRing, Reason, SealedKey, TokenSecret, Verifier,
};

const IDS: Bindings<'static> = Bindings { contact: "c", conversation: "k", device: "d", channel: "web" };
const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

struct Fixture {
    compact: KeyRing<CompactKey>,
    sealed: KeyRing<SealedKey>,
    good: String,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let secret = TokenSecret::from_bytes(&[7; 32]).expect("32 bytes");
    let compact = KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &secret).expect("key"));
    let sealed = KeyRing::new(KeyId(1), SealedKey::new(PROVIDER, &secret).expect("key"));
    let good = Issuer::new(PROVIDER).issue(&compact, &IDS, NOW).expect("token");
    Fixture { compact, sealed, good }
});

fuzz_target!(|input: (&str, u64, Vec<(u8, u8)>)| {
    let (text, now, edits) = input;
    let now = UnixTime::from_millis(now);
    let (fixture, verifier) = (&*FIXTURE, Verifier::default());
    for now in [NOW, now] {
        // A key under which nobody has signed: no text can be more than forged, except a token of the seeds.
        let verdict = verifier.check(&fixture.compact, text, &IDS, now);
        assert_eq!(verdict, verifier.check(&fixture.compact, text, &IDS, now));
        if verdict.is_ok() {
            assert_eq!(text.len(), fixture.good.len());
            assert!(shard_of(text).is_some());
        }
        assert_eq!(text.is_empty(), verdict.is_err_and(|verdict| verdict.reason() == Some(Reason::Absent)));
        let _ = verifier.check(&fixture.sealed, text, &IDS, now);
    }
    // A good token after some edits: good if and only if nothing changed.
    let mut bytes = fixture.good.clone().into_bytes();
    for (at, to) in edits {
        let len = bytes.len();
        bytes[usize::from(at) % len] = to;
    }
    if let Ok(edited) = std::str::from_utf8(&bytes) {
        assert_eq!(verifier.check(&fixture.compact, edited, &IDS, NOW).is_ok(), edited == fixture.good);
    }
});
