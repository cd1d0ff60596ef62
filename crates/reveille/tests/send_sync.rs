//! What a service keeps, and shares between threads, can be sent and shared: a compile error here, not in a user's build.

#![cfg(all(
    feature = "apns",
    feature = "conversation",
    feature = "delivery",
    feature = "digest",
    feature = "fcm",
    feature = "registry",
    feature = "resume",
    feature = "webpush"
))]

use reveille::{apns, conversation, core, crypto, delivery, digest, fcm, payload, registry, resume, webpush};

const fn shared<T: Send + Sync + 'static>() -> usize {
    size_of::<T>()
}

/// Every error travels through `?` into a boxed one that crosses threads.
const fn error<T: std::error::Error + Send + Sync + 'static>() -> usize {
    size_of::<T>()
}

#[test]
fn what_is_kept_can_cross_threads() {
    let sizes = [
        shared::<core::Outcome>(),
        shared::<core::StoredOutcome>(),
        shared::<core::Secret<Vec<u8>>>(),
        shared::<payload::JsonObject>(),
        shared::<crypto::CryptoProvider>(),
        shared::<crypto::EcPrivateKey>(),
        shared::<webpush::ApplicationServer>(),
        shared::<webpush::Message>(),
        shared::<webpush::Subscription>(),
        shared::<apns::TokenSource>(),
        shared::<apns::Notification<'static>>(),
        shared::<apns::Prepared>(),
        shared::<fcm::TokenSource>(),
        shared::<fcm::Message>(),
        shared::<fcm::Prepared>(),
        shared::<conversation::Conversations>(),
        shared::<delivery::Delivery>(),
        shared::<delivery::pacer::Pacer<()>>(),
        shared::<registry::Device>(),
        shared::<registry::Memory>(),
        shared::<resume::KeyRing<resume::CompactKey>>(),
        shared::<resume::ReplaySet>(),
        shared::<resume::Verifier>(),
        shared::<digest::Policy>(),
    ];
    assert!(sizes.iter().all(|size| *size > 0), "{sizes:?}");
}

#[test]
fn errors_can_cross_threads() {
    let sizes = [
        error::<webpush::Error>(),
        error::<apns::Error>(),
        error::<fcm::Error>(),
        error::<resume::Error>(),
        error::<digest::Error>(),
        error::<conversation::Error>(),
        error::<core::Error>(),
        error::<delivery::Error>(),
        error::<registry::Error>(),
        error::<payload::Error>(),
        error::<crypto::Error>(),
    ];
    assert!(sizes.iter().all(|size| *size > 0), "{sizes:?}");
}
