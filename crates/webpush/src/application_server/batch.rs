//! One message to many subscriptions.

use bytes::Bytes;
use http::Request;
use reveille_core::UnixTime;

use super::{ApplicationServer, RequestError, request};
use crate::encryption::seal_with;
use crate::message::Message;
use crate::subscription::Subscription;

/// How many agreements are asked for at once: enough for a backend to share work, few enough to stay in the cache.
const CHUNK: usize = 64;

impl ApplicationServer {
    /// One message to many subscriptions: appends one result per subscription to `out`, in their order.
    ///
    /// The message was checked when it was made, a token is signed once per push service, and the key agreements are
    /// made in batches. Every message still has a key pair and a salt of its own, as RFC 8291 §3.1 demands.
    /// A subscription that cannot be served (its key is gone) does not affect the others.
    pub fn requests(
        &self,
        message: &Message,
        subscriptions: &[&Subscription],
        now: UnixTime,
        out: &mut Vec<Result<Request<Bytes>, RequestError>>,
    ) {
        out.reserve(subscriptions.len());
        let Some(payload) = message.payload() else {
            out.extend(subscriptions.iter().map(|subscription| self.request(message, subscription, now)));
            return;
        };
        let mut peers = Vec::with_capacity(subscriptions.len().min(CHUNK));
        let mut agreements = Vec::with_capacity(subscriptions.len().min(CHUNK));
        for chunk in subscriptions.chunks(CHUNK) {
            peers.clear();
            peers.extend(chunk.iter().map(|subscription| subscription.ua_public()));
            agreements.clear();
            if let Err(error) = self.crypto.p256.agree_ephemeral_many(&peers, &mut agreements) {
                out.extend(chunk.iter().map(|_| Err(error.into())));
                continue;
            }
            out.extend(chunk.iter().zip(agreements.drain(..)).map(|(subscription, agreement)| {
                let authorization = self.authorization(subscription, now)?;
                let body = seal_with(self.crypto, subscription, &agreement, payload, message.padded_len())?;
                Ok(request::build(message, subscription.endpoint(), authorization, body.into()))
            }));
        }
    }
}
