//! Does the time of an operation depend on a secret? In the manner of dudect (Reparaz, Balasch, Verbauwhede, "Dude, is my
//! code constant time?", 2017): two classes of inputs, drawn at random, and Welch's t-test on their times.
//!
//! `constant_time [MEASUREMENTS]`, 200,000 each unless told, on a quiet machine, release build. |t| above 10 is a leak,
//! above 4.5 a reason to look again; a comparison that leaves early is measured beside, to show that one would be found.
//! Exits with 1 on a leak. A test cannot prove that there is none.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "it measures time")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool, not a library"
)]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use reveille_core::{Jitter, UnixTime};
use reveille_crypto::{CryptoProvider, EcPrivateKey, base64url};
use reveille_resume::replay::{Continuity, SnapshotKey};
use reveille_resume::*;

const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);
const MINE: Bindings<'static> = Bindings {
    contact: "0c6e2f0a-4f3b-4e0e-9a55-0a3c3a1f9d11",
    conversation: "5b0b9f0e-7a8e-4b8c-8f5e-6a1a2b3c4d5e",
    device: "f2a1c7d4-11aa-4b6f-b0c2-9d8e7f6a5b4c",
    channel: "web",
};
/// Inputs of each class, in turn: a single one would be in a nearer cache than many.
const INPUTS: usize = 256;

fn main() -> ExitCode {
    let Ok(count) = std::env::args().nth(1).map_or(Ok(200_000), |count| count.parse()) else {
        eprintln!("usage: constant_time [MEASUREMENTS]");
        return ExitCode::from(2);
    };
    println!("{count} measurements of each; t of all, and the largest t of what is below a percentile");
    let leaky = early_exit(count);
    let mut worst: f64 = 0.0;
    for crypto in [reveille_crypto_ring::PROVIDER, reveille_crypto_rustcrypto::PROVIDER] {
        worst = worst.max(tags(crypto, count));
        worst = worst.max(bindings(crypto, count));
        worst = worst.max(right_or_wrong(crypto, count));
        worst = worst.max(bindings_of_the_revoked(crypto, count));
        // No secret of the key, the tag or the token: how long it takes to find an id in a list. SECURITY.md says to whom
        // that tells something.
        revoked_or_not(crypto, count);
        worst = worst.max(snapshot_tags(crypto, count));
        worst = worst.max(private_keys(crypto, count / 20));
    }
    println!("largest |t| {worst:.1}; of the comparison that leaves early {leaky:.0}");
    if worst < 10.0 && leaky > 10.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn keys(crypto: CryptoProvider) -> KeyRing<CompactKey> {
    let secret = TokenSecret::from_bytes(&[7; 32]).expect("32 bytes");
    KeyRing::new(KeyId(1), CompactKey::new(crypto, &secret).expect("key"))
}

fn token_bytes(crypto: CryptoProvider) -> Vec<u8> {
    let token = Issuer::new(crypto).issue(&keys(crypto), &MINE, NOW).expect("token");
    base64url::decode(&token).expect("base64url")
}

/// What is searched for: `==` on slices stops at the first difference.
fn early_exit(count: usize) -> f64 {
    let right = vec![7_u8; 4_096];
    let wrong_at = |at: usize| {
        let mut bytes = right.clone();
        bytes[at] ^= 1;
        bytes
    };
    let classes = [vec![wrong_at(0); INPUTS], vec![wrong_at(4_095); INPUTS]];
    t_test("(an early exit, for comparison)", count, &classes, |input| *input == black_box(&right)[..])
}

/// A tag that is wrong in its first byte, and one that is wrong in its last.
fn tags(crypto: CryptoProvider, count: usize) -> f64 {
    let (keys, verifier) = (keys(crypto), Verifier::default());
    let wrong_at = |at: usize| -> Vec<String> {
        let flipped = |_| {
            let mut bytes = token_bytes(crypto);
            bytes[at] ^= 1;
            base64url::encode(&bytes)
        };
        (0..INPUTS).map(flipped).collect()
    };
    let classes = [wrong_at(53), wrong_at(68)];
    t_test(&format!("{}: tag, first or last byte wrong", crypto.name), count, &classes, |token| {
        verifier.check(&keys, token, &MINE, NOW)
    })
}

fn issued_for(crypto: CryptoProvider, ids: &Bindings<'_>) -> Vec<String> {
    (0..INPUTS).map(|_| Issuer::new(crypto).issue(&keys(crypto), ids, NOW).expect("token")).collect()
}

/// A token of another contact, and one that differs in nothing but the channel.
fn bindings(crypto: CryptoProvider, count: usize) -> f64 {
    let other = "ffffffff-4f3b-4e0e-9a55-0a3c3a1f9d11";
    let classes = [
        issued_for(crypto, &Bindings { contact: other, ..MINE }),
        issued_for(crypto, &Bindings { channel: "api", ..MINE }),
    ];
    let (keys, verifier) = (keys(crypto), Verifier::default());
    t_test(&format!("{}: first or last binding wrong", crypto.name), count, &classes, |token| {
        verifier.check(&keys, token, &MINE, NOW)
    })
}

fn busy() -> Verifier {
    let mut verifier = Verifier::default();
    for n in 0..1_000 {
        verifier.revocations.revoke(Binding::Device, &format!("device-{n}"), NOW);
    }
    verifier
}

/// Of a token with one wrong binding or four, while others are revoked.
fn right_or_wrong(crypto: CryptoProvider, count: usize) -> f64 {
    let x = "ffffffff-4f3b-4e0e-9a55-0a3c3a1f9d11";
    let classes = [
        issued_for(crypto, &Bindings { contact: x, ..MINE }),
        issued_for(crypto, &Bindings { contact: x, conversation: x, device: x, channel: "api" }),
    ];
    let (keys, verifier) = (keys(crypto), busy());
    t_test(
        &format!("{}: one or four bindings wrong, with revocations", crypto.name),
        count,
        &classes,
        |token| verifier.check(&keys, token, &MINE, NOW),
    )
}

/// Of a user whose tokens are revoked, in the same list and place: the first or the last binding is wrong.
fn bindings_of_the_revoked(crypto: CryptoProvider, count: usize) -> f64 {
    let other = "ffffffff-4f3b-4e0e-9a55-0a3c3a1f9d11";
    let classes = [
        issued_for(crypto, &Bindings { contact: other, ..MINE }),
        issued_for(crypto, &Bindings { channel: "api", ..MINE }),
    ];
    let (keys, mut verifier) = (keys(crypto), busy());
    verifier.revocations.revoke(Binding::Device, MINE.device, NOW);
    t_test(
        &format!("{}: first or last binding wrong, of a revoked user", crypto.name),
        count,
        &classes,
        |token| verifier.check(&keys, token, &MINE, NOW),
    )
}

/// The same wrong token, for a device that is in the list and for one that is not.
fn revoked_or_not(crypto: CryptoProvider, count: usize) -> f64 {
    let tokens = issued_for(crypto, &Bindings { contact: "ffffffff-4f3b-4e0e-9a55-0a3c3a1f9d11", ..MINE });
    let at = |device: &str| -> Vec<[String; 2]> {
        tokens.iter().map(|token| [token.clone(), device.to_owned()]).collect()
    };
    let classes = [at("f2a1c7d4-11aa-4b6f-b0c2-9d8e7f6a5b4c"), at("f2a1c7d4-11aa-4b6f-b0c2-9d8e7f6a5b4d")];
    let (keys, mut verifier) = (keys(crypto), busy());
    verifier.revocations.revoke(Binding::Device, MINE.device, NOW);
    t_test(
        &format!("({}: the device is revoked or not, for information)", crypto.name),
        count,
        &classes,
        |[token, device]| verifier.check(&keys, token, &Bindings { device, ..MINE }, NOW),
    )
}

fn snapshot_tags(crypto: CryptoProvider, count: usize) -> f64 {
    let key = SnapshotKey::new(crypto, &TokenSecret::from_bytes(&[7; 32]).expect("32 bytes")).expect("key");
    let good = ReplaySet::complete(0, ReplayLimits::default()).snapshot(&key, NOW);
    let wrong_at = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        vec![bytes; INPUTS]
    };
    let classes = [wrong_at(good.len() - 16), wrong_at(good.len() - 1)];
    t_test(&format!("{}: snapshot's tag, first or last byte wrong", crypto.name), count, &classes, |bytes| {
        ReplaySet::restore(bytes, &key, ReplayLimits::default(), Continuity::Unbroken, NOW).err()
    })
}

