//! `classify`

use std::collections::BTreeMap;
use std::process::ExitCode;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use reveille_core::{Action, Outcome, RetrySource, Scope, UnixTime};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::line::{Failure, failure, for_each_line};
use crate::options::Options;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    service: Service,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    /// Where the request went: a URL, or a device's token. What it names is cut out of every text.
    #[serde(default)]
    endpoint: Option<String>,
    now_ms: UnixTime,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Service {
    Apns,
    Webpush,
    Fcm,
}

/// A push service's answer into what to do next.
pub fn classify(_: Options) -> ExitCode {
    for_each_line(|line: Line| {
        let status = StatusCode::from_u16(line.status).map_err(failure("status"))?;
        let headers = header_map(&line.headers)?;
        let body = line.body.as_bytes();
        let outcome = match line.service {
            Service::Apns => reveille_apns::classify(None, status, &headers, body, line.now_ms),
            Service::Webpush => reveille_webpush::classify(status, &headers, body, line.now_ms),
            Service::Fcm => reveille_fcm::classify(status, &headers, body, line.now_ms),
        };
        // The line names a target of any service, so it is cut out here and not by `classify`.
        let outcome = match (outcome, &line.endpoint) {
            (Outcome::Rejected(rejection), Some(endpoint)) => {
                Outcome::Rejected(rejection.without(&[endpoint]))
            }
            (outcome, _) => outcome,
        };
        Ok(to_json(&outcome))
    })
}

fn header_map(headers: &BTreeMap<String, String>) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::try_from(name).map_err(failure("headers"))?;
        map.append(name, HeaderValue::try_from(value).map_err(failure("headers"))?);
    }
    Ok(map)
}

fn to_json(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Accepted(receipt) => {
            let mut fields = Map::new();
            fields.insert("status".into(), receipt.status.into());
            if let Some(message) = &receipt.message {
                fields.insert("message".into(), message.as_str().into());
            }
            if let Some(ttl) = receipt.ttl {
                fields.insert("ttl".into(), ttl.as_secs().into());
            }
            if let Some(reference) = &receipt.reference {
                fields.insert("reference".into(), reference.as_str().into());
            }
            json!({"outcome": "accepted", "reason": null, "detail": null, "action": null, "scope": null,
                   "retry_source": null, "also_reconnect": false, "not_before_ms": null,
                   "if_registered_before_ms": null, "receipt": fields})
        }
        Outcome::Rejected(rejection) => {
            let action = &rejection.action;
            let if_registered_before = match action {
                Action::DropTarget { if_registered_before } => *if_registered_before,
                _ => None,
            };
            let also_reconnect = matches!(action, Action::RefreshCredential { also_reconnect: true });
            json!({"outcome": "rejected", "reason": rejection.reason, "detail": rejection.detail,
                   "action": action.name(), "scope": action.scope().map(Scope::name),
                   "retry_source": action.retry_source().map(RetrySource::name), "also_reconnect": also_reconnect,
                   "not_before_ms": action.not_before(), "if_registered_before_ms": if_registered_before,
                   "receipt": {}})
        }
    }
}
