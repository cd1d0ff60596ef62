//! Points.

use crate::field::{Factor, Fe, Sum, mul, mul_add, square};

/// Jacobian: (X/Z², Y/Z³)
#[derive(Clone, Copy)]
pub(crate) struct Jacobian {
    pub(crate) x: Fe<17>,
    pub(crate) y: Factor<40>,
    pub(crate) z: Factor<48>,
}

/// Affine point
#[derive(Clone, Copy)]
pub(crate) struct Affine {
    pub(crate) x: Fe<18>,
    pub(crate) y: Fe<18>,
}

impl Jacobian {
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn minus_double(&self) -> Self {
        let delta: Sum<25> = square(&self.z);
        let gamma: Sum<23> = square(&self.y);
        let z3: Sum<24> = mul(&self.y, &self.z);
        let x_minus: Sum<49> = self.x.sum().minus(delta);
        let x_plus: Sum<42> = self.x.sum().plus(delta);
        let a: Sum<26> = mul(&x_minus.factor(), &x_plus.factor());
        let alpha: Sum<78> = a.times::<3, 78>();
        let alpha = alpha.settle().factor();
        let gamma4 = gamma.times::<4, 92>().factor();
        let gamma2 = gamma.times::<2, 46>().factor();
        let beta4: Sum<24> = mul(&self.x.factor(), &gamma4);
        let x3: Sum<18> = square(&alpha);
        let x3: Sum<66> = x3.minus(beta4.times::<2, 48>());
        let x3 = x3.settle().fe();
        let f: Sum<49> = x3.sum().minus(beta4);
        let y3: Sum<40> = mul_add(&alpha, &f.factor(), &gamma4, &gamma2);
        Self { x: x3, y: y3.factor(), z: z3.times::<2, 48>().factor() }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(crate) fn minus_add(&self, x2: &Factor<18>, y2: &Factor<32>) -> Self {
        let zz: Sum<25> = square(&self.z);
        let zz = zz.factor();
        let u2: Sum<18> = mul(x2, &zz);
        let zzz: Sum<21> = mul(&self.z, &zz);
        let s2: Sum<19> = mul(y2, &zzz.factor());
        let h: Sum<50> = u2.minus(self.x.sum());
        let h = h.factor();
        let r: Sum<67> = s2.minus(self.y.masked().sum());
        let r = r.factor();
        let hh: Sum<26> = square(&h);
        let hh = hh.factor();
        let hhh: Sum<22> = mul(&h, &hh);
        let v: Sum<18> = mul(&self.x.factor(), &hh);
        let x3: Sum<34> = square(&r);
        let x3: Sum<66> = x3.minus(hhh);
        let x3: Sum<114> = x3.minus(v.times::<2, 36>());
        let x3 = x3.settle().fe();
        let f: Sum<49> = x3.sum().minus(v);
        let y3: Sum<40> = mul_add(&r, &f.factor(), &self.y, &hhh.factor());
        let z3: Sum<48> = mul(&self.z, &h);
        Self { x: x3, y: y3.factor(), z: z3.factor() }
    }
}
