//! `fcm …`

use std::process::ExitCode;

use reveille_core::UnixTime;
use reveille_fcm::{AccessToken, Project, SendRequest, SizeBudget, SizeMode};
use serde::Deserialize;
use serde_json::Value;

use crate::line::{Failure, RequestJson, failure, for_each_line};
use crate::options::Options;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    /// A message of the v1 API, its target in it, in either spelling.
    message: Value,
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
    let mut send =
        SendRequest::from_message_json(line.message.to_string().as_bytes()).map_err(failure("message"))?;
    send.validate_only = line.validate_only;
    let project = Project::new(&line.project_id).map_err(failure("project_id"))?;
    let token = AccessToken::new(&line.access_token).map_err(failure("access_token"))?;
    let budget = SizeBudget::PROVIDER.counted(SizeMode::Estimate);
    let request = send.request(&project, &token, budget).map_err(failure("size"))?;
    Ok(request.into())
}
