//! The public key of a private one.
//!
//! ring checks that the two halves of a key belong together and has no way to ask for the second one. So it is computed
//! here, in constant time, and then ring, which computes it again, accepts it or not: a fault here refuses a good key and
//! can do no more. The alternative is a second implementation of P-256 in every build, 17 crates.

use reveille_crypto::P256PublicKey;
use subtle::Choice;

use crate::field::Element;

const B: [u64; 4] =
    [0x3bce_3c3e_27d2_604b, 0x651d_06b0_cc53_b0f6, 0xb3eb_bd55_7698_86bc, 0x5ac6_35d8_aa3a_93e7];
const G_X: [u64; 4] =
    [0xf4a1_3945_d898_c296, 0x7703_7d81_2deb_33a0, 0xf8bc_e6e5_63a4_40f2, 0x6b17_d1f2_e12c_4247];
const G_Y: [u64; 4] =
    [0xcbb6_4068_37bf_51f5, 0x2bce_3357_6b31_5ece, 0x8ee7_eb4a_7c0f_9e16, 0x4fe3_42e2_fe1a_7f9b];

/// scalar·G; `None` for a scalar that gives the identity. Whether it is below the group order, ring says.
pub(crate) fn derive(scalar: &[u8; 32]) -> Option<P256PublicKey> {
    let b = Element::new(B);
    let one = Element::new([1, 0, 0, 0]);
    let generator = Point { x: Element::new(G_X), y: Element::new(G_Y), z: one };
    let mut sum = Point { x: Element::ZERO, y: one, z: Element::ZERO };
    for byte in scalar {
        for bit in (0..8).rev() {
            sum = sum.add(&sum, b);
            let with = sum.add(&generator, b);
            sum = Point::select(&sum, &with, Choice::from(byte >> bit & 1));
        }
    }
    let inverse = sum.z.invert();
    let mut bytes = [4; 65];
    let (_, coordinates) = bytes.split_first_mut()?;
    let (x, y) = coordinates.split_at_mut_checked(32)?;
    x.copy_from_slice(&sum.x.mul(inverse).to_be_bytes());
    y.copy_from_slice(&sum.y.mul(inverse).to_be_bytes());
    P256PublicKey::from_bytes(&bytes).ok()
}

/// Projective coordinates.
#[derive(Clone, Copy)]
struct Point {
    x: Element,
    y: Element,
    z: Element,
}

impl Point {
    /// Complete addition: the same steps for all points, doubling and the identity included (Renes, Costello, Batina,
    /// "Complete addition formulas for prime order elliptic curves", 2015, algorithm 4).
    fn add(&self, other: &Self, b: Element) -> Self {
        let (p, q) = (self, other);
        let t0 = p.x.mul(q.x);
        let t1 = p.y.mul(q.y);
        let t2 = p.z.mul(q.z);
        let t3 = p.x.add(p.y).mul(q.x.add(q.y)).sub(t0.add(t1));
        let t4 = p.y.add(p.z).mul(q.y.add(q.z)).sub(t1.add(t2));
        let y3 = p.x.add(p.z).mul(q.x.add(q.z)).sub(t0.add(t2));
        let x3 = y3.sub(b.mul(t2));
        let x3 = x3.add(x3).add(x3);
        let z3 = t1.sub(x3);
        let x3 = t1.add(x3);
        let t2 = t2.add(t2).add(t2);
        let y3 = b.mul(y3).sub(t2).sub(t0);
        let y3 = y3.add(y3).add(y3);
        let t0 = t0.add(t0).add(t0).sub(t2);
        Self { x: t3.mul(x3).sub(t4.mul(y3)), y: x3.mul(z3).add(t0.mul(y3)), z: t4.mul(z3).add(t3.mul(t0)) }
    }

    fn select(a: &Self, b: &Self, choice: Choice) -> Self {
        let of = |f: fn(&Self) -> Element| Element::select(f(a), f(b), choice);
        Self { x: of(|point| point.x), y: of(|point| point.y), z: of(|point| point.z) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PROVIDER;
    use reveille_crypto::{EcPrivateKey, KeyError};

    /// The group order (SP 800-186 §3.2.1.3).
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
        0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];

    #[test]
    fn ring_agrees_with_every_key_it_makes() {
        for _ in 0..64 {
            let key = PROVIDER.p256.generate().unwrap();
            assert_eq!(derive(key.expose_scalar()).as_ref(), key.public_key());
        }
    }

    #[test]
    fn the_first_and_the_last_scalars() {
        let small = |n: u8| {
            let mut scalar = [0; 32];
            scalar[31] = n;
            scalar
        };
        let mut last = ORDER;
        last[31] -= 1;
        let one = derive(&small(1)).unwrap();
        let minus_one = derive(&last).unwrap();
        assert_eq!(one.x(), minus_one.x());
        assert_ne!(one.y(), minus_one.y());
        for scalar in [small(1), small(2), small(3), small(255), last] {
            let private = EcPrivateKey::from_bytes(&scalar).unwrap();
            let loaded = PROVIDER.es256.load(&private).unwrap();
            assert_eq!(loaded.public_key(), &derive(&scalar).unwrap());
        }
        for scalar in [[0; 32], ORDER, [0xff; 32]] {
            let private = EcPrivateKey::from_bytes(&scalar).unwrap();
            assert!(matches!(PROVIDER.es256.load(&private), Err(KeyError::Rejected { .. })));
        }
    }
}
