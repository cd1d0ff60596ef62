//! `apns …`

use std::process::ExitCode;

use reveille_apns::credential::{KeyId, TeamId};
use reveille_apns::{
    App, BundleId, DeviceToken, Notification, Prepared, ProviderKey, SizeLimit, TokenSettings, TokenSource,
};
use reveille_core::UnixTime;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::line::{Failure, RequestJson, failure, for_each_line};
use crate::options::Options;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    notification: Box<RawValue>,
    /// The bundle id; the push type's suffix is added.
    topic: BundleId,
    device_token: String,
    now_ms: UnixTime,
    key: Key,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    pem: String,
    key_id: KeyId,
    team_id: TeamId,
}

/// A notification and a device token into a request.
pub fn request(options: Options) -> ExitCode {
    for_each_line(|line: RequestLine| build_request(line, options))
}

fn build_request(line: RequestLine, options: Options) -> Result<RequestJson, Failure> {
    let Key { pem, key_id, team_id } = line.key;
    let key = ProviderKey::from_p8(&pem, team_id, key_id, options.crypto).map_err(failure("key"))?;
    let token = TokenSource::new(key, TokenSettings::default()).token(line.now_ms).map_err(failure("key"))?;
    let device: DeviceToken = line.device_token.parse().map_err(failure("device_token"))?;
    let notification = Notification::from_json(line.notification.get().as_bytes());
    let prepared = Prepared::new(&notification.map_err(failure("notification"))?, SizeLimit::Provider);
    let request =
        prepared.map_err(failure("notification"))?.request(&App::production(line.topic), &device, &token);
    Ok(request.map_err(failure("notification"))?.into())
}
