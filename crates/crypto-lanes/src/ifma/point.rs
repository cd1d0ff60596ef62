//! Doubling and addition on y² = x³ − 3x + b, eight points at a time.
//!
//! Both formulas return the **negated** result: so every term of Y is a sum of products, which costs one reduction and no
//! offsets. The callers keep count of the signs, which do not depend on secrets.
//!
//! Neither formula is complete. A point here is never the identity and never of order two (the order n of the curve is
//! an odd prime), so doubling has no exception; that no addition meets equal or opposite points is shown in
//! [`digits`](super::digits) and, for the table, in [`window`](super::window).

use super::field::{CURVE_B, Element, Factor, ONE, Sum, mul, mul_add, square};

/// (X/Z², Y/Z³). The bounds are those that doubling and addition give back.
#[derive(Clone, Copy)]
pub(super) struct Jacobian {
    pub(super) x: Element<17>,
    pub(super) y: Factor<40>,
    pub(super) z: Factor<48>,
}

/// (x, y).
#[derive(Clone, Copy)]
pub(super) struct Affine {
    pub(super) x: Element<18>,
    pub(super) y: Element<18>,
}

impl Jacobian {
    /// (x, y, 1).
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn from_affine(point: &Affine) -> Self {
        let x = point.x.sum().settle().element();
        Self { x, y: point.y.factor().widen(), z: Element::<48>::splat(ONE).factor() }
    }

    /// −2P: "dbl-2001-b" of the Explicit-Formulas Database (for a = −3, by Bernstein), with −Y.
    ///
    /// ```text
    /// δ = Z²   γ = Y²   β = X·γ   α = 3·(X − δ)·(X + δ)
    /// X' = α² − 8β   −Y' = α·(X' − 4β) + 8γ²   Z' = 2·Y·Z
    /// ```
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn minus_double(&self) -> Self {
        let delta: Sum<25> = square(&self.z);
        let gamma: Sum<23> = square(&self.y);
        let yz: Sum<24> = mul(&self.y, &self.z);
        let less: Sum<49> = self.x.sum().minus(delta);
        let more: Sum<42> = self.x.sum().plus(delta);
        let product: Sum<26> = mul(&less.factor(), &more.factor());
        let alpha = product.times::<3, 78>().settle().factor();
        let (gamma2, gamma4) = (gamma.times::<2, 46>().factor(), gamma.times::<4, 92>().factor());
        let beta4: Sum<24> = mul(&self.x.factor(), &gamma4);
        let square: Sum<18> = square(&alpha);
        let x: Sum<66> = square.minus(beta4.times::<2, 48>());
        let x = x.settle().element();
        let difference: Sum<49> = x.sum().minus(beta4);
        let y: Sum<40> = mul_add(&alpha, &difference.factor(), &gamma2, &gamma4);
        Self { x, y: y.factor(), z: yz.times::<2, 48>().factor() }
    }

    /// −(P + Q) for an affine Q = (x₂, y₂) that is neither P nor −P: Cohen, Miyaji and Ono (ASIACRYPT '98), mixed coordinates,
    /// with −Y.
    ///
    /// ```text
    /// H = x₂·Z² − X   R = y₂·Z³ − Y   V = X·H²
    /// X' = R² − H³ − 2V   −Y' = R·(X' − V) + Y·H³   Z' = Z·H
    /// ```
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn minus_add(&self, x2: &Factor<18>, y2: &Factor<32>) -> Self {
        let zz: Sum<25> = square(&self.z);
        let zz = zz.factor();
        let zzz: Sum<21> = mul(&self.z, &zz);
        let u: Sum<18> = mul(x2, &zz);
        let s: Sum<19> = mul(y2, &zzz.factor());
        let h: Sum<50> = u.minus(self.x.sum());
        let h = h.factor();
        let r: Sum<67> = s.minus(self.y.element().sum());
        let r = r.factor();
        let hh: Sum<26> = square(&h);
        let hh = hh.factor();
        let hhh: Sum<22> = mul(&h, &hh);
        let v: Sum<18> = mul(&self.x.factor(), &hh);
        let rr: Sum<34> = square(&r);
        let x: Sum<66> = rr.minus(hhh);
        let x: Sum<114> = x.minus(v.times::<2, 36>());
        let x = x.settle().element();
        let difference: Sum<49> = x.sum().minus(v);
        let y: Sum<40> = mul_add(&r, &difference.factor(), &self.y, &hhh.factor());
        let z: Sum<26> = mul(&self.z, &h);
        Self { x, y: y.factor(), z: z.factor().widen() }
    }
}

impl Affine {
    /// Whether y² = x³ − 3x + b in all lanes. Points that leave or enter are no secrets.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn are_on_curve(&self) -> bool {
        let (x, y) = (self.x.factor(), self.y.factor());
        let xx: Sum<18> = square(&x);
        let less: Sum<66> = xx.minus(Element::<16>::splat(ONE).sum().times::<3, 48>());
        let cubic: Sum<21> = mul(&less.factor(), &x);
        let right: Sum<37> = cubic.plus(Element::<16>::splat(CURVE_B).sum());
        let left: Sum<18> = square(&y);
        let difference: Sum<66> = left.minus(right);
        difference.settle().element().canonical().zero() == 0xff
    }
}
