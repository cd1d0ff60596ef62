//! Counts heap allocations of this thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

// A counter that threads share would cost each allocation as much again as the allocator does.
thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

/// The system's allocator, with two counters.
pub struct Counting;

// SAFETY: every call goes to the system's allocator unchanged; the counters need neither memory nor an end.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        LIVE.set(LIVE.get() + layout.size() as i64);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - layout.size() as i64);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        LIVE.set(LIVE.get() + size as i64 - layout.size() as i64);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Allocations (and reallocations) of this thread so far.
pub fn count() -> u64 {
    COUNT.get()
}

/// Bytes that this thread allocated, less those that it freed.
pub fn live_bytes() -> i64 {
    LIVE.get()
}
