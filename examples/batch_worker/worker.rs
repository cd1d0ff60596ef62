//! Collects jobs for at most a millisecond, or until there are 64, and encrypts them together.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use reveille_examples::clock;
use reveille_webpush::request::RequestError;
use reveille_webpush::{ApplicationServer, Message, Subscription};

/// The most that go together; more share nothing further.
pub const MOST: usize = 64;
/// How long the first of a batch waits for others. What it buys is half a millisecond of work per seven messages.
pub const LONGEST: Duration = Duration::from_millis(1);

/// One message to one subscription.
#[derive(Debug)]
pub struct Job {
    pub message: Message,
    pub subscription: Subscription,
}

/// Works until nobody can send jobs any more, and hands each batch of finished requests, in the order of their jobs, to
/// `send`.
pub fn work(
    server: &ApplicationServer,
    jobs: &Receiver<Job>,
    mut send: impl FnMut(Vec<Result<Request<Bytes>, RequestError>>),
) {
    let mut batch = Vec::with_capacity(MOST);
    while collect(jobs, &mut batch) {
        let pairs: Vec<_> = batch.iter().map(|job: &Job| (&job.message, &job.subscription)).collect();
        let mut requests = Vec::with_capacity(pairs.len());
        server.requests_each(&pairs, clock::now(), &mut requests);
        send(requests);
        batch.clear();
    }
}

/// Waits for a job, then a little for others. Returns whether there is one.
fn collect(jobs: &Receiver<Job>, batch: &mut Vec<Job>) -> bool {
    let Ok(first) = jobs.recv() else { return false };
    batch.push(first);
    let until = Instant::now() + LONGEST;
    while batch.len() < MOST {
        match jobs.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(job) => batch.push(job),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    true
}
