//! `fcm …`

use std::process::ExitCode;

use reveille_core::UnixTime;
use reveille_fcm::message::{SizeMode, SizeRule};
use reveille_fcm::{Project, SendRequest, SizeLimit, Token};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::line::{Failure, RequestJson, failure, for_each_line};
use crate::options::Options;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    /// A message of the v1 API, its target in it, in either spelling; as text, so that a key that stands twice is seen.
    message: Box<RawValue>,
    project_id: String,
    access_token: String,
    #[serde(default)]
    validate_only: bool,
    /// Like in the other commands; an FCM request does not depend on the time.
    #[serde(rename = "now_ms")]
    _now: UnixTime,
}

/// A message into a request. Sizes are counted as Google's documentation words it.
pub fn request(_: Options) -> ExitCode {
    for_each_line(build_request)
}

fn build_request(line: RequestLine) -> Result<RequestJson, Failure> {
    let send = SendRequest::from_message_json(line.message.get().as_bytes())
        .map_err(failure("message"))?
        .with_validate_only(line.validate_only);
    let project = Project::new(&line.project_id).map_err(failure("project_id"))?;
    let token = Token::new(&line.access_token).map_err(failure("access_token"))?;
    let rule = SizeRule::new(SizeLimit::Provider).with_mode(SizeMode::Estimate);
    send.message.check().map_err(failure("message"))?;
    let request = send.request(&project, &token, rule).map_err(failure("size"))?;
    Ok(request.into())
}
