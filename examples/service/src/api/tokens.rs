//! The tokens of a device, checked: what is kept can be sent to.

use reveille_registry::{Environment, Purpose, Token};
use reveille_webpush::{StoredSubscription, Subscription};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Api, Problem};

/// What an app gives.
pub(super) struct Given<'a> {
    pub(super) apns_alert: Option<&'a str>,
    pub(super) apns_voip: Option<&'a str>,
    pub(super) environment: Option<Environment>,
    pub(super) fcm_token: Option<&'a str>,
    pub(super) fcm_installation: Option<&'a str>,
    pub(super) subscription: Option<&'a RawValue>,
}

/// The same as the whole body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    #[serde(default)]
    apns_alert: Option<String>,
    #[serde(default)]
    apns_voip: Option<String>,
    #[serde(default)]
    environment: Option<Environment>,
    #[serde(default)]
    fcm_token: Option<String>,
    #[serde(default)]
    fcm_installation: Option<String>,
    #[serde(default)]
    subscription: Option<Box<RawValue>>,
}

impl Rotation {
    pub(super) fn given(&self) -> Given<'_> {
        Given {
            apns_alert: self.apns_alert.as_deref(),
            apns_voip: self.apns_voip.as_deref(),
            environment: self.environment,
            fcm_token: self.fcm_token.as_deref(),
            fcm_installation: self.fcm_installation.as_deref(),
            subscription: self.subscription.as_deref(),
        }
    }
}

/// At least one.
pub(super) fn tokens<S>(api: &Api<S>, form: &Given<'_>) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    for (purpose, value) in [
        (Purpose::ApnsAlert, form.apns_alert),
        (Purpose::ApnsVoip, form.apns_voip),
        (Purpose::FcmToken, form.fcm_token),
        (Purpose::FcmInstallation, form.fcm_installation),
    ] {
        let Some(value) = value else { continue };
        let apple = matches!(purpose, Purpose::ApnsAlert | Purpose::ApnsVoip);
        let name = if apple { "an APNs token" } else { "an FCM token" };
        let is_one = match purpose {
            Purpose::ApnsAlert | Purpose::ApnsVoip => value.parse::<reveille_apns::DeviceToken>().is_ok(),
            _ => {
                !value.is_empty() && value.len() <= 4_096 && value.bytes().all(|byte| byte.is_ascii_graphic())
            }
        };
        if !is_one {
            return Err(Problem::bad_request(format!("this is not {name}")));
        }
        let token = Token::new(purpose, value);
        tokens.push(match form.environment {
            Some(environment) if apple => token.with_environment(environment),
            _ => token,
        });
    }
    if let Some(json) = form.subscription {
        let subscription = Subscription::from_json_with(json.get(), &api.allowed);
        let subscription =
            subscription.map_err(|error| Problem::bad_request(format!("subscription: {error}")))?;
        let id = api.server.keys().current().id();
        let stored = StoredSubscription::from(subscription.with_vapid_key(id));
        let json = serde_json::to_string(&stored).map_err(|_| Problem::bad_request("subscription"))?;
        tokens.push(Token::new(Purpose::WebPush, json).with_vapid_key(id.to_string()));
    }
    if tokens.is_empty() {
        return Err(Problem::bad_request(
            "there is no token: a subscription, apns_alert, apns_voip, fcm_token or fcm_installation",
        ));
    }
    Ok(tokens)
}
