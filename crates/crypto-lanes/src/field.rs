use crate::boundary::{Words, load, store};
use core::arch::x86_64::{
    __m512i, __mmask8, _mm512_add_epi64, _mm512_and_si512, _mm512_cmplt_epi64_mask, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_mask_mov_epi64, _mm512_mask_sub_epi64, _mm512_or_si512, _mm512_set1_epi64,
    _mm512_setzero_si512, _mm512_slli_epi64, _mm512_srai_epi64, _mm512_sub_epi64, _mm512_testn_epi64_mask,
};

pub(crate) type Limbs = [__m512i; 5];

const MASK: i64 = (1 << 52) - 1;
pub(crate) const P: [i64; 5] = [0xf_ffff_ffff_ffff, 0x0_0fff_ffff_ffff, 0, 0x10_0000_0000, 0xffff_ffff_0000];

#[derive(Clone, Copy)]
pub(crate) struct Sum<const B: u32>(pub(crate) Limbs);
#[derive(Clone, Copy)]
pub(crate) struct Fe<const B: u32>(pub(crate) Limbs);
#[derive(Clone, Copy)]
pub(crate) struct Factor<const B: u32>(pub(crate) Limbs);

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn product(a: &Limbs, b: &Limbs, c: &[__m512i; 10]) -> [__m512i; 10] {
    let lo = |c, x, y| _mm512_madd52lo_epu64(c, x, y);
    let hi = |c, x, y| _mm512_madd52hi_epu64(c, x, y);
    let [a0, a1, a2, a3, a4] = *a;
    let [b0, b1, b2, b3, b4] = *b;
    let [mut c0, mut c1, mut c2, mut c3, mut c4, mut c5, mut c6, mut c7, mut c8, mut c9] = *c;
    macro_rules! row {
        ($a:ident, $c0:ident $c1:ident $c2:ident $c3:ident $c4:ident $c5:ident) => {
            $c0 = lo($c0, $a, b0);
            $c1 = lo($c1, $a, b1);
            $c2 = lo($c2, $a, b2);
            $c3 = lo($c3, $a, b3);
            $c4 = lo($c4, $a, b4);
            $c1 = hi($c1, $a, b0);
            $c2 = hi($c2, $a, b1);
            $c3 = hi($c3, $a, b2);
            $c4 = hi($c4, $a, b3);
            $c5 = hi($c5, $a, b4);
        };
    }
    row!(a0, c0 c1 c2 c3 c4 c5);
    row!(a1, c1 c2 c3 c4 c5 c6);
    row!(a2, c2 c3 c4 c5 c6 c7);
    row!(a3, c3 c4 c5 c6 c7 c8);
    row!(a4, c4 c5 c6 c7 c8 c9);
    [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9]
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn square_columns(a: &Limbs) -> [__m512i; 10] {
    let z = _mm512_setzero_si512();
    let lo = |c, x, y| _mm512_madd52lo_epu64(c, x, y);
    let hi = |c, x, y| _mm512_madd52hi_epu64(c, x, y);
    let two = |x| _mm512_add_epi64(x, x);
    let [a0, a1, a2, a3, a4] = *a;
    let c1 = lo(z, a0, a1);
    let c2 = hi(lo(z, a0, a2), a0, a1);
    let c3 = hi(lo(lo(z, a0, a3), a1, a2), a0, a2);
    let c4 = hi(hi(lo(lo(z, a0, a4), a1, a3), a0, a3), a1, a2);
    let c5 = hi(hi(lo(lo(z, a1, a4), a2, a3), a0, a4), a1, a3);
    let c6 = hi(hi(lo(z, a2, a4), a1, a4), a2, a3);
    let c7 = hi(lo(z, a3, a4), a2, a4);
    let c8 = hi(z, a3, a4);
    [
        lo(z, a0, a0),
        hi(two(c1), a0, a0),
        lo(two(c2), a1, a1),
        hi(two(c3), a1, a1),
        lo(two(c4), a2, a2),
        hi(two(c5), a2, a2),
        lo(two(c6), a3, a3),
        hi(two(c7), a3, a3),
        lo(two(c8), a4, a4),
        hi(z, a4, a4),
    ]
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn reduce(c: &[__m512i; 10]) -> Limbs {
    let lo = |c, x, y| _mm512_madd52lo_epu64(c, x, y);
    let hi = |c, x, y| _mm512_madd52hi_epu64(c, x, y);
    let [c0, mut c1, mut c2, mut c3, mut c4, mut c5, mut c6, mut c7, mut c8, mut c9] = *c;
    let p1 = _mm512_set1_epi64(1 << 44);
    let p3 = _mm512_set1_epi64(1 << 36);
    let p4 = _mm512_set1_epi64(P[4]);
    macro_rules! round {
        ($c0:ident $c1:ident $c2:ident $c3:ident $c4:ident $c5:ident) => {
            $c1 = lo($c1, $c0, p1);
            $c2 = hi($c2, $c0, p1);
            $c3 = lo($c3, $c0, p3);
            $c4 = hi($c4, $c0, p3);
            $c4 = lo($c4, $c0, p4);
            $c5 = hi($c5, $c0, p4);
            $c1 = _mm512_add_epi64($c1, _mm512_srai_epi64::<52>($c0));
        };
    }
    round!(c0 c1 c2 c3 c4 c5);
    round!(c1 c2 c3 c4 c5 c6);
    round!(c2 c3 c4 c5 c6 c7);
    round!(c3 c4 c5 c6 c7 c8);
    round!(c4 c5 c6 c7 c8 c9);
    [c5, c6, c7, c8, c9]
}

impl<const B: u32> Sum<B> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn factor(self) -> Factor<B> {
        const { assert!(B <= 256) };
        let [c0, c1, c2, c3, c4] = self.0;
        let carry = |low, high| _mm512_add_epi64(high, _mm512_srai_epi64::<52>(low));
        let c1 = carry(c0, c1);
        let c2 = carry(c1, c2);
        let c3 = carry(c2, c3);
        let c4 = carry(c3, c4);
        Factor([c0, c1, c2, c3, c4])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn fe(self) -> Fe<B> {
        let mask = _mm512_set1_epi64(MASK);
        Fe(self.factor().0.map(|c| _mm512_and_si512(c, mask)))
    }


    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn times<const N: u32, const C: u32>(self) -> Sum<C> {
        const { assert!(B * N <= C && N >= 2 && N <= 4) };
        Sum(self.0.map(|x| match N {
            2 => _mm512_add_epi64(x, x),
            3 => _mm512_add_epi64(_mm512_add_epi64(x, x), x),
            _ => _mm512_slli_epi64::<2>(x),
        }))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn plus<const D: u32, const C: u32>(self, other: Sum<D>) -> Sum<C> {
        const { assert!(B + D <= C) };
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        let add = |x, y| _mm512_add_epi64(x, y);
        Sum([add(a0, b0), add(a1, b1), add(a2, b2), add(a3, b3), add(a4, b4)])
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn minus<const D: u32, const C: u32>(self, other: Sum<D>) -> Sum<C> {
        const { assert!(B + 16 * D.div_ceil(16) <= C) };
        let k = i64::from(D.div_ceil(16));
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        let off = |a, i: usize| _mm512_add_epi64(a, _mm512_set1_epi64(k * P[i]));
        let sub = |x, y| _mm512_sub_epi64(x, y);
        Sum([sub(off(a0, 0), b0), sub(off(a1, 1), b1), sub(a2, b2), sub(off(a3, 3), b3), sub(off(a4, 4), b4)])
    }

    /// Takes away multiples of p
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn settle(self) -> Sum<17> {
        let [c0, c1, c2, c3, c4] = self.0;
        let top = _mm512_sub_epi64(c4, _mm512_set1_epi64(1 << 16));
        let q = _mm512_srai_epi64::<48>(top);
        let add = |x, y| _mm512_add_epi64(x, y);
        let sub = |x, y| _mm512_sub_epi64(x, y);
        Sum([
            add(c0, q),
            sub(c1, _mm512_slli_epi64::<44>(q)),
            c2,
            sub(c3, _mm512_slli_epi64::<36>(q)),
            sub(c4, sub(_mm512_slli_epi64::<48>(q), _mm512_slli_epi64::<16>(q))),
        ])
    }
}

impl<const B: u32> Fe<B> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn widen<const C: u32>(self) -> Fe<C> {
        const { assert!(B <= C) };
        Fe(self.0)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn sum(self) -> Sum<B> {
        Sum(self.0)
    }
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn factor(self) -> Factor<B> {
        Factor(self.0)
    }
}

impl<const B: u32> Factor<B> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn widen<const C: u32>(self) -> Factor<C> {
        const { assert!(B <= C) };
        Factor(self.0)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn masked(self) -> Fe<B> {
        let mask = _mm512_set1_epi64(MASK);
        Fe(self.0.map(|c| _mm512_and_si512(c, mask)))
    }
}

/// a·b + c·d
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn mul_add<const A: u32, const B: u32, const C: u32, const D: u32, const E: u32>(
    a: &Factor<A>,
    b: &Factor<B>,
    c: &Factor<C>,
    d: &Factor<D>,
) -> Sum<E> {
    const { assert!((A * B + C * D).div_ceil(256) + 16 <= E) };
    let sum = product(&a.0, &b.0, &[_mm512_setzero_si512(); 10]);
    Sum(reduce(&product(&c.0, &d.0, &sum)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn mul<const A: u32, const B: u32, const C: u32>(a: &Factor<A>, b: &Factor<B>) -> Sum<C> {
    const { assert!((A * B).div_ceil(256) + 16 <= C) };
    Sum(reduce(&product(&a.0, &b.0, &[_mm512_setzero_si512(); 10])))
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn square<const A: u32, const C: u32>(a: &Factor<A>) -> Sum<C> {
    const { assert!((A * A).div_ceil(256) + 16 <= C) };
    Sum(reduce(&square_columns(&a.0)))
}


/// A field element of eight lanes in memory.
#[derive(Clone, Copy, Debug, Default, zeroize::Zeroize)]
#[repr(C, align(64))]
pub(crate) struct Stored(pub(crate) [Words; 5]);

impl Stored {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn load<const B: u32>(&self) -> Fe<B> {
        let [w0, w1, w2, w3, w4] = &self.0;
        Fe([load(w0), load(w1), load(w2), load(w3), load(w4)])
    }
}

impl<const B: u32> Fe<B> {
    /// The same in all lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn splat(limbs: [i64; 5]) -> Self {
        Self(limbs.map(|limb| _mm512_set1_epi64(limb)))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn store(self) -> Stored {
        Stored(self.0.map(|limb| store(limb)))
    }

    /// −a in the lanes of the mask
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn negate_where<const C: u32>(self, lanes: __mmask8) -> Factor<C> {
        const { assert!(B.div_ceil(16) * 16 <= C) };
        let k = i64::from(B.div_ceil(16));
        let [a0, a1, a2, a3, a4] = self.0;
        let negate = |a, p| _mm512_mask_sub_epi64(a, lanes, _mm512_set1_epi64(k * p), a);
        let [p0, p1, p2, p3, p4] = P;
        Sum::<C>([negate(a0, p0), negate(a1, p1), negate(a2, p2), negate(a3, p3), negate(a4, p4)]).factor()
    }

    /// Which lanes hold a number below p?
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn below_p(self) -> __mmask8 {
        let [.., top] = self.less_p().0;
        _mm512_cmplt_epi64_mask(top, _mm512_setzero_si512())
    }

    /// a − p, carried
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn less_p(self) -> Factor<B> {
        let [a0, a1, a2, a3, a4] = self.0;
        let sub = |a, p| _mm512_sub_epi64(a, _mm512_set1_epi64(p));
        let [p0, p1, p2, p3, p4] = P;
        let [c0, c1, c2, c3, c4] = [sub(a0, p0), sub(a1, p1), sub(a2, p2), sub(a3, p3), sub(a4, p4)];
        let carry = |low, high| _mm512_add_epi64(high, _mm512_srai_epi64::<52>(low));
        let c1 = carry(c0, c1);
        let c2 = carry(c1, c2);
        let c3 = carry(c2, c3);
        let c4 = carry(c3, c4);
        Factor([c0, c1, c2, c3, c4])
    }

    /// Below 2p to below p
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn canonical(self) -> Fe<16> {
        const { assert!(B <= 32) };
        let less = self.less_p();
        let [.., top] = less.0;
        let below = _mm512_cmplt_epi64_mask(top, _mm512_setzero_si512());
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, less.masked().0);
        let pick = |a, b| _mm512_mask_mov_epi64(b, below, a);
        Fe([pick(a0, b0), pick(a1, b1), pick(a2, b2), pick(a3, b3), pick(a4, b4)])
    }

    /// Zero?
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn is_zero(self) -> __mmask8 {
        const { assert!(B <= 16) };
        let [a0, a1, a2, a3, a4] = self.0;
        let or = |a, b| _mm512_or_si512(a, b);
        let any = or(or(or(a0, a1), or(a2, a3)), a4);
        _mm512_testn_epi64_mask(any, any)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn select(self, lanes: __mmask8, other: Self) -> Self {
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        let pick = |a, b| _mm512_mask_mov_epi64(a, lanes, b);
        Self([pick(a0, b0), pick(a1, b1), pick(a2, b2), pick(a3, b3), pick(a4, b4)])
    }
}
/// 2^520 mod p
pub(crate) const R2: [i64; 5] = [0x300, 0xffffffff00000, 0xffffefffffffb, 0xfdfffffffffff, 0x4ffffff];
/// 2^260 mod p: 1 in Montgomery form
pub(crate) const ONE: [i64; 5] = [0x10, 0xf000000000000, 0xfffffffffffff, 0xffeffffffffff, 0xfffff];
pub(crate) const CURVE_B: [i64; 5] = [0xdf6229c4bddfd, 0xca8843090d89c, 0x212ed6acf005c, 0x83415a220abf7, 0xc30061dd4874];
