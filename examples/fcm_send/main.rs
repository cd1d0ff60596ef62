//! Send one message through FCM, refresh the token, act on the answer. The service is the testkit's, in this process; for
//! the real one, `send` is your HTTP client.
//!
//! `cargo run --example fcm_send`

use std::error::Error;

use bytes::Bytes;
use http::Request;
use reveille_core::{Action, Jitter, Outcome, UnixTime};
use reveille_crypto_ring::PROVIDER;
use reveille_fcm::{
    Grant, Message, Notification, Project, RegistrationToken, ServiceAccount, Target, TokenOutput,
    TokenSettings, TokenSource, classify_response,
};
use reveille_testkit::fcm::{Device, Google, Refusal, SERVICE_ACCOUNT};

fn main() -> Result<(), Box<dyn Error>> {
    // Google, in this process: it knows the account and the device, and takes the first access token for stale.
    let mut service = Google::made_up(PROVIDER);
    service.fcm.device("phone-7", Device::Registered);
    service.fcm.script([Refusal::Unauthenticated]);
    let mut send = |request: Request<Bytes>, now| service.handle(&request, now);

    // 1. Who we are.
    let account = ServiceAccount::from_json(SERVICE_ACCOUNT.as_bytes())?;
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
        tokens.handle_timeout(now);
        while let Some(output) = tokens.poll_output() {
            if let TokenOutput::Fetch { fetch, request } = output {
                tokens.handle_response(fetch, &send(request, now), now);
            }
        }
        let token = tokens.token(now)?;
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
