//! Does the time of agreements in lanes depend on secrets? In the manner of dudect (Reparaz, Balasch, Verbauwhede, DATE 2017).
//!
//! `cargo run --release --manifest-path benches/Cargo.toml --bin constant_time [MEASUREMENTS]`
//!
//! Two classes of inputs in random order, one batch of eight each; Welch's t-test over the times, over all and over what is
//! left when the slowest are cut off. |t| above 4.5 means that the classes differ. A control that must be found (keys
//! that have to be drawn again) shows what the method sees.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use reveille_crypto::p256::EphemeralAgreement;
use reveille_crypto::{CryptoError, CryptoProvider, P256PublicKey, SecureRandom};
use reveille_crypto_lanes::Lanes;

const RING: CryptoProvider = reveille_crypto_ring::PROVIDER;
static LANES: Lanes = Lanes::over(CryptoProvider { random: &KEYS, ..RING });
static KEYS: Keys = Keys(Mutex::new([[0; 32]; 8]));

/// What shares are measured: all, then without the slowest.
const SHARES: [f64; 5] = [1.0, 0.99, 0.9, 0.75, 0.5];
const LIMIT: f64 = 4.5;

/// The private keys of the next batch. A further draw gives a key that is in range.
#[derive(Debug)]
struct Keys(Mutex<[[u8; 32]; 8]>);

impl SecureRandom for Keys {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoError> {
        let keys = self.0.lock().map_err(|_| CryptoError)?;
        match out.len() {
            256 => out.copy_from_slice(keys.as_flattened()),
            _ => out.fill(0x11),
        }
        Ok(())
    }
}

/// What one batch gets.
struct Input {
    keys: [[u8; 32]; 8],
    peers: [P256PublicKey; 8],
}

fn random_key() -> [u8; 32] {
    *RING.p256.generate().expect("key").expose_scalar()
}

fn random_peer() -> P256PublicKey {
    *RING.p256.generate().expect("key").public_key().expect("a generated key has it")
}

fn order_minus(less: u8) -> [u8; 32] {
    let mut n = [0xff; 32];
    n[4..8].fill(0);
    n[16..].copy_from_slice(&[
        0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ]);
    n[31] -= less;
    n
}

fn small(value: u8) -> [u8; 32] {
    let mut key = [0; 32];
    key[31] = value;
    key
}

fn main() -> ExitCode {
    let Ok(measurements) = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse()) else {
        eprintln!("usage: constant_time [MEASUREMENTS]");
        return ExitCode::from(2);
    };
    if !LANES.has_vectors() {
        println!("SKIPPED: this processor has no AVX-512 IFMA");
        return ExitCode::SUCCESS;
    }
    let peers: [P256PublicKey; 8] = std::array::from_fn(|_| random_peer());
    let pool: Vec<P256PublicKey> = (0..4_096).map(|_| random_peer()).collect();
    let random_keys = move || Input { keys: std::array::from_fn(|_| random_key()), peers };
    let fixed = |key: [u8; 32]| move || Input { keys: [key; 8], peers };
    let key = random_key();
    let mut at = 0;
    let random_peers = || {
        at += 8;
        Input { keys: [key; 8], peers: std::array::from_fn(|lane| pool[(at + lane) % pool.len()]) }
    };
    println!(
        "{measurements} batches of eight per row; t over all, and over the fastest 99, 90, 75 and 50 %\n"
    );
    let found = [
        race("key 1 against random keys", measurements, fixed(small(1)), random_keys),
        race("key 2 against random keys", measurements, fixed(small(2)), random_keys),
        race("key n - 1 against random keys", measurements, fixed(order_minus(1)), random_keys),
        race("one random key against random keys", measurements, fixed(key), random_keys),
        race("random keys against random keys", measurements, random_keys, random_keys),
        race("fixed peers against random peers, one key", measurements, fixed(key), random_peers),
    ];
    let control = race("control: all eight keys drawn again", measurements, fixed([0xff; 32]), fixed(key));
    if found.contains(&true) {
        println!("a difference was found");
        return ExitCode::FAILURE;
    }
    if !control {
        println!("the control was not found: the measurement says nothing");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Whether the two classes differ.
fn race(
    name: &str,
    measurements: usize,
    mut first: impl FnMut() -> Input,
    mut second: impl FnMut() -> Input,
) -> bool {
    const BLOCK: usize = 1_024;
    let mut times: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    let mut out: Vec<EphemeralAgreement> = Vec::with_capacity(8);
    while times[0].len() + times[1].len() < measurements {
        // All inputs of a block are made first, so that making them is far from measuring.
        let mut order = [0; BLOCK];
        RING.random.fill(&mut order).expect("random bytes");
        let inputs: Vec<Input> =
            order.iter().map(|class| if class & 1 == 0 { first() } else { second() }).collect();
        for (class, input) in order.iter().zip(&inputs) {
            *KEYS.0.lock().expect("nobody panics with it") = input.keys;
            let peers = input.peers;
            let peers = peers.each_ref();
            out.clear();
            let start = Instant::now();
            let agreed = LANES.provider().p256.agree_ephemeral_many(black_box(&peers), &mut out);
            let time = start.elapsed().as_nanos() as f64;
            agreed.expect("agreements");
            black_box(&out);
            times[usize::from(class & 1)].push(time);
        }
    }
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let t = SHARES.map(|share| {
        let limit = all[((all.len() - 1) as f64 * share) as usize];
        let kept = times
            .each_ref()
            .map(|times| times.iter().copied().filter(|time| *time <= limit).collect::<Vec<_>>());
        welch(&kept[0], &kept[1])
    });
    let worst = t.iter().fold(0.0, |worst: f64, t| worst.max(t.abs()));
    let verdict = if worst > LIMIT { "DIFFER" } else { "no difference" };
    let t = t.map(|t| format!("{t:6.2}")).join(" ");
    println!("{name:<44} median {:>7.0} ns  t {t}  {verdict}", all[all.len() / 2]);
    worst > LIMIT
}

/// Welch's t.
fn welch(a: &[f64], b: &[f64]) -> f64 {
    let moments = |times: &[f64]| {
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    };
    let ((mean_a, error_a), (mean_b, error_b)) = (moments(a), moments(b));
    (mean_a - mean_b) / (error_a + error_b).sqrt()
}
