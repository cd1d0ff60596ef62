//! Send one message through FCM, and act on the answer: `cargo run --example fcm_send`
//!
//! It runs against a service in this process that checks what Google's checks; for the real one, `send` is your HTTP
//! client, and the account is the file from the Firebase console.

use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use reveille_core::{Action, Jitter, Outcome, UnixTime};
use reveille_crypto::{RsaPublicKey, base64url};
use reveille_crypto_ring::PROVIDER;
use reveille_fcm::{
    Data, Grant, Message, Notification, Project, RegistrationToken, ServiceAccount, Target, TokenError,
    TokenOutput, TokenSettings, TokenSource, classify_response,
};
use reveille_testkit::fcm::{Device, FcmService, Google, OAuthService, Refusal};

fn main() -> Result<(), Box<dyn Error>> {
    let mut google = google()?;
    let mut send = |request: Request<Bytes>, now| google.handle(&request, now);

    // 1. Who we are.
    let account = ServiceAccount::from_json(ACCOUNT.as_bytes())?;
    let project = Project::new(account.project_id())?;
    let grant = Grant::service_account(&account, PROVIDER)?;
    let tokens = TokenSource::new(grant, TokenSettings::default(), Jitter::new(7));

    // 2. What, and to whom.
    let shown = Notification::new().with_title("Anna from Support").with_body("Are you still there?");
    let message = Message::new().with_notification(shown).with_data(Data::new([("conversationId", "c-42")])?);
    let target = Target::from(RegistrationToken::new("phone-7")?);
    let registered_at = UnixTime::from_secs(1_794_000_000);

    // 3. Send; wait, refresh, remove or tell, as the answer says.
    let mut now = UnixTime::from_secs(1_795_000_000);
    for _ in 0..3 {
        let token = match tokens.token(now) {
            Err(TokenError::Pending) => fetch(&tokens, &mut send, now)?,
            known => known?,
        };
        let request = message.request(&project, &target, &token)?;
        let response = send(request, now);
        match classify_response(&target, &response, now) {
            Outcome::Accepted(receipt) => {
                println!("accepted as {}", receipt.message.unwrap_or_default());
                return Ok(());
            }
            Outcome::Rejected(rejection) => match rejection.action {
                Action::RefreshCredential { .. } => {
                    println!("refused: {:?}", tokens.handle_refusal(token.authorization(), now));
                }
                Action::Retry { not_before, .. } | Action::SlowDown { until: not_before, .. } => {
                    now = not_before
                }
                ref action if action.drops(registered_at) => {
                    return Ok(println!("the device is gone: remove it"));
                }
                action => return Ok(println!("for the operator: {action:?}, {:?}", rejection.detail)),
            },
        }
    }
    Err("refused three times".into())
}

/// The way to an access token is an HTTP request, too.
fn fetch(
    tokens: &TokenSource,
    send: &mut impl FnMut(Request<Bytes>, UnixTime) -> Response<Bytes>,
    now: UnixTime,
) -> Result<reveille_fcm::Token, TokenError> {
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
