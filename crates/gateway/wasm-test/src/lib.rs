//! A log is replayed in a WebAssembly host: the outputs have to be those of every other machine.
//!
//! The host writes a log into memory from [`allocate`] and calls [`replay`].

use reveille_conversation::rules::Rules;
use reveille_core::log::{LogEntries, Snapshot as _, check_sum};
use reveille_gateway::{Gateway, GatewaySettings, Seed, Shard};

/// Memory for the host to write to; it is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(length: usize) -> *mut u8 {
    Box::leak(vec![0; length].into_boxed_slice()).as_mut_ptr()
}

/// The check sum of all outputs (a snapshot in the middle changes nothing); 0 if something is wrong.
///
/// # Safety
/// `log` points to `length` bytes from [`allocate`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn replay(log: *const u8, length: usize) -> u64 {
    // SAFETY: as the caller promises.
    outputs(unsafe { std::slice::from_raw_parts(log, length) }).map_or(0, |outputs| check_sum(&outputs))
}

fn outputs(log: &[u8]) -> Option<Vec<u8>> {
    let seed = Seed::new([7; 16]);
    let gateway = Gateway::new(Rules::default(), GatewaySettings::default(), seed).ok()?;
    let (mut shard, mut bytes) = (Shard::new(gateway), Vec::new());
    let entries: Vec<_> = LogEntries::new(log, Gateway::BEHAVIOUR).ok()?.collect();
    for (number, entry) in entries.iter().enumerate() {
        if number == entries.len() / 2 {
            let mut snapshot = Vec::new();
            shard.snapshot(&mut snapshot);
            shard = Shard::restore(seed, &snapshot).ok()?;
        }
        shard.replay(entry).ok()?.for_each(|(_, output)| output.encode(&mut bytes));
    }
    Some(bytes)
}
