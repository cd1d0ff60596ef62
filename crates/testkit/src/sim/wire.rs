//! Requests and the services behind the wire: what they received is what the oracle judges by.

use std::time::Duration;

use reveille_core::{Action, RetrySource, Scope, UnixTime};
use reveille_delivery::Verdict;
use reveille_gateway::{Content, Job, Target};

use super::Faults;
use super::draw::Draw;
use super::people::People;

/// One request, as a service saw it, or as the wire lost it.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Its place among all that happened.
    pub(super) seq: u64,
    pub(super) at: UnixTime,
    pub(super) job: Job,
    /// A byte left.
    pub(super) started: bool,
    pub(super) end: End,
}

/// What a service did with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Accepted,
    /// For good.
    Refused,
    /// For this time, or it never came there.
    Failed,
    /// It did not come there, and nobody knows.
    Lost,
}

/// An answer on its way back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    pub(super) after: Duration,
}

impl Record {
    /// The event whose text it shows.
    pub(super) fn shows(&self) -> Option<&str> {
        match &*self.job.content {
            Content::Show { intent, .. } => intent.arguments.snippet.as_ref().map(|text| text.as_str()),
            _ => None,
        }
    }
}

/// What becomes of a request, and which answers come of it.
pub(super) fn serve(
    job: &Job,
    people: &mut People,
    faults: Faults,
    storm: bool,
    now: UnixTime,
    draw: &mut Draw,
) -> (bool, End, Vec<Answer>) {
    let quick = draw.ms(5, 400);
    let answer = |verdict, after| Answer { verdict, after };
    let refused = |status, action| Verdict::Refused { status, reason: None, action };
    let accepted = Verdict::Accepted { status: 201 };
    if faults == Faults::None {
        return (true, End::Accepted, vec![answer(accepted, quick)]);
    }
    if let Target::Device(device) = job.target
        && (people.gone.contains(&device.id) || draw.per_mille(4))
    {
        people.gone.insert(device.id);
        let action = Action::DropTarget { if_registered_before: None };
        return (true, End::Refused, vec![answer(refused(410, action), quick)]);
    }
    let worse = if faults == Faults::Hell { 3 } else { 1 };
    let chance = draw.below(1_000);
    let storms = if storm { 700 } else { 0 };
    if chance < storms {
        let action = Action::Retry { not_before: now, source: RetrySource::Guess };
        return (true, End::Failed, vec![answer(refused(503, action), quick)]);
    }
    match draw.below(1_000) / worse {
        0..10 => {
            let (until, source) = (now + draw.ms(100, 5_000), RetrySource::Service);
            let action = Action::SlowDown { scope: Scope::Target, until, source };
            (true, End::Failed, vec![answer(refused(429, action), quick)])
        }
        10..25 => {
            let action = Action::Retry { not_before: now, source: RetrySource::Guess };
            (true, End::Failed, vec![answer(refused(503, action), quick)])
        }
        25..30 => (true, End::Refused, vec![answer(refused(404, Action::SuspectTarget), quick)]),
        30..35 => (
            true,
            End::Failed,
            vec![answer(refused(403, Action::RefreshCredential { also_reconnect: false }), quick)],
        ),
        35..45 => (false, End::Failed, vec![answer(Verdict::NotSent, quick)]),
        // The answer is lost: the writer waits ten seconds for it.
        45..55 => (true, End::Accepted, vec![answer(Verdict::NoAnswer, Duration::from_secs(10))]),
        55..60 => (true, End::Lost, vec![answer(Verdict::NoAnswer, Duration::from_secs(10))]),
        // It is late: the writer has given up before, and a bug reports both.
        60..65 => {
            let late = Duration::from_secs(10) + draw.ms(1, 5_000);
            let answers = vec![answer(Verdict::NoAnswer, Duration::from_secs(10)), answer(accepted, late)];
            (true, End::Accepted, answers)
        }
        65..70 => (true, End::Accepted, vec![answer(accepted.clone(), quick), answer(accepted, quick * 3)]),
        _ => (true, End::Accepted, vec![answer(accepted, quick)]),
    }
}
