//! The agreements of up to 64 peers, in groups of eight.

use reveille_crypto::CryptoError;
use zeroize::Zeroizing;

use super::boundary::Words;
use super::field::{Element, Factor, INTO_FORM, ONE, OUT_OF_FORM, Stored, Sum, mul, square};
use super::invert::{MOST, invert_all};
use super::point::Affine;
use super::{comb, window};

/// The most groups that share an inversion.
pub(super) const GROUPS: usize = MOST / 2;

/// Eight agreements: what is given, then what comes out.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The peers' coordinates.
    pub(super) peer: (Stored, Stored),
    /// The odd one of k and n − k.
    pub(super) scalars: Zeroizing<[Words; 4]>,
    /// The lanes that have n − k.
    pub(super) negated: u8,
    /// The coordinates of k·G.
    pub(super) public: (Zeroizing<Stored>, Zeroizing<Stored>),
    /// The x coordinate of k·P.
    pub(super) shared: Zeroizing<Stored>,
    /// Multiples of the peers' points: no secrets.
    table: window::Table,
}

/// Fills in what comes out. On an error nothing of the groups may be used.
///
/// # Errors
/// If a peer is not on the curve. Or if a result is not, or a number that must not be 0 is: neither can happen unless
/// the processor or the compiler is broken.
#[target_feature(enable = "avx512f,avx512ifma")]
pub(super) fn all(groups: &mut [Group]) -> Result<(), CryptoError> {
    let mut zs = Zeroizing::new([Stored::default(); MOST]);
    let tables_and_publics = zs.get_mut(..2 * groups.len()).ok_or(CryptoError)?;
    for (group, [of_table, of_public]) in groups.iter_mut().zip(tables_and_publics.as_chunks_mut().0) {
        *of_table = window::odd_multiples(&group.checked_peer()?, &mut group.table);
        *of_public = group.multiply_generator();
    }
    if !invert_all(tables_and_publics) {
        return Err(CryptoError);
    }
    for (group, [of_table, of_public]) in groups.iter_mut().zip(tables_and_publics.as_chunks_mut().0) {
        group.finish_public(of_public)?;
        window::normalise(&mut group.table, of_table.load().factor());
    }
    let shared = zs.get_mut(..groups.len()).ok_or(CryptoError)?;
    for (group, z) in groups.iter_mut().zip(shared.iter_mut()) {
        *z = group.multiply_peer();
    }
    if !invert_all(shared) {
        return Err(CryptoError);
    }
    for (group, z) in groups.iter_mut().zip(shared.iter()) {
        group.finish_shared(z);
    }
    Ok(())
}

impl Group {
    /// The peers' points. One off the curve could have y = 0, and its zero would spoil the inverses of its neighbours.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn checked_peer(&self) -> Result<Affine, CryptoError> {
        let (x, y) = (self.peer.0.load::<16>(), self.peer.1.load::<16>());
        let in_range = x.below_p() & y.below_p();
        let point = Affine { x: into_form(x), y: into_form(y) };
        if in_range == 0xff && point.are_on_curve() { Ok(point) } else { Err(CryptoError) }
    }

    /// k·G, its Z apart.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn multiply_generator(&mut self) -> Stored {
        let point = comb::multiply(&self.scalars);
        *self.public.0 = point.x.store();
        *self.public.1 = point.y.element().store();
        nearly_reduced(&point.z)
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn finish_public(&mut self, z_inverse: &Stored) -> Result<(), CryptoError> {
        let inverse: Factor<18> = z_inverse.load().factor();
        let squared: Sum<18> = square(&inverse);
        let squared = squared.factor();
        let cubed: Sum<18> = mul(&squared, &inverse);
        let x: Sum<18> = mul(&self.public.0.load::<17>().factor(), &squared);
        let y: Sum<19> = mul(&self.public.1.load::<40>().factor(), &cubed.factor());
        let y: Factor<32> = y.element().negated(self.negated);
        let point = Affine { x: x.element(), y: y.element().sum().settle().element().widen() };
        if !point.are_on_curve() {
            return Err(CryptoError);
        }
        *self.public.0 = out_of_form(point.x.factor());
        *self.public.1 = out_of_form(point.y.factor());
        Ok(())
    }

    /// The X of k·P or −k·P, its Z apart.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn multiply_peer(&mut self) -> Stored {
        let point = window::multiply(&self.table, &self.scalars);
        *self.shared = point.x.store();
        nearly_reduced(&point.z)
    }

    #[target_feature(enable = "avx512f,avx512ifma")]
    fn finish_shared(&mut self, z_inverse: &Stored) {
        let inverse: Factor<18> = z_inverse.load().factor();
        let squared: Sum<18> = square(&inverse);
        let x: Sum<18> = mul(&self.shared.load::<17>().factor(), &squared.factor());
        *self.shared = out_of_form(x.factor());
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn into_form(a: Element<16>) -> Element<18> {
    let product: Sum<17> = mul(&a.factor(), &Element::<16>::splat(INTO_FORM).factor());
    product.element().widen()
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn out_of_form(a: Factor<18>) -> Stored {
    let product: Sum<18> = mul(&a, &Element::<16>::splat(OUT_OF_FORM).factor());
    product.element().canonical().store()
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn nearly_reduced(z: &Factor<48>) -> Stored {
    let product: Sum<19> = mul(z, &Element::<16>::splat(ONE).factor());
    product.settle().element().store()
}
