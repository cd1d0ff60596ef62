#![doc = include_str!("../README.md")]

pub use {bytes, http};

#[doc(inline)]
pub use reveille_core as core;
#[doc(inline)]
pub use reveille_payload as payload;

#[cfg(feature = "apns")]
#[doc(inline)]
pub use reveille_apns as apns;
#[cfg(feature = "content")]
#[doc(inline)]
pub use reveille_content as content;
#[cfg(feature = "conversation")]
#[doc(inline)]
pub use reveille_conversation as conversation;
#[cfg(feature = "delivery")]
#[doc(inline)]
pub use reveille_delivery as delivery;
#[cfg(feature = "digest")]
#[doc(inline)]
pub use reveille_digest as digest;
#[cfg(feature = "fcm")]
#[doc(inline)]
pub use reveille_fcm as fcm;
#[cfg(feature = "gateway")]
#[doc(inline)]
pub use reveille_gateway as gateway;
#[cfg(feature = "registry")]
#[doc(inline)]
pub use reveille_registry as registry;
#[cfg(feature = "resume")]
#[doc(inline)]
pub use reveille_resume as resume;
#[cfg(feature = "webpush")]
#[doc(inline)]
pub use reveille_webpush as webpush;
#[cfg(feature = "writer")]
#[doc(inline)]
pub use reveille_writer as writer;

/// What cryptography is needed, as capabilities, and the backends that were asked for by feature. A feature only adds a
/// module here; nothing chooses one for you.
pub mod crypto {
    pub use reveille_crypto::*;
    #[cfg(feature = "lanes")]
    #[doc(inline)]
    pub use reveille_crypto_lanes as lanes;
    #[cfg(feature = "ring")]
    #[doc(inline)]
    pub use reveille_crypto_ring as ring;
    #[cfg(feature = "rustcrypto")]
    #[doc(inline)]
    pub use reveille_crypto_rustcrypto as rustcrypto;
}
