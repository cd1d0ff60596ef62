//! What a batch promises: order, appending, all or nothing, keys by rejection.

// The helpers of the tests are tests, too.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

mod common;

use common::{Bytes, RUSTCRYPTO, agree, assert_same, order, public_key, skipped, to_bytes, with_keys};
use reveille_crypto::{CryptoError, CryptoProvider, P256PublicKey, SecureRandom};
use reveille_crypto_lanes::Lanes;

fn peers_and_keys(count: usize) -> (Vec<P256PublicKey>, Vec<[u8; 32]>) {
    let mut bytes = Bytes::new(7);
    ((0..count).map(|_| public_key(&bytes.key())).collect(), (0..count).map(|_| bytes.key()).collect())
}

/// All counts around groups and chunks. A single one left over is the backend's below, whose keys nobody knows.
#[test]
fn counts() {
    if skipped("counts") {
        return;
    }
    let (peers, keys) = peers_and_keys(137);
    for count in (0..20).chain(55..75).chain(126..137) {
        let peers: Vec<_> = peers.iter().take(count).collect();
        let out = agree(with_keys(&keys), &peers);
        let in_lanes = if count % 8 == 1 { count - 1 } else { count };
        for (at, ours) in out.iter().enumerate().take(in_lanes) {
            assert_same(ours, &keys[at], peers[at], &format!("{at} of {count}"));
        }
        for ours in out.iter().skip(in_lanes) {
            P256PublicKey::from_bytes(&ours.public_key).unwrap();
        }
    }
}

#[test]
fn keys_out_of_range_are_drawn_again() {
    if skipped("keys_out_of_range_are_drawn_again") {
        return;
    }
    let (peers, good) = peers_and_keys(8);
    let peers: Vec<_> = peers.iter().collect();
    let n = order();
    let refused = [[0; 32], to_bytes(&n), to_bytes(&(&n + 1_u8)), [0xff; 32]];
    for (lane, bad) in (0..8).flat_map(|lane| refused.iter().map(move |bad| (lane, bad))) {
        // The bad one in its lane, then what is drawn in its place: another bad one, and a good one.
        let mut script = good.clone();
        script[lane] = *bad;
        script.extend([*bad, good[lane]]);
        let out = agree(with_keys(&script), &peers);
        for (at, ours) in out.iter().enumerate() {
            assert_same(ours, &good[at], peers[at], &format!("lane {at}, bad in {lane}"));
        }
    }
    // The greatest and the least that are taken.
    let mut script = good;
    (script[3], script[4]) = (to_bytes(&(&n - 1_u8)), to_bytes(&1_u8.into()));
    let out = agree(with_keys(&script), &peers);
    assert_same(&out[3], &script[3], peers[3], "n − 1");
    assert_same(&out[4], &script[4], peers[4], "1");
}

#[derive(Debug)]
struct Always(u8);
impl SecureRandom for Always {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        out.fill(self.0);
        Ok(())
    }
}

/// A source that never gives a key ends in an error, not in an endless loop; one that fails in the second chunk leaves
/// nothing of the first.
#[test]
fn a_failure_leaves_out_as_it_was() {
    if skipped("a_failure_leaves_out_as_it_was") {
        return;
    }
    static ZEROS: Lanes = Lanes::over(CryptoProvider { random: &Always(0), ..RUSTCRYPTO });
    let (peers, keys) = peers_and_keys(100);
    let peers: Vec<_> = peers.iter().collect();
    let ran_dry = with_keys(&keys[..99]);
    for provider in [ZEROS.provider(), ran_dry] {
        let mut out = agree(with_keys(&keys[..2]), &peers[..2]);
        assert_eq!(provider.p256.agree_ephemeral_many(&peers, &mut out), Err(CryptoError));
        assert_eq!(out.len(), 2);
        assert_same(&out[1], &keys[1], peers[1], "what was there");
    }
}

/// Without vectors, every call is the backend's below: its own keys, not those of the provider's source.
#[test]
fn without_vectors_the_backend_below_works() {
    static WITHOUT: Lanes =
        Lanes::over(CryptoProvider { random: &Always(0), ..RUSTCRYPTO }).without_vectors();
    let (peers, _) = peers_and_keys(17);
    let peers: Vec<_> = peers.iter().collect();
    assert_eq!(agree(WITHOUT.provider(), &peers).len(), 17);
}
