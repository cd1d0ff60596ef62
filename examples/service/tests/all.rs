//! One program for all tests, so that it is linked once.

mod common;
mod kill;
mod service;
mod wire;
