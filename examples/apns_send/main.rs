//! Send one notification over APNs, refresh the token, act on the answer. The service is the testkit's, in this process; for
//! the real one, `send` is your HTTP client.
//!
//! `cargo run --example apns_send`

use std::error::Error;

use bytes::Bytes;
use http::Request;
use reveille_apns::{
    Alert, App, DeviceToken, ProviderKey, Push as _, TokenSettings, TokenSource, classify_response,
};
use reveille_core::{Action, Outcome, UnixTime};
use reveille_crypto_ring::PROVIDER;
use reveille_testkit::apns::{ApnsService, Refusal, TrustedKey};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut service, p8) = service()?;
    let mut send = |request: Request<Bytes>, now| service.handle(&request, now);

    // 1. Who we are.
    let key = ProviderKey::from_p8(&p8, "DEF123GHIJ".parse()?, "ABC123DEFG".parse()?, PROVIDER)?;
    let tokens = TokenSource::new(key, TokenSettings::default());
    let app = App::production("com.example.app".parse()?);

    // 2. What, and to whom.
    let message = Alert::new("Agent Smith", "Are you still there?").with_thread_id("c-17");
    let target: DeviceToken = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0".parse()?;
    let registered_at = UnixTime::from_secs(1_790_000_000);

    // 3. Send, and act on the answer.
    let mut now = UnixTime::from_secs(1_800_000_000);
    for _ in 0..3 {
        let token = tokens.token(now)?;
        let request = message.request(&app, &target, &token)?;
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
                tokens.handle_refusal(token.authorization(), now);
            }
            Action::Retry { not_before: at, .. } | Action::SlowDown { until: at, .. } => now = at,
            action if action.drops(registered_at) => return Err("remove the target".into()),
            action => return Err(format!("for the operator: {action:?}").into()),
        }
    }
    Err("three attempts".into())
}

/// A service that is busy at first, and a key that it trusts.
fn service() -> Result<(ApnsService, String), Box<dyn Error>> {
    let private = PROVIDER.p256.generate()?;
    let public = *PROVIDER.es256.load(&private)?.public_key();
    let p8 = private.with_public_key(public).to_pkcs8_pem().ok_or("no PEM")?.expose().clone();
    let mut service = ApnsService::new(PROVIDER);
    service.trust(TrustedKey::new("DEF123GHIJ", "ABC123DEFG", public));
    service.script([Refusal::unavailable().retry_after(7)]);
    Ok((service, p8))
}
