//! Send one notification over APNs, refresh the token, act on the answer. The service is the testkit's, in this process.
//!
//! `cargo run --example apns_send`

use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use reveille_apns::{
    Alert, App, DeviceToken, ProviderKey, Push as _, TokenSettings, TokenSource, classify_response,
};
use reveille_core::{Action, Outcome, UnixTime};
use reveille_crypto_ring::PROVIDER;
use reveille_testkit::apns::{ApnsService, Refusal, TrustedKey};

fn main() -> Result<(), Box<dyn Error>> {
    // 1. Who we are.
    let (p8, mut service) = service()?;
    let key = ProviderKey::from_p8(&p8, "DEF123GHIJ".parse()?, "ABC123DEFG".parse()?, PROVIDER)?;
    let tokens = TokenSource::new(key, TokenSettings::default());

    // 2. What, and to whom.
    let message = Alert::new("Agent Smith", "Are you still there?").with_thread_id("c-17");
    let app = App::production("com.example.app".parse()?);
    let target: DeviceToken = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0".parse()?;
    let registered_at = UnixTime::from_secs(1_690_000_000);

    // 3. Send, and act on the answer.
    let mut now = UnixTime::from_secs(1_700_000_000);
    for _ in 0..3 {
        let token = tokens.token(now)?;
        let request = message.request(&app, &target, &token)?;
        let response = send(&mut service, request, now);
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
            ref action if action.drops(registered_at) => return Err("remove the device".into()),
            action => return Err(format!("for the operator: {action:?}").into()),
        }
    }
    Err("three attempts".into())
}

/// In place of a connection.
fn send(service: &mut ApnsService, request: Request<Bytes>, now: UnixTime) -> Response<Bytes> {
    service.handle(&request, now)
}

/// A key, and a service that trusts it and is busy at first.
fn service() -> Result<(String, ApnsService), Box<dyn Error>> {
    let private = PROVIDER.p256.generate()?;
    let public = *PROVIDER.es256.load(&private)?.public_key();
    let p8 = private.with_public_key(public).to_pkcs8_pem().ok_or("no PEM")?.expose().clone();
    let mut service = ApnsService::new(PROVIDER);
    service.trust(TrustedKey::new("DEF123GHIJ", "ABC123DEFG", public));
    service.script([Refusal::unavailable().retry_after(7)]);
    Ok((p8, service))
}
