//! A log of every behaviour that ever was: of today's it gives the very outputs, all others are refused with a clear word.

#![allow(clippy::unwrap_used, reason = "helpers of tests, too, fail by panicking")]

mod common;

use common::{bytes, gateway, story};
use reveille_core::log::{LogEntries, Snapshot as _, check_sum};
use reveille_gateway::log::ReplayError;
use reveille_gateway::{Gateway, Shard};

/// Behaviour, log, and the check sum of its outputs. With another behaviour, `write_todays_sample` adds one; none goes.
const SAMPLES: &[(u32, &[u8], u64)] = &[
    (1, include_bytes!("data/behaviour-1.log"), 0x35c0_026b_f298_02b0),
    (2, include_bytes!("data/behaviour-2.log"), 0xe36f_8f8b_d23e_9b08),
    (3, include_bytes!("data/behaviour-3.log"), 0xc375_d646_2453_e660),
    (4, include_bytes!("data/behaviour-4.log"), 0xb09c_4f32_2137_7a03),
    (5, include_bytes!("data/behaviour-5.log"), 0xc6ec_3638_2021_1e64),
    (6, include_bytes!("data/behaviour-6.log"), 0x1704_822b_fd61_7202),
    (7, include_bytes!("data/behaviour-7.log"), 0x2cea_d81b_8887_dfa7),
    (8, include_bytes!("data/behaviour-8.log"), 0x48e9_25dd_47a8_b775),
];

#[test]
fn every_sample_is_read_or_refused() {
    for (behaviour, log, sum) in SAMPLES {
        let mut shard = Shard::new(gateway());
        // Its frame is read in any case, and says what wrote it.
        let entries = LogEntries::new(log, *behaviour).unwrap();
        let mut outputs = Vec::new();
        for entry in entries {
            match shard.replay(&entry) {
                Ok(applied) => outputs.extend(applied),
                Err(ReplayError::Behaviour { given, expected, number: 1 }) => {
                    assert_eq!((given, expected), (*behaviour, Gateway::BEHAVIOUR));
                    break;
                }
                Err(error) => panic!("behaviour {behaviour}: {error}"),
            }
        }
        let read = *behaviour == Gateway::BEHAVIOUR;
        assert_eq!(outputs.is_empty(), !read);
        assert_eq!(LogEntries::new(log, Gateway::BEHAVIOUR).is_ok(), read);
        if read {
            let outputs = bytes(outputs.iter().map(|(_, output)| output));
            assert_eq!(check_sum(&outputs), *sum, "the outputs are others: raise BEHAVIOUR");
        }
    }
    let (newest, ..) = SAMPLES.last().unwrap();
    assert_eq!(*newest, Gateway::BEHAVIOUR, "run write_todays_sample, and list it");
    let refused = LogEntries::new(SAMPLES.first().unwrap().1, Gateway::BEHAVIOUR).unwrap_err();
    insta::assert_snapshot!(refused, @"the log was written by behaviour 1: this release replays behaviour 8");
}

/// `cargo nextest run -p reveille-gateway --run-ignored only write_todays_sample`, once for each behaviour.
#[test]
#[ignore = "writes a file"]
#[allow(clippy::disallowed_methods, reason = "it is what it is for")]
fn write_todays_sample() {
    let story = story();
    let outputs = bytes(story.outputs.iter().map(|(_, output)| output));
    std::fs::write(format!("tests/data/behaviour-{}.log", Gateway::BEHAVIOUR), &story.log).unwrap();
    println!("{:#018x}", check_sum(&outputs));
}
