//! Eight agreements at a time on processors with AVX-512 IFMA.
//!
//! From the outside in: [`batch`] (keys in, agreements out), [`agree`] (the three passes over all groups), [`window`] and
//! [`comb`] (the two products), [`point`], [`invert`], [`field`].

mod agree;
mod batch;
mod boundary;
mod comb;
mod digits;
mod encode;
mod field;
mod invert;
mod point;
mod scalar;
mod window;

pub(crate) use batch::agree_many;
pub(crate) use boundary::Ifma;
