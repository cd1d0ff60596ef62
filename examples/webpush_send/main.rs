//! Sends one Web Push message, renews its token if that is refused, and acts on the answer.
//!
//! `cargo run --example webpush_send` runs offline: the push service is the testkit's.

use bytes::Bytes;
use reveille_core::{Action, Outcome, UnixTime};
use reveille_crypto_ring::PROVIDER;
use reveille_testkit::rfc8291;
use reveille_testkit::webpush::{PushService, Refusal};
use reveille_webpush::{
    ApplicationServer, Message, Subscription, Ttl, VapidKey, VapidKeys, VapidSettings, classify_response,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // 1. Who we are: a VAPID key and a contact.
    let key = VapidKey::from_text(rfc8291::VAPID_PRIVATE, PROVIDER)?;
    let settings = VapidSettings::new("mailto:ops@example.com".parse()?);
    let server = ApplicationServer::new(PROVIDER, VapidKeys::new(key), settings);

    // 2. What, and to whom: the browser's JSON.
    let mut service = local_service();
    let endpoint = service.subscribe(Some(*server.keys().current().public_key()));
    let browser_json = rfc8291::SUBSCRIPTION.replace(rfc8291::ENDPOINT, &endpoint);
    let target = Subscription::from_json(&browser_json)?.with_vapid_key(server.keys().current().id());
    let message = Message::new("You have 3 new messages", Ttl::from_secs(3_600)?)?;

    // 3. Send, and do what the answer says.
    let mut send = |request: http::Request<Bytes>, now| service.handle(&request, now);
    let (registered_at, mut now) = (UnixTime::from_secs(1_800_000_000), UnixTime::from_secs(1_800_000_000));
    for _ in 0..3 {
        let token = server.token(&target, now)?;
        let request = server.request(&message, &target, now)?;
        let response = send(request, now);
        match classify_response(&target, &response, now) {
            Outcome::Accepted(receipt) => {
                println!("accepted with {}", receipt.status);
                return Ok(());
            }
            Outcome::Rejected(rejection) => match rejection.action {
                Action::RefreshCredential { .. } => {
                    let done = server.handle_refusal(&target, token.authorization(), now);
                    println!("token refused: {done:?}");
                }
                Action::Retry { not_before, .. } | Action::SlowDown { until: not_before, .. } => {
                    now = not_before
                }
                action if action.drops(registered_at) => {
                    return Err("the browser unsubscribed: remove it".into());
                }
                action => return Err(format!("{}: tell the operator", action.name()).into()),
            },
        }
    }
    Err("not accepted in three attempts".into())
}

/// A push service that is busy at first.
fn local_service() -> PushService {
    let mut service = PushService::new("https://push.example.net", reveille_crypto_rustcrypto::PROVIDER);
    service.script([Refusal::TooManyRequests { retry_after: 7 }]);
    service
}
