//! Send one message over Web Push, refresh the token, act on the answer. The service is the testkit's, in this process; for
//! the real one, `send` is your HTTP client.
//!
//! `cargo run --example webpush_send`

use std::error::Error;

use bytes::Bytes;
use http::Request;
use reveille_core::{Action, Outcome, UnixTime};
use reveille_crypto_ring::PROVIDER;
use reveille_testkit::rfc8291;
use reveille_testkit::webpush::{PushService, Refusal};
use reveille_webpush::{
    ApplicationServer, Message, Subscription, Ttl, VapidKey, VapidKeys, VapidSettings, classify_response,
};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut service, browser_json) = service();
    let mut send = |request: Request<Bytes>, now| service.handle(&request, now);

    // 1. Who we are.
    let key = VapidKey::from_text(rfc8291::VAPID_PRIVATE, PROVIDER)?;
    let settings = VapidSettings::new("mailto:ops@example.com".parse()?);
    let server = ApplicationServer::new(PROVIDER, VapidKeys::new(key), settings);

    // 2. What, and to whom.
    let message = Message::new("Agent Smith: are you still there?", Ttl::from_secs(3_600)?)?;
    let target = Subscription::from_json(&browser_json)?;
    let registered_at = UnixTime::from_secs(1_790_000_000);

    // 3. Send, and act on the answer.
    let mut now = UnixTime::from_secs(1_800_000_000);
    for _ in 0..3 {
        let token = server.token(&target, now)?;
        let request = message.request(&server, &target, &token)?;
        let response = send(request, now);
        let rejection = match classify_response(&target, &response, now) {
            Outcome::Accepted(receipt) => {
                println!("accepted: {receipt:?}");
                return Ok(());
            }
            Outcome::Rejected(rejection) => rejection,
        };
        println!("{}: {:?}", rejection.action.name(), rejection.reason);
        match rejection.action {
            Action::RefreshCredential { .. } => {
                server.handle_refusal(&target, token.authorization(), now);
            }
            Action::Retry { not_before: at, .. } | Action::SlowDown { until: at, .. } => now = at,
            action if action.drops(registered_at) => return Err("remove the target".into()),
            action => return Err(format!("for the operator: {action:?}").into()),
        }
    }
    Err("three attempts".into())
}

/// A push service that is busy at first, and what a browser that subscribed there tells us.
fn service() -> (PushService, String) {
    let mut service = PushService::new("https://push.example.net", PROVIDER);
    let endpoint = service.subscribe(None);
    service.script([Refusal::TooManyRequests { retry_after: 7 }]);
    (service, rfc8291::SUBSCRIPTION.replace(rfc8291::ENDPOINT, &endpoint))
}
