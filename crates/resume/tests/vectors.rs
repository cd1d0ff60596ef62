//! The published test vectors of the compact format: `vectors/compact.json`.

use crate::support::*;

use reveille_crypto::{CryptoError, CryptoProvider, SecureRandom, base64url};
use reveille_crypto_ring::PROVIDER;
use reveille_resume::*;
use serde::Deserialize;
use std::sync::Mutex;

#[derive(Deserialize)]
struct Vector {
    name: String,
    secret: String,
    key_id: u16,
    shard: u8,
    token_id: String,
    issued_at_ms: u64,
    lifetime_ms: u64,
    contact: String,
    conversation: String,
    device: String,
    channel: String,
    mac_key: String,
    ids_key: String,
    token: String,
}

/// Gives the bytes it was told to, at the place from which the issuer takes its next id.
#[derive(Debug)]
struct Told(Mutex<Vec<u8>>);
impl SecureRandom for Told {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        let id = self.0.lock().unwrap();
        let at = out.len() - id.len();
        out[at..].copy_from_slice(&id);
        Ok(())
    }
}

#[test]
fn every_vector_is_reproduced_and_verified() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors/compact.json")).unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in &vectors {
        let secret = TokenSecret::from_base64url(&vector.secret).unwrap();
        let keys = KeyRing::new(KeyId(vector.key_id), CompactKey::new(PROVIDER, &secret).unwrap());
        let bindings = Bindings {
            contact: &vector.contact,
            conversation: &vector.conversation,
            device: &vector.device,
            channel: &vector.channel,
        };
        let random: &'static Told = Box::leak(Box::new(Told(Mutex::new(hex(&vector.token_id)))));
        let now = reveille_core::UnixTime::from_millis(vector.issued_at_ms);
        let token = Issuer::new(CryptoProvider { random, ..PROVIDER })
            .with_shard(vector.shard)
            .with_lifetime(ms(vector.lifetime_ms))
            .issue(&keys, &bindings, now)
            .unwrap();
        assert_eq!(token, vector.token, "{}", vector.name);
        let authentic = Verifier::default().check(&keys, &vector.token, &bindings, now).unwrap();
        assert_eq!(authentic.single_use().token_id.to_string(), vector.token_id);

        // The intermediate values, so that another implementation can find where it goes astray.
        let (mut mac, mut ids) = ([0; 32], [0; 16]);
        let mut outputs = [
            reveille_crypto::Expand { info: &[b"rt1 mac"], out: &mut mac },
            reveille_crypto::Expand { info: &[b"rt1 ids"], out: &mut ids },
        ];
        PROVIDER.hkdf_sha256.derive(b"reveille/resume", secret.expose(), &mut outputs).unwrap();
        assert_eq!((hex(&vector.mac_key), hex(&vector.ids_key)), (mac.to_vec(), ids.to_vec()));
        let bytes = base64url::decode(&vector.token).unwrap();
        let tag = PROVIDER.hmac_sha256.key(&mac).sign(&[&bytes[..53]]);
        assert_eq!(bytes[53..], tag[..16]);
    }
}

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}
