//! Many messages at once.

use bytes::Bytes;
use http::Request;
use reveille_core::UnixTime;
use reveille_crypto::CryptoError;

use super::{ApplicationServer, RequestError, build};
use crate::encryption::seal_with;
use crate::message::Message;
use crate::target::Subscription;

/// How many agreements are asked for at once: enough for a backend to share work, few enough to stay in the cache.
const CHUNK: usize = 64;

impl ApplicationServer {
    /// One message to many subscriptions: appends one result per subscription to `out`, in their order. The same as
    /// [`requests_each`](Self::requests_each) with the message in every pair.
    pub fn requests(
        &self,
        message: &Message,
        subscriptions: &[&Subscription],
        now: UnixTime,
        out: &mut Vec<Result<Request<Bytes>, RequestError>>,
    ) {
        self.batch(subscriptions.iter().map(|subscription| (message, *subscription)), now, out);
    }

    /// Messages to subscriptions, pair by pair: appends one result per pair to `out`, in their order. For a worker whose
    /// queue holds different messages.
    ///
    /// The messages were checked when they were made, a token is signed once per push service, and the key agreements
    /// are made in batches. Every message still has a key pair and a salt of its own, as RFC 8291 §3.1 demands.
    /// A subscription whose key is gone does not affect the others; a random source that fails fails the encrypted messages
    /// of its chunk of 64.
    pub fn requests_each(
        &self,
        jobs: &[(&Message, &Subscription)],
        now: UnixTime,
        out: &mut Vec<Result<Request<Bytes>, RequestError>>,
    ) {
        self.batch(jobs.iter().copied(), now, out);
    }

    fn batch<'j>(
        &self,
        mut jobs: impl ExactSizeIterator<Item = (&'j Message, &'j Subscription)>,
        now: UnixTime,
        out: &mut Vec<Result<Request<Bytes>, RequestError>>,
    ) {
        out.reserve(jobs.len());
        if jobs.len() < 2 {
            // Nothing to share.
            out.extend(jobs.map(|(message, subscription)| self.request(message, subscription, now)));
            return;
        }
        let room = jobs.len().min(CHUNK);
        let (mut chunk, mut peers, mut agreements) =
            (Vec::with_capacity(room), Vec::with_capacity(room), Vec::with_capacity(room));
        while jobs.len() > 0 {
            chunk.extend(jobs.by_ref().take(CHUNK).map(|(message, subscription)| {
                (message, subscription, self.authorization(subscription, now))
            }));
            // No key agreement for those that cannot be sent anyway, or carry nothing.
            let encrypted = chunk
                .iter()
                .filter(|(message, _, authorization)| authorization.is_ok() && message.payload().is_some());
            peers.clear();
            peers.extend(encrypted.map(|(_, subscription, _)| subscription.ua_public()));
            agreements.clear();
            let agreed = self.crypto().p256.agree_ephemeral_many(&peers, &mut agreements);
            let mut agreements = agreements.drain(..);
            out.extend(chunk.drain(..).map(|(message, subscription, authorization)| {
                let authorization = authorization?;
                let body = match message.payload() {
                    None => Vec::new(),
                    Some(_) => {
                        agreed?;
                        let agreement = agreements.next().ok_or(CryptoError)?;
                        seal_with(self.crypto(), subscription, agreement, message)?
                    }
                };
                build::build(message, subscription.endpoint(), authorization, body.into())
            }));
        }
    }
}
