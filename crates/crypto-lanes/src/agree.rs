use zeroize::{Zeroize, Zeroizing};
use reveille_crypto::CryptoError;

use crate::boundary::Words;
use crate::field::{CURVE_B, Factor, Fe, ONE, R2, Stored, Sum, mul, square};
use crate::invert::invert_all;
use crate::point::Affine;
use crate::{comb, window};

/// Eight agreements
#[derive(Clone, Debug, Default, Zeroize)]
pub(crate) struct Group {
    pub(crate) peer_x: Stored,
    pub(crate) peer_y: Stored,
    pub(crate) scalars: [Words; 4],
    pub(crate) negated: u8,
    pub(crate) public_x: Stored,
    pub(crate) public_y: Stored,
    pub(crate) shared_x: Stored,
    table: [window::StoredPoint; window::ENTRIES],
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn to_montgomery(a: Fe<16>) -> Fe<18> {
    let a: Sum<18> = mul(&a.factor(), &Fe::<16>::splat(R2).factor());
    a.fe()
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn from_montgomery(a: Factor<18>) -> Stored {
    let a: Sum<18> = mul(&a, &Fe::<16>::splat([1, 0, 0, 0, 0]).factor());
    a.fe().canonical().store()
}

#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn peer(group: &Group) -> Result<Affine, CryptoError> {
    let (x, y) = (group.peer_x.load::<16>(), group.peer_y.load::<16>());
    let in_range = x.below_p() & y.below_p();
    let p = Affine { x: to_montgomery(x), y: to_montgomery(y) };
    let three: Sum<48> = Fe::<16>::splat(ONE).sum().times::<3, 48>();
    let xx: Sum<18> = square(&p.x.factor());
    let f: Sum<66> = xx.minus(three);
    let right: Sum<21> = mul(&f.factor(), &p.x.factor());
    let right: Sum<37> = right.plus(Fe::<16>::splat(CURVE_B).sum());
    let left: Sum<18> = square(&p.y.factor());
    let difference: Sum<66> = left.minus(right);
    let on_curve = difference.settle().fe().canonical().is_zero();
    if on_curve & in_range == 0xff { Ok(p) } else { Err(CryptoError) }
}

#[target_feature(enable = "avx512f,avx512ifma")]
pub(crate) fn all(groups: &mut [Group]) -> Result<(), CryptoError> {
    let mut inverses = Zeroizing::new([Stored::default(); 16]);
    for (group, inverses) in groups.iter_mut().zip(inverses.as_chunks_mut::<2>().0) {
        let peer = peer(group)?;
        let [of_table, of_public] = inverses;
        *of_table = window::odd_multiples(&peer, &mut group.table);
        let public = comb::multiply(&group.scalars);
        group.public_x = public.x.store();
        group.public_y = public.y.masked().store();
        let z: Sum<19> = mul(&public.z, &Fe::<16>::splat(ONE).factor());
        *of_public = z.settle().fe().store();
    }
    let used = groups.len() * 2;
    invert_all(inverses.get_mut(..used).ok_or(CryptoError)?);
    for (group, inverses) in groups.iter_mut().zip(inverses.as_chunks_mut::<2>().0) {
        let [of_table, of_public] = inverses;
        let z: Factor<18> = of_public.load().factor();
        let zz: Sum<18> = square(&z);
        let zz = zz.factor();
        let zzz: Sum<18> = mul(&zz, &z);
        let x: Sum<18> = mul(&group.public_x.load::<17>().factor(), &zz);
        let y: Sum<19> = mul(&group.public_y.load::<40>().factor(), &zzz.factor());
        group.public_x = from_montgomery(x.factor());
        let y: Factor<32> = y.fe().negate_where(group.negated);
        let y: Sum<18> = mul(&y, &Fe::<16>::splat([1, 0, 0, 0, 0]).factor());
        group.public_y = y.fe().canonical().store();
        window::normalise(&mut group.table, of_table);
        let shared = window::multiply(&group.table, &group.scalars);
        group.shared_x = shared.x.store();
        let z: Sum<19> = mul(&shared.z, &Fe::<16>::splat(ONE).factor());
        *of_table = z.settle().fe().store();
    }
    let mut zs = Zeroizing::new([Stored::default(); 8]);
    for (z, [of_table, _]) in zs.iter_mut().zip(inverses.as_chunks::<2>().0) {
        *z = *of_table;
    }
    invert_all(zs.get_mut(..groups.len()).ok_or(CryptoError)?);
    for (group, z) in groups.iter_mut().zip(zs.iter()) {
        let z: Factor<18> = z.load().factor();
        let zz: Sum<18> = square(&z);
        let x: Sum<18> = mul(&group.shared_x.load::<17>().factor(), &zz.factor());
        group.shared_x = from_montgomery(x.factor());
    }
    Ok(())
}
