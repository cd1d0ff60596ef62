//! Any bytes as a log: what can be read of it is applied, nothing is refused, the sums are right, and a machine that is
//! restored on the way ends as the other one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reveille_core::UnixTime;
use reveille_core::log::{Logged, Snapshot as _};
use reveille_digest::snapshot::Codec as _;
use reveille_digest::{Engine, Input, Limits, Plain, Policy, Seed};

type Tested = Engine<Plain<u64, Vec<u8>>>;

const SEED: Seed = Seed::new([5; 16]);

fuzz_target!(|bytes: &[u8]| {
    let engine = Tested::new(Plain::new(), Policy::default(), Limits::default(), SEED).expect("a policy");
    let mut logged = Logged::new(engine);
    let mut rest = bytes;
    let mut now = 1_700_000_000_000_u64;
    let mut restored: Option<Logged<Tested>> = None;
    while let Some((wait, tail)) = rest.split_first() {
        rest = tail;
        now = now.wrapping_add(1_u64 << (wait % 40));
        let Some(input) = Input::decode(&mut rest) else { return };
        let number = logged.next_number();
        let at = UnixTime::from_millis(now);
        let ours: Vec<_> = logged.apply(number, input.clone(), at).expect("the next").take(10_000).collect();
        if let Some(restored) = &mut restored {
            let theirs = restored.apply(number, input, at).expect("the next").take(10_000).count();
            assert_eq!(ours.len(), theirs);
        }
        let ledger = logged.machine().explain();
        assert_eq!(ledger.sum(), ledger.events);
        if wait % 8 == 0 {
            let mut snapshot = Vec::new();
            logged.snapshot(&mut snapshot);
            restored = Some(Logged::restore((Plain::new(), SEED), &snapshot).expect("its own snapshot"));
        }
    }
    let _ = logged.machine().settings_digest();
});
