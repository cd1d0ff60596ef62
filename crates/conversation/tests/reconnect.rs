//! B2: back-off, one connection at a time, re-sync after gaps, renewal with an overlap, silence; and any order of events.

// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use proptest::prelude::*;
use reveille_conversation::reconnect::*;
use reveille_core::UnixTime;

const START: UnixTime = UnixTime::from_secs(1_000_000);

fn drain(stream: &mut Reconnect) -> Vec<Do> {
    std::iter::from_fn(|| stream.poll_output()).collect()
}

fn connecting(stream: &mut Reconnect) -> Link {
    match drain(stream).as_slice() {
        [.., Do::Connect { link, .. }] => *link,
        other => panic!("{other:?}"),
    }
}

/// A stream with a connection and its subscriptions.
fn live() -> (Reconnect, Link) {
    let mut stream = Reconnect::new(ReconnectSettings::default(), 1, START);
    let link = connecting(&mut stream);
    stream.handle_event(link, StreamEvent::Opened { resumed: false }, START);
    stream.handle_event(link, StreamEvent::Subscribed, START);
    assert_eq!(drain(&mut stream), [Do::Subscribe { link }, Do::Resync { since: None }]);
    (stream, link)
}

#[test]
fn b2_the_wait_doubles_from_1_s_to_30_s_with_jitter() {
    let (mut firsts, mut spread) = (Vec::new(), Vec::new());
    for seed in 0..200 {
        let mut stream = Reconnect::new(ReconnectSettings::default(), seed, START);
        let (mut now, mut link, mut waits) = (START, connecting(&mut stream), Vec::new());
        for _ in 0..8 {
            stream.handle_failure(link, now);
            assert!(drain(&mut stream).is_empty(), "one attempt at a time");
            let wakeup = stream.next_wakeup().unwrap();
            waits.push(wakeup.at.since(now));
            now = wakeup.at;
            stream.handle_timeout(now);
            link = connecting(&mut stream);
        }
        for (wait, (low, high)) in waits.iter().zip([(1, 2), (2, 4), (4, 8), (8, 16), (15, 30), (15, 30)]) {
            assert!(*wait >= Duration::from_secs(low) && *wait <= Duration::from_secs(high), "{waits:?}");
        }
        firsts.push(waits[0]);
        spread.push(waits[7]);
    }
    for waits in [&mut firsts, &mut spread] {
        waits.sort();
        waits.dedup();
        assert!(waits.len() > 100, "no storm: {} different waits", waits.len());
    }
}

#[test]
fn b2_after_a_gap_there_is_a_resync_since_what_was_heard_last() {
    let (mut stream, link) = live();
    let heard = START + Duration::from_secs(20);
    stream.handle_event(link, StreamEvent::Received { resume: Some("r1".to_owned()) }, heard);
    stream.handle_failure(link, heard + Duration::from_secs(3));
    let at = stream.next_wakeup().unwrap().at;
    stream.handle_timeout(at);
    let outputs = drain(&mut stream);
    let [Do::Connect { link, resume }] = outputs.as_slice() else { panic!("{outputs:?}") };
    assert_eq!(resume.as_deref(), Some("r1"));
    let mut other = *link;
    // It opens and drops at once: the next wait is longer.
    stream.handle_event(other, StreamEvent::Opened { resumed: false }, at);
    stream.handle_failure(other, at);
    let wakeup = stream.next_wakeup().unwrap();
    assert!(wakeup.at.since(at) >= Duration::from_secs(2));
    stream.handle_timeout(wakeup.at);
    other = connecting(&mut stream);
    stream.handle_event(other, StreamEvent::Opened { resumed: false }, wakeup.at);
    stream.handle_event(other, StreamEvent::Subscribed, wakeup.at);
    assert_eq!(drain(&mut stream), [Do::Subscribe { link: other }, Do::Resync { since: Some(heard) }]);
}

#[test]
fn b2_what_was_resumed_needs_no_resync() {
    let (mut stream, link) = live();
    stream.handle_failure(link, START);
    let at = stream.next_wakeup().unwrap().at;
    stream.handle_timeout(at);
    let link = connecting(&mut stream);
    stream.handle_event(link, StreamEvent::Opened { resumed: true }, at);
    stream.handle_event(link, StreamEvent::Subscribed, at);
    assert_eq!(drain(&mut stream), [Do::Subscribe { link }]);
}

#[test]
fn b2_silence_is_pinged_and_then_lost() {
    let (mut stream, link) = live();
    let ping = START + Duration::from_secs(45);
    assert_eq!(stream.next_wakeup().unwrap().at, ping);
    stream.handle_timeout(ping);
    assert_eq!(drain(&mut stream), [Do::Ping { link }]);
    stream.handle_timeout(ping);
    assert!(drain(&mut stream).is_empty());
    let dead = START + Duration::from_secs(75);
    assert_eq!(stream.next_wakeup().unwrap().at, dead);
    stream.handle_timeout(dead);
    assert_eq!(drain(&mut stream), [Do::Close { link }]);
    assert!(!stream.is_live());
    // What it says now does not count.
    stream.handle_event(link, StreamEvent::Received { resume: None }, dead);
    assert!(!stream.is_live());
}

