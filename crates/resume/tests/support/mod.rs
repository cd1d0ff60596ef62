//! Fixtures of these tests.

use reveille_core::UnixTime;
use reveille_crypto::base64url;
use reveille_crypto_ring::PROVIDER;
use reveille_resume::replay::SnapshotKey;
use reveille_resume::*;
use std::time::Duration;

pub(crate) const NOW: UnixTime = UnixTime::from_millis(1_700_000_000_123);
pub(crate) const MINE: Bindings<'static> =
    Bindings { contact: "contact-4711", conversation: "conv-8", device: "device-15", channel: "web" };
pub(crate) const ATTEMPT: Attempt = Attempt::new(1);

pub(crate) fn secret(fill: u8) -> TokenSecret {
    TokenSecret::from_bytes(&[fill; 32]).unwrap()
}

pub(crate) fn compact_keys() -> KeyRing<CompactKey> {
    KeyRing::new(KeyId(1), CompactKey::new(PROVIDER, &secret(7)).unwrap())
}

pub(crate) fn jwt_keys() -> KeyRing<JwtKey> {
    KeyRing::new(KeyId(1), JwtKey::hs256(PROVIDER, &secret(7)).unwrap())
}

/// The key of RFC 8291 Appendix A's application server.
pub(crate) fn ec_private() -> reveille_crypto::EcPrivateKey {
    reveille_crypto::EcPrivateKey::parse("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw").unwrap()
}

pub(crate) fn es256_keys() -> KeyRing<JwtKey> {
    KeyRing::new(KeyId(1), JwtKey::es256(PROVIDER, &ec_private()).unwrap())
}

pub(crate) fn sealed_keys() -> KeyRing<SealedKey> {
    KeyRing::new(KeyId(1), SealedKey::new(PROVIDER, &secret(7)).unwrap())
}

pub(crate) fn issue<K: Profile>(keys: &KeyRing<K>) -> String {
    Issuer::new(PROVIDER).issue(keys, &MINE, NOW).unwrap()
}

/// The reason why a token is refused before its single use is looked at.
pub(crate) fn refused<K: Profile>(keys: &KeyRing<K>, token: &str) -> Reason {
    why(Verifier::default().check(keys, token, &MINE, NOW).expect_err("accepted"))
}

/// The reason of a verdict that is no resume.
pub(crate) fn why(verdict: Verdict) -> Reason {
    verdict.reason().expect("resumes")
}

pub(crate) fn snapshot_key() -> SnapshotKey {
    SnapshotKey::new(PROVIDER, &secret(7)).unwrap()
}

pub(crate) fn accepts<K: Profile>(keys: &KeyRing<K>, token: &str) -> bool {
    Verifier::default().check(keys, token, &MINE, NOW).is_ok()
}

pub(crate) fn b64(text: impl AsRef<[u8]>) -> String {
    base64url::encode(text.as_ref())
}

/// A JWT with any header and payload, correctly signed with HS256 under the key of [`jwt_keys`].
pub(crate) fn hs256(header: &str, payload: &str) -> String {
    let input = format!("{}.{}", b64(header), b64(payload));
    let tag = PROVIDER.hmac_sha256.key(&[7; 32]).sign(&[input.as_bytes()]);
    format!("{input}.{}", b64(tag))
}

/// A JWE with any header and payload, correctly sealed under the key of [`sealed_keys`].
pub(crate) fn jwe(header: &str, payload: &str) -> String {
    let mut text = payload.as_bytes().to_vec();
    let header = b64(header);
    let nonce = [9; 12];
    let tag = PROVIDER.aes_256_gcm.seal_in_place(&[7; 32], &nonce, header.as_bytes(), &mut text).unwrap();
    format!("{header}..{}.{}.{}", b64(nonce), b64(text), b64(tag))
}

pub(crate) const JWT_HEADER: &str = r#"{"alg":"HS256","typ":"resume+jwt","kid":"1"}"#;
pub(crate) const JWE_HEADER: &str = r#"{"alg":"dir","enc":"A256GCM","typ":"resume+jwt","kid":"1"}"#;
pub(crate) const CLAIMS: &str = r#"{"jti":"a","iat":1700000000,"exp":1700000300,"sub":"contact-4711","cnv":"conv-8","dev":"device-15","chn":"web"}"#;

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// "Random" bytes f0, f1 …: the same tokens in every run.
#[derive(Debug)]
pub(crate) struct Counting;
impl reveille_crypto::SecureRandom for Counting {
    fn fill(&self, out: &mut [u8]) -> Result<(), reveille_crypto::CryptoError> {
        out.iter_mut().zip(0xf0..).for_each(|(byte, at)| *byte = (at % 256) as u8);
        Ok(())
    }
}

/// An issuer whose token ids are all f0 f1 … ff.
pub(crate) fn fixed_issuer() -> Issuer {
    Issuer::new(reveille_crypto::CryptoProvider { random: &Counting, ..PROVIDER })
}
