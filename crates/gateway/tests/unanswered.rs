//! What nobody hears of in time is taken back before it is tried again, so that it does not leave twice from a queue.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, too, fail by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::{Drive, announcement, gateway};
use reveille_delivery::Verdict;
use reveille_gateway::*;

/// A little over the five minutes after which an attempt counts as unanswered, and a back-off.
const TOO_LONG: Duration = Duration::from_secs(320);

/// Three people, each with two devices; and a webhook and an e-mail.
const LEGS: usize = 12;

fn left(outputs: &[Output]) -> Vec<&Job> {
    let left = outputs.iter().filter_map(|output| match output {
        Output::Send(job) | Output::FallBack(job) => Some(&**job),
        _ => None,
    });
    left.collect()
}

#[test]
fn an_attempt_without_an_answer_is_withdrawn() {
    let mut drive = Drive::new(gateway());
    let outputs = drive.in_silence([announcement("a", drive.now)], TOO_LONG);
    let mut withdrawn = BTreeSet::new();
    for output in &outputs {
        match output {
            Output::Withdraw { job, device } => assert!(withdrawn.insert((*job, *device)), "once"),
            Output::Send(job) | Output::FallBack(job) if job.attempt == 2 => {
                assert!(
                    withdrawn.contains(&(job.job, job.target.id())),
                    "first the withdrawal, then the retry"
                );
            }
            _ => {}
        }
    }
    let legs: BTreeSet<_> = left(&outputs).iter().map(|job| (job.job, job.target.id())).collect();
    assert_eq!((withdrawn.len(), &withdrawn), (LEGS, &legs));
    assert_eq!(left(&outputs).iter().filter(|job| job.attempt == 2).count(), LEGS);
}

/// As long as it waits in a queue, it comes as its first attempt, and never ends in the dead letters.
#[test]
fn what_was_still_waiting_is_no_attempt() {
    let mut drive = Drive::new(gateway());
    let (mut queue, mut taken_back) = (BTreeMap::new(), 0);
    let mut outputs = drive.in_silence([announcement("a", drive.now)], Duration::from_secs(1));
    let end = drive.now + 5 * TOO_LONG;
    while drive.now < end {
        let mut not_sent = Vec::<Input>::new();
        for output in outputs {
            match output {
                Output::Send(job) | Output::FallBack(job) => {
                    assert_eq!(job.attempt, 1);
                    assert!(
                        queue.insert((job.job, job.target.id()), job).is_none(),
                        "it waits there already"
                    );
                }
                Output::Withdraw { job, device } => {
                    let job = queue.remove(&(job, device)).unwrap();
                    not_sent.push(Outcome::of(&job, Verdict::NotSent).into());
                }
                _ => {}
            }
        }
        taken_back += not_sent.len();
        let due = drive.shard.next_wakeup().unwrap().at;
        outputs = if not_sent.is_empty() {
            drive.now = due.max(drive.now);
            drive.commit(true)
        } else {
            drive.put(not_sent)
        };
    }
    assert_eq!((taken_back, queue.len()), (5 * LEGS, LEGS));
    drive.put(queue.into_values().map(|job| Outcome::of(&job, Verdict::Accepted { status: 201 }).into()));
    let gateway = drive.shard.gateway();
    assert_eq!((gateway.open_jobs(), gateway.counters().of("dead_letters")), (0, 0));
}