#[test]
fn b2_a_server_that_does_not_answer_is_given_up() {
    let mut stream = Reconnect::new(ReconnectSettings::default(), 1, START);
    let link = connecting(&mut stream);
    let stalled = START + Duration::from_secs(10);
    assert_eq!(stream.next_wakeup().unwrap().at, stalled);
    stream.handle_timeout(stalled);
    assert_eq!(drain(&mut stream), [Do::Close { link }]);
    // Neither does one that opens and never confirms.
    let at = stream.next_wakeup().unwrap().at;
    stream.handle_timeout(at);
    let link = connecting(&mut stream);
    stream.handle_event(link, StreamEvent::Opened { resumed: false }, at);
    stream.handle_timeout(at + Duration::from_secs(10));
    assert_eq!(drain(&mut stream), [Do::Subscribe { link }, Do::Close { link }]);
}

#[test]
fn b2_a_channel_is_renewed_before_it_expires_with_an_overlap() {
    let (mut stream, old) = live();
    let mut now = START;
    let renewal = START + Duration::from_secs(23 * 3_600);
    while now < renewal - Duration::from_secs(30) {
        now += Duration::from_secs(30);
        stream.handle_event(old, StreamEvent::Received { resume: None }, now);
        stream.handle_timeout(now);
        assert!(drain(&mut stream).is_empty());
    }
    stream.handle_timeout(renewal);
    let new = connecting(&mut stream);
    stream.handle_timeout(renewal);
    assert!(drain(&mut stream).is_empty(), "one at a time");
    stream.handle_event(new, StreamEvent::Opened { resumed: false }, renewal);
    assert!(stream.is_live(), "the old one serves on");
    stream.handle_event(new, StreamEvent::Subscribed, renewal);
    assert_eq!(
        drain(&mut stream),
        [Do::Subscribe { link: new }, Do::Close { link: old }],
        "no gap, no re-sync"
    );
}

#[test]
fn b2_a_server_that_says_that_it_closes() {
    let (mut stream, old) = live();
    stream.handle_event(old, StreamEvent::ClosingSoon, START);
    let new = connecting(&mut stream);
    // The old one is gone before the new one is there: events may be missing.
    stream.handle_failure(old, START);
    stream.handle_event(new, StreamEvent::Opened { resumed: false }, START);
    stream.handle_event(new, StreamEvent::Subscribed, START);
    assert_eq!(drain(&mut stream), [Do::Subscribe { link: new }, Do::Resync { since: Some(START) }]);
}

#[test]
fn b2_topics_are_spread_over_channels() {
    let topics: Vec<u32> = (0..2_001).collect();
    let plan = plan_channels(&topics).unwrap();
    assert_eq!(plan.iter().map(|channel| channel.len()).collect::<Vec<_>>(), [1_000, 1_000, 1]);
    let error = plan_channels(&[(); 20_001]).unwrap_err();
    insta::assert_snapshot!(error, @"expected at most 20000 topics, found 20001");
    let settings = ReconnectSettings::default().with_first_wait(Duration::ZERO).unwrap_err();
    insta::assert_snapshot!(settings, @"first_wait: expected 1s to 60s, found 0ns");
}

proptest! {
    /// Whatever a server does: never two connections in the making, never more than two at all, always something to wait for.
    #[test]
    fn b2_any_order(steps in proptest::collection::vec((0_u8..8, 0_u64..100_000, 0_usize..4), 0..200), seed: u64) {
        let mut stream = Reconnect::new(ReconnectSettings::default(), seed, START);
        let (mut now, mut links, mut open) = (START, Vec::new(), Vec::new());
        let mut gap = true;
        for (what, later, which) in steps {
            now += Duration::from_millis(later);
            for output in drain(&mut stream) {
                match output {
                    Do::Connect { link, .. } => {
                        prop_assert!(!links.contains(&link), "a number is used again");
                        links.push(link);
                        open.push(link);
                        prop_assert!(open.len() <= 2, "{open:?}");
                    }
                    Do::Close { link } => open.retain(|known| *known != link),
                    Do::Resync { .. } => {
                        prop_assert!(gap, "no gap, no re-sync");
                        gap = false;
                    }
                    Do::Subscribe { link } | Do::Ping { link } => prop_assert!(open.contains(&link)),
                    _ => {}
                }
            }
            let link = links[links.len().saturating_sub(1 + which.min(links.len() - 1))];
            match what {
                0 => stream.handle_event(link, StreamEvent::Opened { resumed: which == 0 }, now),
                1 => stream.handle_event(link, StreamEvent::Subscribed, now),
                2 => stream.handle_event(link, StreamEvent::Received { resume: None }, now),
                3 => stream.handle_event(link, StreamEvent::ClosingSoon, now),
                4 => {
                    stream.handle_failure(link, now);
                    open.retain(|known| *known != link);
                }
                _ => {
                    if let Some(wakeup) = stream.next_wakeup() {
                        now = now.max(wakeup.at);
                    }
                    stream.handle_timeout(now);
                }
            }
            gap |= !stream.is_live();
            prop_assert!(stream.next_wakeup().is_some(), "nothing to wait for");
        }
    }
}
