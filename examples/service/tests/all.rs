//! One program for all tests, so that it is linked once.

mod access;
mod announcements;
mod api;
mod common;
mod crowd;
mod export;
mod hooks;
mod kill;
mod limits;
mod lookups;
mod one_commit;
mod outside;
mod own_faults;
mod page;
mod platform;
mod service;
mod stream;
mod wire;
