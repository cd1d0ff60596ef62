//! Provider against provider: what one makes, every other reads. All ordered pairs, each with itself included.
// The helpers of the tests are tests, too.
#![allow(clippy::unwrap_used)]

use reveille_crypto::{CryptoProvider, EcPrivateKey, Expand, KeyError, P256PublicKey, RsaPrivateKey};

const PROVIDERS: [CryptoProvider; 2] = [reveille_crypto_ring::PROVIDER, reveille_crypto_rustcrypto::PROVIDER];

/// Lengths around the blocks of AES and SHA-256, and the plaintext limit of RFC 8291.
const LENGTHS: [usize; 14] = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 1_000, 3_993, 4_096];

fn pairs() -> impl Iterator<Item = (CryptoProvider, CryptoProvider)> {
    PROVIDERS.into_iter().flat_map(|one| PROVIDERS.into_iter().map(move |other| (one, other)))
}

fn random<const N: usize>(provider: CryptoProvider) -> [u8; N] {
    let mut bytes = [0; N];
    provider.random.fill(&mut bytes).unwrap();
    bytes
}

fn loads(provider: CryptoProvider, key: &EcPrivateKey) -> bool {
    !matches!(provider.p256.load_agreement_key(key), Err(KeyError::Unsupported { .. }))
}

#[test]
fn there_are_all_pairs_and_a_receiver() {
    assert_eq!(pairs().count(), PROVIDERS.len().pow(2));
    let key = PROVIDERS[0].p256.generate().unwrap();
    let receivers: Vec<_> =
        PROVIDERS.iter().filter(|provider| loads(**provider, &key)).map(|it| it.name).collect();
    assert_eq!(receivers, ["rustcrypto"]);
}

/// The sender's side on any provider, the receiver's key made by any and loaded by those that can.
#[test]
fn ecdh() {
    for (sender, generator) in pairs() {
        for receiver in PROVIDERS {
            let key = generator.p256.generate().unwrap();
            if !loads(receiver, &key) {
                continue;
            }
            let loaded = receiver.p256.load_agreement_key(&key).unwrap();
            let mut agreements = vec![sender.p256.agree_ephemeral(loaded.public_key()).unwrap()];
            sender.p256.agree_ephemeral_many(&[loaded.public_key(); 5], &mut agreements).unwrap();
            assert_eq!(agreements.len(), 6);
            for agreement in agreements {
                let peer = P256PublicKey::from_bytes(&agreement.public_key).unwrap();
                let shared = loaded.agree(&peer).unwrap();
                assert_eq!(
                    shared.expose(),
                    agreement.shared_secret.expose(),
                    "{} to {}, key by {}",
                    sender.name,
                    receiver.name,
                    generator.name
                );
            }
        }
    }
}

#[test]
fn aes_gcm() {
    for (sealer, opener) in pairs() {
        for length in LENGTHS {
            let (key, nonce): ([u8; 32], [u8; 12]) = (random(sealer), random(sealer));
            let plain = random::<4_096>(sealer)[..length].to_vec();
            let ciphers =
                [(sealer.aes_128_gcm, opener.aes_128_gcm), (sealer.aes_256_gcm, opener.aes_256_gcm)];
            for (seal, open) in ciphers {
                let key = &key[..seal.key_len()];
                let mut text = plain.clone();
                let tag = seal.seal_in_place(key, &nonce, b"aad", &mut text).unwrap();
                assert!(length < 16 || text != plain, "{}: {length} bytes left as they were", sealer.name);
                assert!(open.open_in_place(key, &nonce, b"AAD", &mut text.clone(), &tag).is_err());
                open.open_in_place(key, &nonce, b"aad", &mut text, &tag).unwrap();
                assert_eq!(text, plain, "{} to {}: {length} bytes", sealer.name, opener.name);
            }
        }
    }
}

#[test]
fn sha256_and_hmac() {
    for (signer, verifier) in pairs() {
        for length in LENGTHS {
            let message = random::<4_096>(signer)[..length].to_vec();
            assert_eq!(signer.sha256.digest(&[&message]), verifier.sha256.digest(&[&message]));
            let secret = random::<200>(signer)[..length % 200].to_vec();
            let tag = signer.hmac_sha256.key(&secret).sign(&[&message]);
            let key = verifier.hmac_sha256.key(&secret);
            assert_eq!(key.verify(&[&message], &tag), Ok(()), "{} to {}", signer.name, verifier.name);
            assert_eq!(key.verify(&[&message], &tag[..16]), Ok(()));
            assert!(key.verify(&[&message, b"."], &tag).is_err());
        }
    }
}

