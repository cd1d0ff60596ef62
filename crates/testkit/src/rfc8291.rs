//! The example of RFC 8291 §5 and Appendix A, and a provider that reproduces it byte for byte.
//!
//! Source: RFC 8291, Appendix A "Intermediate Values for Encryption".

use reveille_core::Secret;
use reveille_crypto::p256::{AgreementKey, EphemeralAgreement};
use reveille_crypto::{
    CryptoError, CryptoProvider, EcPrivateKey, KeyError, P256, P256PublicKey, SecureRandom, base64url,
};
use reveille_crypto_rustcrypto::PROVIDER as RUSTCRYPTO;

/// The plaintext.
pub const PLAINTEXT: &str = "When I grow up, I want to be a watermelon";
/// The user agent's private key, `ua_private`.
pub const UA_PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
/// The user agent's public key, `ua_public`.
pub const UA_PUBLIC: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
/// The authentication secret, `auth_secret`.
pub const AUTH_SECRET: &str = "BTBZMqHH6r4Tts7J_aSIgg";
/// The application server's ephemeral private key, `as_private`.
pub const AS_PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
/// A VAPID key for examples; not of the RFC, which uses none here.
pub const VAPID_PRIVATE: &str = "w1DqrvCLLle2659ja_f0jVQIgR3InUXbdLXdFb4NI-8";
/// The salt.
pub const SALT: &str = "DGv6ra1nlYgDCS1FRnbzlw";
/// The whole body, 144 bytes.
pub const BODY: &str = concat!(
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml",
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT",
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
);
/// The endpoint of [`SUBSCRIPTION`].
pub const ENDPOINT: &str = "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV";
/// The subscription as a browser would give it.
pub const SUBSCRIPTION: &str = r#"{
    "endpoint": "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
    "expirationTime": null,
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg"
    }
}"#;

/// A provider whose "random" salt and "ephemeral" key are always those of the RFC. NO SECURITY: for tests and examples.
pub const PROVIDER: CryptoProvider = CryptoProvider { random: &Fixed, p256: &Fixed, ..RUSTCRYPTO };

#[derive(Debug)]
struct Fixed;

impl SecureRandom for Fixed {
    /// The salt, repeated.
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        let salt = base64url::decode(SALT).map_err(|_| CryptoError)?;
        for (out, byte) in out.iter_mut().zip(salt.iter().cycle()) {
            *out = *byte;
        }
        Ok(())
    }
}

impl P256 for Fixed {
    fn generate(&self) -> Result<EcPrivateKey, CryptoError> {
        EcPrivateKey::parse(AS_PRIVATE).map_err(|_| CryptoError)
    }

    fn agree_ephemeral(&self, peer: &P256PublicKey) -> Result<EphemeralAgreement, CryptoError> {
        let as_private = RUSTCRYPTO.p256.load_agreement_key(&self.generate()?).map_err(|_| CryptoError)?;
        let shared_secret = Secret::new(*as_private.agree(peer)?.expose());
        Ok(EphemeralAgreement { public_key: *as_private.public_key().as_bytes(), shared_secret })
    }

    fn load_agreement_key(&self, private: &EcPrivateKey) -> Result<Box<dyn AgreementKey>, KeyError> {
        RUSTCRYPTO.p256.load_agreement_key(private)
    }
}
