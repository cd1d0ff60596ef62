//! The store of one machine: it keeps every promise of the trait, also on a disk that forgets.

mod conformance;
mod crashes;
mod files;
mod trouble;
