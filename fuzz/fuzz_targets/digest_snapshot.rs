//! Any bytes as a snapshot, with and without a check sum that fits: an error, or an engine whose sums are right,
//! that comes to rest, and whose own snapshot can be restored.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_core::UnixTime;
use reveille_digest::{CatchUp, Engine, Limits, Overdue, Plain, Policy, Seed, with_check_sum};

const SEED: Seed = Seed::new([5; 16]);

fuzz_target!(|bytes: &[u8]| {
    let mut policy = Policy::default();
    policy.reminders = vec![std::time::Duration::from_secs(600); 2];
    let (choice, bytes) = bytes.split_first().unwrap_or((&0, &[]));
    let overdue = [Overdue::Flush, Overdue::Merge][usize::from(choice & 1)];
    let catch_up =
        CatchUp { overdue, rate: (choice & 2 != 0).then_some((3, std::time::Duration::from_secs(1))) };
    let now = UnixTime::from_secs(1_700_000_000);
    let restore = |bytes: &[u8], catch_up| {
        let host = Plain::<u64, Vec<u8>>::new();
        Engine::restore(host, policy.clone(), Limits::default(), SEED, bytes, catch_up, now)
    };
    let bytes = if choice & 4 == 0 { with_check_sum(bytes.to_vec()) } else { bytes.to_vec() };
    let Ok(mut engine) = restore(&bytes, catch_up) else { return };
    for step in 0..40 {
        engine.handle_timeout(now + std::time::Duration::from_secs(step * 600));
        let most = 100 * (u64::from(engine.keys()) + 1);
        let mut outputs = 0;
        while engine.poll_output().is_some() {
            outputs += 1;
            assert!(outputs <= most, "it does not come to rest");
        }
        assert_eq!(engine.explain().sum(), engine.explain().events);
    }
    let mut again = Vec::new();
    engine.snapshot(&mut again).expect("drained");
    let restored = restore(&again, CatchUp::default()).expect("its own snapshot");
    assert_eq!(restored.explain(), engine.explain());
});
