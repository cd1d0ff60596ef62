//! Send one message through FCM, refresh the token, act on the answer. The service is the testkit's, in this process; for
//! the real one, `send` is your HTTP client.
//!
//! `cargo run --example fcm_send`

use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use reveille_core::{Action, Jitter, Outcome, UnixTime};
use reveille_crypto::{RsaPublicKey, base64url};
use reveille_crypto_ring::PROVIDER;
use reveille_fcm::credential::TokenError;
use reveille_fcm::{
    Grant, Message, Notification, Project, RegistrationToken, ServiceAccount, Target, TokenOutput,
    TokenSettings, TokenSource, classify_response,
};
use reveille_testkit::fcm::{Device, FcmService, Google, OAuthService, Refusal};

fn main() -> Result<(), Box<dyn Error>> {
    let mut service = google()?;
    let mut send = |request: Request<Bytes>, now| service.handle(&request, now);

    // 1. Who we are.
    let account = ServiceAccount::from_json(ACCOUNT.as_bytes())?;
    let grant = Grant::service_account(&account, PROVIDER)?;
    let tokens = TokenSource::new(grant, TokenSettings::default(), Jitter::new(7));
    let project = Project::new(account.project_id())?;

    // 2. What, and to whom.
    let shown = Notification::new().with_title("Agent Smith").with_body("Are you still there?");
    let message = Message::new().with_notification(shown);
    let target = Target::from(RegistrationToken::new("phone-7")?);
    let registered_at = UnixTime::from_secs(1_790_000_000);

    // 3. Send, and act on the answer.
    let mut now = UnixTime::from_secs(1_800_000_000);
    for _ in 0..3 {
        let token = fetched(&tokens, &mut send, now)?;
        let request = message.request(&project, &target, &token)?;
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

/// The token; the way to one is an HTTP request, too.
fn fetched(
    tokens: &TokenSource,
    send: &mut impl FnMut(Request<Bytes>, UnixTime) -> Response<Bytes>,
    now: UnixTime,
) -> Result<reveille_fcm::Token, TokenError> {
    match tokens.token(now) {
        Err(TokenError::Pending) => {}
        known => return known,
    }
    while let Some(output) = tokens.poll_output() {
        if let TokenOutput::Fetch { fetch, request } = output {
            tokens.handle_response(fetch, &send(request, now), now);
        }
    }
    tokens.token(now)
}

/// A made-up account; the key protects nothing.
const ACCOUNT: &str = include_str!("../../crates/fcm/tests/data/service_account.json");
const ACCOUNT_KEY: &str = include_str!("../../crates/fcm/tests/data/service_account_public.jwk");

/// Google, in this process: it knows the account and the device, and takes the first access token for stale.
fn google() -> Result<Google, Box<dyn Error>> {
    let account: serde_json::Value = serde_json::from_str(ACCOUNT)?;
    let key: serde_json::Value = serde_json::from_str(ACCOUNT_KEY)?;
    let text = |value: &serde_json::Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let part = |name: &str| base64url::decode(&text(&key, name));
    let public_key = RsaPublicKey::new(&part("n")?, &part("e")?);
    let oauth =
        OAuthService::new(text(&account, "token_uri"), text(&account, "client_email"), public_key, PROVIDER);
    let mut fcm = FcmService::new(text(&account, "project_id"));
    fcm.device("phone-7", Device::Registered);
    fcm.script([Refusal::Unauthenticated]);
    Ok(Google { fcm, oauth })
}
