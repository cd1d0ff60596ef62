//! The program that makes the table.
//!
//! For each window j from 0 to 36, the 64 odd multiples (2i + 1)·2^(7j)·G, in affine form, each coordinate c as c·2²⁶⁰ mod p
//! in five limbs of 52 bits. The order is that of a look-up: window, then limb (five of x, five of y), then the 64 multiples;
//! eight bytes per limb, least significant first.

use num_bigint::BigUint;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use p256::{AffinePoint, ProjectivePoint};

const WINDOWS: usize = 37;
const ENTRIES: usize = 64;

pub(crate) fn table() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(WINDOWS * ENTRIES * 80);
    let mut base = ProjectivePoint::GENERATOR;
    for _window in 0..WINDOWS {
        let (mut multiple, twice) = (base, base + base);
        let mut entries = Vec::with_capacity(ENTRIES);
        for _entry in 0..ENTRIES {
            entries.push(limbs(&multiple.to_affine()));
            multiple += twice;
        }
        for limb in 0..10 {
            for entry in &entries {
                bytes.extend(entry[limb].to_le_bytes());
            }
        }
        for _bit in 0..7 {
            base += base;
        }
    }
    bytes
}

fn limbs(point: &AffinePoint) -> Vec<u64> {
    let p = (BigUint::from(1_u8) << 256) - (BigUint::from(1_u8) << 224)
        + (BigUint::from(1_u8) << 192)
        + (BigUint::from(1_u8) << 96)
        - 1_u8;
    let encoded = point.to_sec1_point(false);
    let coordinates = encoded.as_bytes()[1..].chunks(32);
    coordinates
        .flat_map(|coordinate| {
            let montgomery = (BigUint::from_bytes_be(coordinate) << 260) % &p;
            (0..5_u32).map(move |limb| {
                let digit: BigUint = (&montgomery >> (52 * limb)) % (BigUint::from(1_u8) << 52);
                digit.to_u64_digits().first().copied().unwrap_or_default()
            })
        })
        .collect()
}
