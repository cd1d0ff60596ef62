//! A log and a snapshot that somebody else wrote: read, or refused; no panic, and no memory for a number in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_conversation::rules::Rules;
use reveille_core::UnixTime;
use reveille_core::log::{LogEntries, LogEntry, Snapshot as _};
use reveille_gateway::{Gateway, GatewaySettings, Input, Seed, Shard};

fn shard() -> Shard {
    let gateway = Gateway::new(Rules::default(), GatewaySettings::default(), Seed::new([7; 16]));
    Shard::new(gateway.expect("the defaults work"))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind % 4 {
        0 => {
            if let Ok(input) = Input::decode(rest) {
                let mut again = Vec::new();
                input.encode(&mut again);
                assert_eq!(Input::decode(&again), Ok(input));
            }
        }
        1 => {
            let mut shard = shard();
            let Ok(entries) = LogEntries::new(rest, Gateway::BEHAVIOUR) else { return };
            for entry in entries {
                match shard.replay(&entry) {
                    Ok(applied) => applied.for_each(drop),
                    Err(_) => return,
                }
            }
            let mut snapshot = Vec::new();
            shard.snapshot(&mut snapshot);
            Shard::restore(Seed::new([7; 16]), &snapshot).expect("what was written is read");
        }
        2 => {
            // A group without the log's check sums: what a store with checks of its own hands in.
            let mut shard = shard();
            let now = UnixTime::from_secs(1_700_000_000);
            let _ = shard.replay(&LogEntry { number: 1, now, input: rest }).map(Iterator::count);
        }
        _ => drop(Shard::restore(Seed::new([7; 16]), rest)),
    }
});
