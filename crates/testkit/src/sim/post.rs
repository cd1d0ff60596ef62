//! The side of a process that writes: a writer of requests, and a pacer before the wire.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use reveille_apns::{ProviderKey, TokenSettings, TokenSource};
use reveille_content::{ContentSettings, Templates};
use reveille_conversation::content::Texts;
use reveille_core::{Jitter, UnixTime};
use reveille_crypto::{CryptoProvider, EcPrivateKey};
use reveille_delivery::pacer::{
    CredentialId, LaneId, LaneSettings, Offer, Pacer, PacerSettings, Rate, ServiceId, Ticket,
};
use reveille_fcm::{Grant, Project};
use reveille_gateway::{AtOnce, Job, Seed};
use reveille_resume::{CompactKey, Issuer, KeyId, KeyRing, TokenSecret};
use reveille_webpush::{ApplicationServer, VapidKey, VapidKeys, VapidSettings};
use reveille_writer::{App, Ready, Sent, TokensForKind, Writer};

use super::node::ok;
use super::people::APP;
use super::services::P8;

/// What waits for its turn on the wire, or is on it.
pub(super) struct Cargo {
    pub(super) shard: usize,
    pub(super) job: Job,
    /// `None`: a text message; whoever sends these needs no request.
    pub(super) letter: Option<(Request<Bytes>, Sent)>,
    pub(super) lane: LaneId,
    /// Since when it waits.
    pub(super) offered: UnixTime,
}

/// What is on the wire.
pub(super) struct Flight {
    pub(super) shard: usize,
    pub(super) job: Job,
    /// Until the first answer.
    pub(super) ticket: Option<Ticket>,
    pub(super) sent: Option<Sent>,
}

/// All of it is gone when the process dies.
pub(super) struct Post {
    pub(super) pacer: Pacer<Cargo>,
    pub(super) flights: BTreeMap<u64, Flight>,
    /// What leaves before it is in the log on which devices.
    pub(super) at_once: AtOnce,
}

/// What every lane may let go: low enough to be reached after a restart.
pub(super) fn rate() -> Rate {
    ok(Rate::new(8, Duration::from_secs(1), 8), "a rate")
}

impl Post {
    pub(super) fn new() -> Self {
        let mut settings = ok(PacerSettings::default().with_keys(256), "keys");
        for service in 0..8 {
            let lane = ok(LaneSettings::default().with_rate(rate()).with_ramp(Duration::ZERO), "no ramp");
            settings = settings.with_lane(ServiceId(service), lane);
        }
        Self { pacer: Pacer::new(settings, 7), flights: BTreeMap::new(), at_once: AtOnce::default() }
    }
}

/// A text message has a lane of its own.
pub(super) fn text_message(shard: usize, job: Job, offered: UnixTime) -> Offer<Cargo> {
    let lane = LaneId::from_bits(1);
    let (leg, attempt, priority, not_after) = (job.leg, job.attempt, job.priority, job.not_after);
    let cargo = Cargo { shard, job, letter: None, lane, offered };
    let mut offer = Offer::of_leg(leg, lane, ServiceId(100), CredentialId::from_bits(100), cargo);
    (offer.attempt, offer.priority, offer.not_after) = (attempt, priority, not_after);
    offer
}

/// As [`Ready::into_offer`] has it, with the job beside it.
pub(super) fn push(shard: usize, job: Job, ready: Ready, offered: UnixTime) -> Offer<Cargo> {
    let offer = ready.into_offer(&job);
    let lane = offer.lane;
    let letter = Some((offer.content.request, offer.content.sent));
    let content = Cargo { shard, job, letter, lane, offered };
    let mut own = Offer::of_leg(offer.leg, lane, offer.service, offer.credential, content);
    (own.attempt, own.platform) = (offer.attempt, offer.platform);
    (own.recipient, own.device, own.conversation) = (offer.recipient, offer.device, offer.conversation);
    (own.priority, own.not_after) = (offer.priority, offer.not_after);
    (own.digest, own.bytes) = (offer.digest, offer.bytes);
    own
}

pub(super) fn application_server(crypto: CryptoProvider) -> Arc<ApplicationServer> {
    let key = ok(EcPrivateKey::parse(P8), "a key");
    let vapid = ok(VapidKey::new(&key, crypto), "a VAPID key");
    let settings = VapidSettings::new(ok("mailto:ops@example.com".parse(), "a contact"));
    Arc::new(ApplicationServer::new(crypto, VapidKeys::new(vapid), settings))
}

/// One for all processes: credentials are shared by whoever sends.
pub(super) fn writer(seed: Seed, crypto: CryptoProvider, server: &Arc<ApplicationServer>) -> Writer {
    let (key_id, team) = (ok("DEF123GHIJ".parse(), "a key id"), ok("ABC123DEFG".parse(), "a team"));
    let key = ok(ProviderKey::from_p8(P8, key_id, team, crypto), "Apple's key");
    let access = reveille_fcm::TokenSource::new(
        Grant::metadata_server(),
        reveille_fcm::TokenSettings::default(),
        Jitter::new(1),
    );
    let app = App::new(APP)
        .with_web_push(Arc::clone(server))
        .with_apns(ok(APP.parse(), "a bundle"), Arc::new(TokenSource::new(key, TokenSettings::default())))
        .with_fcm(ok(Project::new("project-1"), "a project"), Arc::new(access));
    let texts = ok(Texts::english(), "texts");
    let templates = ok(Templates::new("https://shop.example", texts, ContentSettings::default()), "texts");
    let secret = ok(TokenSecret::from_bytes(&[7; 32]), "a secret");
    let keys = KeyRing::new(KeyId(1), ok(CompactKey::new(crypto, &secret), "a key"));
    Writer::new(seed, templates).with_resume(TokensForKind::new(keys, Issuer::new(crypto))).with_app(app)
}
