//! `apns …`

use std::process::ExitCode;

use reveille_apns::{
    BearerToken, BundleId, DeviceToken, Endpoints, KeyId, Notification, Prepared, ProviderKey, SizeLimit,
    TeamId, unsigned_provider_token,
};
use reveille_core::UnixTime;
use serde::Deserialize;

use crate::line::{Failure, RequestJson, failure, for_each_line};
use crate::options::Options;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    notification: Notification<'static>,
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
    let jws = unsigned_provider_token(team_id, key_id, line.now_ms);
    let signature = key.sign(jws.signing_input()).map_err(failure("key"))?;
    let token = BearerToken::from_jwt(&jws.finish(&signature)).map_err(failure("key"))?;
    let device: DeviceToken = line.device_token.parse().map_err(failure("device_token"))?;
    let endpoints = Endpoints::production();
    let prepared = Prepared::new(&line.notification, &line.topic, &endpoints, SizeLimit::Apple);
    let prepared = prepared.map_err(failure("notification"))?.authorized(&token);
    Ok(prepared.for_device(&device).into())
}
