//! What waits for its turn, and what is under way.

use std::time::Instant;

use bytes::Bytes;
use http::{Request, Uri};
use reveille_delivery::pacer::{Offer, Ticket};
use reveille_gateway::Job;
use reveille_gateway::store::ShardId;
use reveille_writer::{Ready, Sent};

/// A request that waits for the pacer's word.
pub(super) struct Cargo {
    pub(super) shard: ShardId,
    pub(super) job: Job,
    request: Request<Bytes>,
    sent: Sent,
}

/// A request that is under way.
pub struct Sending {
    pub(super) shard: ShardId,
    pub(super) job: Job,
    pub(super) ticket: Ticket,
    pub(super) sent: Sent,
    pub(super) uri: Uri,
    pub(super) since: Instant,
}

impl Sending {
    pub(super) fn new(ticket: Ticket, cargo: Cargo) -> (Self, Request<Bytes>) {
        let Cargo { shard, job, request, sent } = cargo;
        (Self { shard, job, ticket, sent, uri: request.uri().clone(), since: Instant::now() }, request)
    }
}

/// As [`Ready::into_offer`] has it, with the job beside it.
pub(super) fn push(shard: ShardId, job: Job, ready: Ready) -> Offer<Cargo> {
    let offer = ready.into_offer(&job);
    let Ready { request, sent, .. } = offer.content;
    let cargo = Cargo { shard, job, request, sent };
    let mut own = Offer::of_leg(offer.leg, offer.lane, offer.service, offer.credential, cargo);
    (own.attempt, own.platform, own.digest, own.bytes) =
        (offer.attempt, offer.platform, offer.digest, offer.bytes);
    (own.recipient, own.device, own.conversation) = (offer.recipient, offer.device, offer.conversation);
    (own.priority, own.not_after) = (offer.priority, offer.not_after);
    own
}