/// A private key of almost nothing but zeros, and random ones.
fn private_keys(crypto: CryptoProvider, count: usize) -> f64 {
    let mut low = [0; 32];
    low[31] = 3;
    let low = EcPrivateKey::from_bytes(&low).expect("32 bytes");
    let random = || crypto.p256.generate().expect("random");
    let random = (0..INPUTS).map(|_| EcPrivateKey::from_bytes(random().expose_scalar()).expect("32 bytes"));
    let random: Vec<EcPrivateKey> = random.collect();
    let classes = [vec![&low; INPUTS], random.iter().collect()];
    t_test(&format!("{}: private key, few bits set or random", crypto.name), count, &classes, |key| {
        crypto.es256.load(key).expect("in range")
    })
}

/// The largest |t| over all cuts: of all times, and of those below a percentile, where interrupts do not count.
///
/// Every input is copied to one and the same place first: where it lies in memory costs time, too, and is no secret.
fn t_test<T: Clone, R>(name: &str, count: usize, classes: &[Vec<T>; 2], mut run: impl FnMut(&T) -> R) -> f64 {
    let mut draws = Jitter::new(1);
    let mut times: [Vec<f64>; 2] = Default::default();
    let mut place = classes[0][0].clone();
    for at in 0..count + count / 10 {
        let class = (draws.next_u64() & 1) as usize;
        let inputs = &classes[class];
        place.clone_from(&inputs[at % inputs.len()]);
        let input = black_box(&place);
        let start = Instant::now();
        let result = run(input);
        let took = start.elapsed();
        drop(black_box(result));
        // The first tenth warms up.
        if at >= count / 10 {
            times[class].push(took.as_nanos() as f64);
        }
    }
    let mut all: Vec<f64> = times.concat();
    all.sort_by(f64::total_cmp);
    let [first, second] = &times;
    let whole = welch(first, second);
    let cut = [0.5, 0.75, 0.9, 0.95, 0.99].map(|part| {
        let limit = all[(all.len() as f64 * part) as usize];
        let below =
            |times: &[f64]| -> Vec<f64> { times.iter().copied().filter(|time| *time <= limit).collect() };
        welch(&below(first), &below(second)).abs()
    });
    let largest = cut.into_iter().fold(0.0, f64::max);
    println!("{name}: t {whole:.1}, cut {largest:.1}, median {:.0} ns", all[all.len() / 2]);
    // Of all times, single interrupts decide: the cut ones are what counts.
    largest
}

fn welch(a: &[f64], b: &[f64]) -> f64 {
    let stats = |times: &[f64]| {
        let len = times.len() as f64;
        let mean = times.iter().sum::<f64>() / len;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (len - 1.0);
        (mean, variance / len)
    };
    let ((mean_a, a), (mean_b, b)) = (stats(a), stats(b));
    if a + b == 0.0 { 0.0 } else { (mean_a - mean_b) / (a + b).sqrt() }
}
