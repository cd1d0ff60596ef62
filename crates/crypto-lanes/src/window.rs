use core::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_cmpeq_epi64_mask, _mm512_cmplt_epi64_mask, _mm512_mask_sub_epi64,
    _mm512_or_si512, _mm512_set1_epi64, _mm512_slli_epi64, _mm512_srli_epi64,
};

use crate::field::{Factor, Fe, ONE, Stored, Sum, mul, square};
use crate::point::{Affine, Jacobian};
use crate::boundary::{Words, load};

pub(crate) const ENTRIES: usize = 16;

#[derive(Clone, Copy, Debug, Default, zeroize::Zeroize)]
pub(crate) struct StoredPoint {
    pub(crate) x: Stored,
    pub(crate) y: Stored,
    /// Z of this one = Z of the one before times this.
    pub(crate) ratio: Stored,
}

/// Odd multiples
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn odd_multiples(p: &Affine, table: &mut [StoredPoint; ENTRIES]) -> Stored {
    // DBLU
    let (x, y) = (p.x.factor(), p.y.factor());
    let xx: Sum<18> = square(&x);
    let yy: Sum<18> = square(&y);
    let one: Sum<16> = Fe::<16>::splat(ONE).sum();
    // M = 3(x² − 1)
    let m: Sum<34> = xx.minus(one);
    let m: Sum<102> = m.times::<3, 102>();
    let m = m.settle().factor();
    let yy4 = yy.times::<4, 72>().factor();
    let s: Sum<22> = mul(&x, &yy4);
    let l8: Sum<27> = mul(&yy4, &yy.times::<2, 36>().factor());
    let x3: Sum<18> = square(&m);
    let x3: Sum<66> = x3.minus(s.times::<2, 44>());
    let x3 = x3.settle().fe();
    let f: Sum<54> = s.minus(x3.sum());
    let y3: Sum<20> = mul(&m, &f.factor());
    let y3: Sum<52> = y3.minus(l8);
    let (mut tx, mut ty): (Fe<22>, Fe<22>) = (x3.widen(), y3.settle().fe().widen());
    let (mut qx, mut qy): (Fe<27>, Fe<27>) = (s.fe().widen(), l8.fe());
    let mut ratio: Fe<64> = p.y.sum().times::<2, 64>().fe();
    let mut z: Factor<64> = ratio.factor();
    let mut first = true;
    for entry in table {
        if !first {
            let h: Sum<54> = tx.sum().minus(qx.sum());
            let h = h.fe();
            let c: Sum<28> = square(&h.factor());
            let c = c.factor();
            let w1: Sum<19> = mul(&tx.factor(), &c);
            let w2: Sum<19> = mul(&qx.factor(), &c);
            let r: Sum<54> = ty.sum().minus(qy.sum());
            let r = r.factor();
            let w: Sum<51> = w1.minus(w2);
            let a1: Sum<22> = mul(&ty.factor(), &w.factor());
            let x3: Sum<28> = square(&r);
            let x3: Sum<92> = x3.minus(w1.plus::<19, 38>(w2));
            let x3 = x3.settle().fe();
            let f: Sum<51> = w1.minus(x3.sum());
            let y3: Sum<27> = mul(&r, &f.factor());
            let y3: Sum<59> = y3.minus(a1);
            (qx, qy) = (x3.widen(), y3.settle().fe().widen());
            (tx, ty) = (w1.fe().widen(), a1.fe());
            let next: Sum<64> = mul(&z, &h.factor());
            z = next.factor();
            ratio = h.widen();
        }
        first = false;
        *entry = StoredPoint { x: qx.store(), y: qy.store(), ratio: ratio.store() };
    }
    let z: Sum<21> = mul(&z, &Fe::<16>::splat(ONE).factor());
    z.settle().fe().store()
}

/// affine
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn normalise(table: &mut [StoredPoint; ENTRIES], inverse: &Stored) {
    let mut inverse: Factor<22> = inverse.load().factor();
    for entry in table.iter_mut().rev() {
        let zz: Sum<18> = square(&inverse);
        let zz = zz.factor();
        let zzz: Sum<18> = mul(&zz, &inverse);
        let x: Sum<18> = mul(&entry.x.load::<27>().factor(), &zz);
        let y: Sum<18> = mul(&entry.y.load::<27>().factor(), &zzz.factor());
        let next: Sum<22> = mul(&inverse, &entry.ratio.load::<64>().factor());
        inverse = next.factor();
        (entry.x, entry.y) = (x.fe().store(), y.fe().store());
    }
}

/// The bits of eight scalars, from the top.
pub(crate) struct Bits([__m512i; 4]);

impl Bits {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn new(scalars: &[Words; 4]) -> Self {
        let [s0, s1, s2, s3] = scalars;
        Self([load(s0), load(s1), load(s2), load(s3)])
    }

    /// takes the top N bits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn take<const N: u32, const REST: u32>(&mut self) -> __m512i {
        const { assert!(N + REST == 64) };
        let [s0, s1, s2, s3] = self.0;
        let join = |high, low| _mm512_or_si512(_mm512_slli_epi64::<N>(high), _mm512_srli_epi64::<REST>(low));
        self.0 = [_mm512_slli_epi64::<N>(s0), join(s1, s0), join(s2, s1), join(s3, s2)];
        _mm512_srli_epi64::<REST>(s3)
    }
}

/// k·P up to sign.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn multiply(table: &[StoredPoint; ENTRIES], scalars: &[Words; 4]) -> Jacobian {
    let mut bits = Bits::new(scalars);
    let [first, ..] = table;
    let mut q = Jacobian { x: first.x.load::<18>().sum().settle().fe(), y: first.y.load::<40>().factor(), z: Fe::<48>::splat(ONE).factor() };
    for _ in 0..51 {
        for _ in 0..5 {
            q = q.minus_double();
        }
        let digit = bits.take::<5, 59>();
        let sixteen = _mm512_set1_epi64(16);
        let negative = _mm512_cmplt_epi64_mask(digit, sixteen);
        // u − 16 or 15 − u
        let at = _mm512_and_si512(digit, _mm512_set1_epi64(15));
        let at = _mm512_mask_sub_epi64(at, negative, _mm512_set1_epi64(15), digit);
        let (mut x, mut y): (Fe<18>, Fe<18>) = (first.x.load(), first.y.load());
        for (entry, number) in table.iter().zip(0..).skip(1) {
            let here = _mm512_cmpeq_epi64_mask(at, _mm512_set1_epi64(number));
            x = x.select(here, entry.x.load());
            y = y.select(here, entry.y.load());
        }
        // −d·P
        q = q.minus_add(&x.factor(), &y.negate_where(!negative));
    }
    q
}
