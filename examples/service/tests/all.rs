//! One program for all tests, so that it is linked once.

mod access;
mod api;
mod common;
mod crowd;
mod kill;
mod one_commit;
mod service;
mod wire;
