//! Tokens of the JWT and the sealed profile for other libraries to read, and theirs to be read here.
//!
//! `jose_tokens issue NOW_MS` prints one JSON object; `jose_tokens verify NOW_MS` reads such objects, one per line, and
//! prints the reasons.

use std::io::BufRead as _;

use reveille_core::UnixTime;
use reveille_crypto::EcPrivateKey;
use reveille_crypto_ring::PROVIDER;
use reveille_resume::{Bindings, Issuer, JwtKey, KeyId, KeyRing, Profile, SealedKey, TokenSecret, Verifier};
use serde::Deserialize;
use serde_json::json;

const IDS: Bindings<'static> =
    Bindings { contact: "contact-4711", conversation: "Gespräch 8", device: "device-15", channel: "web" };
/// The private key of RFC 8291 Appendix A.
const EC: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";

#[derive(Deserialize)]
struct Tokens {
    hs256: String,
    es256: String,
    sealed: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let command = arguments.next().unwrap_or_default();
    let now = UnixTime::from_millis(arguments.next().unwrap_or_default().parse()?);
    let secret = TokenSecret::from_bytes(&[7; 32])?;
    let private = EcPrivateKey::parse(EC)?;
    let hs256 = KeyRing::new(KeyId(1), JwtKey::hs256(PROVIDER, &secret)?);
    let es256 = KeyRing::new(KeyId(2), JwtKey::es256(PROVIDER, &private)?);
    let sealed = KeyRing::new(KeyId(3), SealedKey::new(PROVIDER, &secret)?);
    let mut out = std::io::stdout().lock();
    if command == "issue" {
        let issuer = Issuer::new(PROVIDER);
        let public = *PROVIDER.es256.load(&private)?.public_key();
        let jwk = private.with_public_key(public).to_jwk().ok_or("no public key")?;
        let tokens = json!({
            "hs256": issuer.issue(&hs256, &IDS, now)?,
            "es256": issuer.issue(&es256, &IDS, now)?,
            "sealed": issuer.issue(&sealed, &IDS, now)?,
            "jwk": serde_json::from_str::<serde_json::Value>(jwk.expose())?,
        });
        serde_json::to_writer(&mut out, &tokens)?;
        return Ok(());
    }
    if command != "verify" {
        return Err(format!("expected issue or verify, found {command:?}").into());
    }
    for line in std::io::stdin().lock().lines() {
        let tokens: Tokens = serde_json::from_str(&line?)?;
        let reasons = json!([
            reason(&hs256, &tokens.hs256, now),
            reason(&es256, &tokens.es256, now),
            reason(&sealed, &tokens.sealed, now),
        ]);
        serde_json::to_writer(&mut out, &reasons)?;
    }
    Ok(())
}

fn reason<K: Profile>(keys: &KeyRing<K>, token: &str, now: UnixTime) -> &'static str {
    Verifier::default()
        .check(keys, token, &IDS, now)
        .map_or_else(|verdict| verdict.reason().map_or("resume", reveille_resume::Reason::name), |_| "resume")
}
