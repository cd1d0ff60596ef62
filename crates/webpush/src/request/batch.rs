//! One message to many subscriptions.

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
    /// One message to many subscriptions: appends one result per subscription to `out`, in their order.
    ///
    /// The message was checked when it was made, a token is signed once per push service, and the key agreements are
    /// made in batches. Every message still has a key pair and a salt of its own, as RFC 8291 §3.1 demands.
    /// A subscription whose key is gone does not affect the others; a random source that fails fails its whole chunk.
    pub fn requests(
        &self,
        message: &Message,
        subscriptions: &[&Subscription],
        now: UnixTime,
        out: &mut Vec<Result<Request<Bytes>, RequestError>>,
    ) {
        out.reserve(subscriptions.len());
        if message.payload().is_none() || subscriptions.len() < 2 {
            // Nothing to share.
            out.extend(subscriptions.iter().map(|subscription| self.request(message, subscription, now)));
            return;
        }
        let room = subscriptions.len().min(CHUNK);
        let (mut authorizations, mut peers, mut agreements) =
            (Vec::with_capacity(room), Vec::with_capacity(room), Vec::with_capacity(room));
        for chunk in subscriptions.chunks(CHUNK) {
            authorizations.clear();
            authorizations.extend(chunk.iter().map(|subscription| self.authorization(subscription, now)));
            // No key agreement for those that cannot be sent anyway.
            let sendable =
                chunk.iter().zip(&authorizations).filter(|(_, authorization)| authorization.is_ok());
            peers.clear();
            peers.extend(sendable.map(|(subscription, _)| subscription.ua_public()));
            agreements.clear();
            let agreed = self.crypto().p256.agree_ephemeral_many(&peers, &mut agreements);
            let mut agreements = agreements.drain(..);
            out.extend(chunk.iter().zip(authorizations.drain(..)).map(|(subscription, authorization)| {
                let authorization = authorization?;
                agreed?;
                let agreement = agreements.next().ok_or(CryptoError)?;
                let body = seal_with(self.crypto(), subscription, agreement, message)?;
                build::build(message, subscription.endpoint(), authorization, body.into())
            }));
        }
    }
}
