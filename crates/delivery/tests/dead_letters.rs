//! What is dead lives again once, where it is wanted.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // Helpers of tests.

mod common;

use std::time::Duration;

use common::*;
use reveille_core::{Action, Machine};
use reveille_delivery::explain::Status;
use reveille_delivery::*;

#[test]
fn dead_letters_live_again_at_a_rate_if_they_are_still_wanted() {
    let mut delivery = delivery();
    for id in 1..=4 {
        let mut one = job(id, 1);
        one.slot = SlotId::from_bits(id);
        if id == 2 {
            one.not_after = NOW + Duration::from_secs(10);
        }
        let first = send(&submit(&mut delivery, one, NOW));
        answer(&mut delivery, &first, refused(400, Action::FixRequest { field: None }), NOW);
    }
    let mut newer = job(9, 2);
    newer.slot = SlotId::from_bits(3);
    submit(&mut delivery, newer, NOW);
    let later = NOW + Duration::from_secs(60);
    let every = Duration::from_secs(1);
    let redrive = Input::Redrive { from: NOW, to: later, every, until: later + every };
    let outputs = apply(&mut delivery, redrive, later);
    assert!(outputs.contains(&Output::Note(Note::Redriven { started: 2, skipped: 2 })), "{outputs:?}");
    assert_eq!(send(&outputs).job, JobId::from_bits(1));
    assert_eq!(send(&apply(&mut delivery, Input::Tick, later + every)).job, JobId::from_bits(4));
    assert!(matches!(delivery.explain(JobId::from_bits(3)).unwrap().status, Status::Settled { .. }));
}

/// An operator repairs a fault that lasted for two hours: what was read, or replaced, in the first of them is not told again, although
/// nothing else is known of its slot any more.
#[test]
fn what_is_dead_and_unwanted_stays_so_when_its_slot_is_forgotten() {
    let day = Duration::from_secs(86_400);
    for restored in [false, true] {
        let mut delivery = delivery();
        let dead = |delivery: &mut Delivery, id: u128, slot: u128, generation| {
            let mut one = job(id, generation);
            (one.slot, one.not_after) = (SlotId::from_bits(slot), NOW + day);
            let first = send(&submit(delivery, one, NOW));
            answer(delivery, &first, refused(400, Action::FixRequest { field: None }), NOW);
        };
        for (id, slot) in [(1, 1), (2, 2), (3, 3)] {
            dead(&mut delivery, id, slot, 5);
        }
        apply(&mut delivery, Input::Cancel { slot: SlotId::from_bits(1), generation: 6 }, NOW);
        dead(&mut delivery, 9, 2, 6);
        apply(&mut delivery, Input::Cancel { slot: SlotId::from_bits(3), generation: 5 }, NOW);
        let marked: Vec<_> = delivery.dead_letters().map(|(_, letter)| letter.unwanted).collect();
        assert_eq!(marked, [true, true, false, false], "all can be looked at");
        let later = NOW + Duration::from_secs(3 * 3_600);
        apply(&mut delivery, Input::Tick, later);
        if restored {
            let mut bytes = Vec::new();
            delivery.write_snapshot(&mut bytes);
            delivery = Delivery::read_snapshot(DeliverySettings::default(), 5, &bytes).unwrap();
        }
        let redrive = Input::Redrive { from: NOW, to: later, every: Duration::ZERO, until: later };
        let outputs = apply(&mut delivery, redrive, later);
        let again: Vec<_> = sends(&outputs).iter().map(|send| send.job).collect();
        assert_eq!(again, [3, 9].map(JobId::from_bits), "{outputs:?}");
    }
}

/// It was on the wire when it was cancelled, and was refused then.
#[test]
fn what_dies_after_its_cancel_is_not_wanted() {
    for slot in [SLOT, SlotId::alone(JobId::from_bits(1))] {
        let mut delivery = delivery();
        let mut one = job(1, 5);
        (one.slot, one.not_after) = (slot, NOW + Duration::from_secs(86_400));
        let first = send(&submit(&mut delivery, one, NOW));
        apply(&mut delivery, Input::Cancel { slot, generation: 6 }, NOW);
        answer(&mut delivery, &first, refused(400, Action::FixRequest { field: None }), NOW);
        let letters: Vec<_> = delivery.dead_letters().map(|(_, letter)| letter.unwanted).collect();
        assert_eq!(letters, [true]);
        assert_eq!(delivery.latest_dead(slot), None);
        let later = NOW + Duration::from_secs(3 * 3_600);
        let redrive = Input::Redrive { from: NOW, to: later, every: Duration::ZERO, until: later };
        assert!(sends(&apply(&mut delivery, redrive, later)).is_empty());
    }
}

/// One conversation whose pushes all die leaves a letter for each, and pushes nobody else's out.
#[test]
fn letters_that_nobody_wants_make_room_first() {
    let settings = DeliverySettings::default().with_dead_letters(3, 1 << 20).unwrap();
    let mut delivery = Delivery::new(settings, 5);
    let bad = || refused(400, Action::FixRequest { field: None });
    for (id, slot) in [(1, 7), (2, 8), (3, 9), (4, 9), (5, 9)] {
        let mut one = job(id, id as u64);
        one.slot = SlotId::from_bits(slot);
        let first = send(&submit(&mut delivery, one, NOW));
        answer(&mut delivery, &first, bad(), NOW);
    }
    let kept: Vec<_> = delivery.dead_letters().map(|(_, letter)| letter.job.id).collect();
    assert_eq!(kept, [1, 2, 5].map(JobId::from_bits));
}

/// The last attempt failed, and the answer to the one before it comes then: a service has it.
#[test]
fn what_is_dead_and_arrived_after_all_is_not_sent_again() {
    let accepted = Verdict::Accepted { status: 200 };
    for (late, again) in [(accepted, 0), (Verdict::NoAnswer, 1)] {
        let mut delivery = delivery();
        let first = send(&submit(&mut delivery, job(1, 1), NOW));
        let unsure = answer(&mut delivery, &first, Verdict::NoAnswer, NOW);
        assert!(sends(&unsure).is_empty());
        let at = delivery.next_wakeup().unwrap().at;
        let second = send(&apply(&mut delivery, Input::Tick, at));
        answer(&mut delivery, &second, refused(400, Action::FixRequest { field: None }), at);
        let (letter, _) = delivery.dead_letters().next().unwrap();
        let outputs = answer(&mut delivery, &first, late, at);
        let arrived = Output::Note(Note::Arrived { letter, job: first.job });
        assert_eq!((outputs.contains(&arrived), delivery.dead_letters().count()), (again == 0, again));
        let (every, until) = (Duration::ZERO, at + Duration::from_secs(60));
        let redrive = Input::Redrive { from: NOW, to: until, every, until };
        assert_eq!(sends(&apply(&mut delivery, redrive, at)).len(), again);
    }
}