/// The two extracts and three expands of RFC 8291 §3.4, and every output length to 300 bytes.
#[test]
fn hkdf() {
    for (one, other) in pairs() {
        let (salt, ikm): ([u8; 16], [u8; 32]) = (random(one), random(one));
        let keys = |provider: CryptoProvider| {
            let (mut prk, mut cek, mut nonce) = ([0; 32], [0; 16], [0; 12]);
            let expand = Expand { info: &[b"WebPush: info\0", &[4; 65], &[5; 65]], out: &mut prk };
            provider.hkdf_sha256.derive(&salt, &ikm, &mut [expand]).unwrap();
            let mut outputs = [
                Expand { info: &[b"Content-Encoding: aes128gcm\0"], out: &mut cek },
                Expand { info: &[b"Content-Encoding: nonce\0"], out: &mut nonce },
            ];
            provider.hkdf_sha256.derive(&salt, &prk, &mut outputs).unwrap();
            (prk, cek, nonce)
        };
        assert_eq!(keys(one), keys(other), "{} and {}", one.name, other.name);
        assert_ne!(keys(one).0, [0; 32]);
        for length in 0..=300 {
            let derive = |provider: CryptoProvider| {
                let mut out = vec![0; length];
                provider.hkdf_sha256.derive(&[], &ikm, &mut [Expand { info: &[], out: &mut out }]).unwrap();
                out
            };
            assert_eq!(derive(one), derive(other), "{} and {}: {length} bytes", one.name, other.name);
        }
    }
}

/// Keys made by one, loaded by the other, signatures verified by both.
#[test]
fn es256() {
    for (one, other) in pairs() {
        for length in LENGTHS {
            let key = one.p256.generate().unwrap();
            let message = random::<4_096>(one)[..length].to_vec();
            for signer in [one, other] {
                let loaded = signer.es256.load(&key).unwrap();
                let signature = loaded.sign(&message).unwrap();
                for verifier in [one, other] {
                    let verdict = verifier.es256.verify(loaded.public_key(), &message, &signature);
                    assert_eq!(verdict, Ok(()), "{} to {}", signer.name, verifier.name);
                    let changed = [&message[..], b"."].concat();
                    assert!(verifier.es256.verify(loaded.public_key(), &changed, &signature).is_err());
                }
            }
        }
    }
}

/// A key in every format that one writes is the same key to the other.
#[test]
fn keys_travel() {
    for (one, other) in pairs() {
        let key = one.p256.generate().unwrap();
        let texts = [Some(key.to_base64url()), key.to_pkcs8_pem(), key.to_jwk()]
            .map(|text| text.unwrap().expose().clone());
        for text in texts {
            let read = EcPrivateKey::parse(&text).unwrap();
            let loaded = other.es256.load(&read).unwrap();
            assert_eq!(Some(loaded.public_key()), key.public_key(), "{} to {}", one.name, other.name);
        }
    }
}

/// PKCS#1 v1.5 is deterministic: whoever signs, the signature is OpenSSL's (`crates/crypto/tests/data/SOURCE.md`).
#[test]
fn rs256_like_openssl() {
    let expected = include_bytes!("../../crypto/tests/data/rsa.sig");
    let mut signers = Vec::new();
    for provider in PROVIDERS {
        for pem in [
            include_str!("../../crypto/tests/data/rsa_pkcs8.pem"),
            include_str!("../../crypto/tests/data/rsa_pkcs1.pem"),
        ] {
            match provider.rs256.load(&RsaPrivateKey::from_pem(pem).unwrap()) {
                Ok(key) => assert_eq!(key.sign(b"reveille").unwrap(), expected, "{}", provider.name),
                Err(KeyError::Unsupported { .. }) => continue,
                Err(other) => panic!("{}: {other}", provider.name),
            }
            signers.push(provider.name);
        }
    }
    assert_eq!(signers, ["ring", "ring"]);
}

#[test]
fn who_has_no_rsa_says_so() {
    let garbage = RsaPrivateKey::from_pkcs1_der(&[]);
    let texts = PROVIDERS.map(|provider| provider.rs256.load(&garbage).unwrap_err().to_string());
    assert_eq!(
        texts,
        [
            "the ring backend rejects this RSA private key: out of range, too small, or inconsistent",
            "the rustcrypto backend does not support RS256 (RUSTSEC-2023-0071 stands)",
        ]
    );
}
