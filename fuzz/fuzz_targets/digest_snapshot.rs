//! Any bytes as a state: an error, or an engine whose sums are right, that comes to rest, and whose own snapshot can be
//! restored.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use reveille_core::log::Snapshot as _;
use reveille_core::{Machine as _, UnixTime};
use reveille_digest::catch_up::{CatchUp, Overdue, Rate};
use reveille_digest::{Engine, Input, Plain, Seed};

const SEED: Seed = Seed::new([5; 16]);

fuzz_target!(|bytes: &[u8]| {
    let (choice, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let restore = |bytes: &[u8]| Engine::read((Plain::<u64, Vec<u8>>::new(), SEED), bytes);
    let Ok(mut engine) = restore(bytes) else { return };
    let overdue = [Overdue::Flush, Overdue::Merge][usize::from(choice & 1)];
    let rate =
        if choice & 2 == 0 { Rate::UNLIMITED } else { Rate { windows: 3, every: Duration::from_secs(1) } };
    let now = UnixTime::from_secs(1_700_000_000);
    engine.apply(Input::Recovered(CatchUp { overdue, rate }), now).take(100_000).for_each(drop);
    for step in 0..40 {
        engine.handle_timeout(now + Duration::from_secs(step * 600));
        let most = 1_000 * (u64::from(engine.keys()) + 1);
        let mut outputs = 0;
        while engine.poll_output().is_some() {
            outputs += 1;
            assert!(outputs <= most, "it does not come to rest");
        }
        assert_eq!(engine.explain().sum(), engine.explain().events);
    }
    let mut again = Vec::new();
    engine.write(&mut again);
    let restored = restore(&again).expect("its own snapshot");
    assert_eq!(restored.explain(), engine.explain());
});
