//! Agreements alone, as `openssl speed` counts them: a key pair with its public key, and the agreement; per core.

use aws_lc_rs::agreement as aws;
use aws_lc_rs::rand::SystemRandom as AwsRandom;
use reveille_crypto::{CryptoProvider, P256PublicKey};
use ring::agreement as ring_ecdh;
use ring::rand::SystemRandom;

use crate::measure::{Contestant, race};
use crate::report::Report;

pub fn compare(report: &mut Report, lanes: CryptoProvider) {
    let keys: Vec<P256PublicKey> = (0..1_024)
        .map(|_| *lanes.p256.generate().expect("key").public_key().expect("a generated key has it"))
        .collect();
    let mut contestants = Vec::new();
    for count in [8, 16, 64, 1_024] {
        let peers: Vec<_> = keys.iter().take(count).collect();
        let mut out = Vec::with_capacity(count);
        let name = match count {
            8 => "ours, batch of 8",
            16 => "ours, batch of 16",
            64 => "ours, batch of 64",
            _ => "ours, batch of 1024",
        };
        contestants.push(Contestant::batch(name, count as u32, move || {
            out.clear();
            lanes.p256.agree_ephemeral_many(&peers, &mut out).expect("agreements");
        }));
    }
    contestants.push(Contestant::new("ring 0.17", with_ring(keys[0])));
    contestants.push(Contestant::new("aws-lc-rs 1", with_aws_lc(keys[0])));
    let measured = race(&mut contestants);
    report.note("agreements per second and core, each with a new key pair and its public key:");
    for (contestant, measured) in contestants.iter().zip(&measured) {
        report.note(&format!(
            "  {:<22} {:>9.0} a second  {:>8.0} ns",
            contestant.name,
            1e9 / measured.nanoseconds,
            measured.nanoseconds
        ));
    }
    let names = ["ours", "ring 0.17", "aws-lc-rs 1"];
    for (row, count) in [8, 16, 64, 1_024].into_iter().enumerate() {
        let own = [measured[row], measured[4], measured[5]];
        let named: Vec<_> = names.into_iter().zip(own).collect();
        report.add(&format!("agreement with a key pair, batch of {count}"), &named, false);
    }
}

fn with_ring(peer: P256PublicKey) -> impl FnMut() -> [u8; 32] {
    let random = SystemRandom::new();
    move || {
        let private = ring_ecdh::EphemeralPrivateKey::generate(&ring_ecdh::ECDH_P256, &random).expect("key");
        let _public = std::hint::black_box(private.compute_public_key().expect("public key"));
        let peer = ring_ecdh::UnparsedPublicKey::new(&ring_ecdh::ECDH_P256, peer.as_bytes());
        ring_ecdh::agree_ephemeral(private, &peer, |x| x.try_into().expect("32 bytes")).expect("agreement")
    }
}

fn with_aws_lc(peer: P256PublicKey) -> impl FnMut() -> [u8; 32] {
    let random = AwsRandom::new();
    move || {
        let private = aws::EphemeralPrivateKey::generate(&aws::ECDH_P256, &random).expect("key");
        let _public = std::hint::black_box(private.compute_public_key().expect("public key"));
        let peer = aws::UnparsedPublicKey::new(&aws::ECDH_P256, peer.as_bytes());
        aws::agree_ephemeral(private, peer, aws_lc_rs::error::Unspecified, |x| {
            x.try_into().map_err(|_| aws_lc_rs::error::Unspecified)
        })
        .expect("agreement")
    }
}
