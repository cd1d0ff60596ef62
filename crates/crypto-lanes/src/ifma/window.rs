//! Products with peers' points: a table of odd multiples for each lane, and five doublings per addition.

use core::arch::x86_64::{_mm512_cmpeq_epi64_mask, _mm512_set1_epi64};

use zeroize::Zeroize;

use super::boundary::Words;
use super::digits::{Bits, Digit};
use super::field::{Element, Factor, ONE, Stored, Sum, mul, square};
use super::point::{Affine, Jacobian};

/// P, 3P, 5P … 31P of eight peers.
pub(super) type Table = [Entry; 16];

/// First in Jacobian coordinates, then affine.
#[derive(Clone, Copy, Debug, Default, Zeroize)]
pub(super) struct Entry {
    x: Stored,
    y: Stored,
    /// Z of this entry = Z of the entry before · this.
    ratio: Stored,
}

/// Fills the table and returns the last entry's Z, which is not 0.
///
/// By co-Z arithmetic: two points that have the same Z are added without it, and one of them is brought to the sum's Z
/// at no cost (Meloni, WAIFI 2007). "DBLU" and "ZADDU" of Goundar, Joye, Miyaji, Rivain and Venelli (J. Cryptographic
/// Engineering 1 (2011), 161–176):
///
/// ```text
/// T = 2P, Q = P with Z = 2y:
///     M = 3(x² − 1)   S = 4·x·y²   L = 8·y⁴
///     T = (M² − 2S, M·(S − X_T) − L)   Q = (S, L)
/// 15 times Q = Q + T, with Z = Z·(X_T − X_Q):
///     C = (X_T − X_Q)²   W₁ = X_T·C   W₂ = X_Q·C   A = Y_T·(W₁ − W₂)
///     X = (Y_T − Y_Q)² − W₁ − W₂   Y = (Y_T − Y_Q)·(W₁ − X) − A
///     Q = (X, Y)   T = (W₁, A)
/// ```
///
/// An addition would be exceptional for (2i + 1)·P = ±2P, a multiple of at most 33 that is the identity: n is a prime far
/// above, and P is not the identity. 2y is not 0, as no point has order two.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn odd_multiples(peer: &Affine, table: &mut Table) -> Stored {
    let (x, y) = (peer.x.factor(), peer.y.factor());
    let xx: Sum<18> = square(&x);
    let yy: Sum<18> = square(&y);
    let m: Sum<34> = xx.minus(Element::<16>::splat(ONE).sum());
    let m = m.times::<3, 102>().settle().factor();
    let (yy2, yy4) = (yy.times::<2, 36>().factor(), yy.times::<4, 72>().factor());
    let s: Sum<22> = mul(&x, &yy4);
    let l: Sum<27> = mul(&yy2, &yy4);
    let mm: Sum<18> = square(&m);
    let tx: Sum<66> = mm.minus(s.times::<2, 44>());
    let tx = tx.settle().element();
    let difference: Sum<54> = s.minus(tx.sum());
    let ty: Sum<20> = mul(&m, &difference.factor());
    let ty: Sum<52> = ty.minus(l);
    let (mut tx, mut ty): (Element<22>, Element<22>) = (tx.widen(), ty.settle().element().widen());
    let (mut qx, mut qy): (Element<27>, Element<27>) = (s.element().widen(), l.element());
    let two_y = y.element().sum().times::<2, 64>().element();
    let mut z: Factor<64> = two_y.factor();

    let [first, others @ ..] = table;
    *first = Entry { x: qx.store(), y: qy.store(), ratio: two_y.store() };
    for entry in others {
        let h: Sum<54> = tx.sum().minus(qx.sum());
        let h = h.element();
        let r: Sum<54> = ty.sum().minus(qy.sum());
        let r = r.factor();
        let c: Sum<28> = square(&h.factor());
        let c = c.factor();
        let w1: Sum<19> = mul(&tx.factor(), &c);
        let w2: Sum<19> = mul(&qx.factor(), &c);
        let w: Sum<51> = w1.minus(w2);
        let a: Sum<22> = mul(&ty.factor(), &w.factor());
        let rr: Sum<28> = square(&r);
        let x: Sum<76> = rr.minus(w1.plus::<19, 38>(w2));
        let x = x.settle().element();
        let difference: Sum<51> = w1.minus(x.sum());
        let y: Sum<27> = mul(&r, &difference.factor());
        let y: Sum<59> = y.minus(a);
        (qx, qy) = (x.widen(), y.settle().element().widen());
        (tx, ty) = (w1.element().widen(), a.element());
        let next: Sum<30> = mul(&z, &h.factor());
        z = next.factor().widen();
        *entry = Entry { x: qx.store(), y: qy.store(), ratio: h.widen::<64>().store() };
    }
    let one = Element::<16>::splat(ONE).factor();
    let z: Sum<20> = mul(&z, &one);
    z.settle().element().store()
}

/// Makes the entries affine, given 1/Z of the last one.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn normalise(table: &mut Table, inverse: Factor<18>) {
    let mut inverse: Factor<22> = inverse.widen();
    for entry in table.iter_mut().rev() {
        let squared: Sum<18> = square(&inverse);
        let squared = squared.factor();
        let cubed: Sum<18> = mul(&squared, &inverse);
        let x: Sum<18> = mul(&entry.x.load::<27>().factor(), &squared);
        let y: Sum<18> = mul(&entry.y.load::<27>().factor(), &cubed.factor());
        (entry.x, entry.y) = (x.element().store(), y.element().store());
        let next: Sum<22> = mul(&inverse, &entry.ratio.load::<64>().factor());
        inverse = next.factor();
    }
}

/// k·P for odd k in [1, n − 1] and a table that is affine. That no addition is exceptional: [`digits`](super::digits).
///
/// ```text
/// Q = P                           the top digit is 1
/// for i = 50 down to 0:
///     Q = −32·Q                   five doublings, each of which negates
///     Q = −(Q − dᵢ·P)             = 32·Q + dᵢ·P for the Q of before
/// return Q
/// ```
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn multiply(table: &Table, scalars: &[Words; 4]) -> Jacobian {
    let mut bits = Bits::new(scalars);
    let [first, ..] = table;
    let mut product = Jacobian::from_affine(&first.affine());
    for _ in 0..51 {
        for _ in 0..5 {
            product = product.minus_double();
        }
        let digit = Digit::of_five(&mut bits);
        let Affine { x, y } = entry(table, digit);
        product = product.minus_add(&x.factor(), &y.negated(!digit.negative));
    }
    product
}

/// |d|·P. All of the table is read, whatever the digits are.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn entry(table: &Table, digit: Digit) -> Affine {
    let [first, others @ ..] = table;
    let Affine { mut x, mut y } = first.affine();
    for (entry, number) in others.iter().zip(1..) {
        let here = _mm512_cmpeq_epi64_mask(digit.entry, _mm512_set1_epi64(number));
        let other = entry.affine();
        (x, y) = (x.replaced(here, other.x), y.replaced(here, other.y));
    }
    Affine { x, y }
}

impl Entry {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn affine(&self) -> Affine {
        Affine { x: self.x.load(), y: self.y.load() }
    }
}
