//! There and back through `google-fcm1`, the crate that is generated from Google's discovery document: what we write, its
//! structs read; what they write, we read; and in between nothing is lost. They know the schema of December 2025, which
//! lacks `fid` and `androidV2`.

use google_fcm1::api::SendMessageRequest;
use reveille_fcm::{Prepared, SendRequest, SizeLimit};
use serde_json::Value;

/// Every field that the structs know, except for the other targets and the output-only `name`.
const EVERYTHING: &str = include_str!("everything.json");

fn there_and_back(ours: &SendRequest) -> (SendRequest, Value) {
    let prepared = Prepared::dry_run(&ours.message, SizeLimit::Provider).expect("small");
    let body = prepared.body(&ours.target).expect("small");
    let theirs: SendMessageRequest = serde_json::from_slice(&body).expect("their structs read what we write");
    let written = serde_json::to_string(&theirs).expect("JSON");
    let back = SendRequest::from_json(written.as_bytes()).expect("we read what their structs write");
    (back, serde_json::from_str(&written).expect("JSON"))
}

#[test]
fn everything_they_know_goes_there_and_back() {
    let ours = SendRequest::from_json(EVERYTHING.as_bytes()).expect("the fixture");
    let (back, written) = there_and_back(&ours);
    // Their structs keep foreign objects in hash maps: the order of keys is not the same from run to run.
    let value = |send: &SendRequest| serde_json::to_value(send).expect("JSON");
    assert_eq!(value(&back), value(&ours));
    // Their structs write `null` for what is not set: the fixture really has everything.
    let mut unset = Vec::new();
    nulls("", &written, &mut unset);
    assert_eq!(unset, ["message.condition", "message.name", "message.topic"]);
}

#[test]
fn the_other_targets_too() {
    for target in [r#""topic":"news""#, r#""condition":"'a' in topics || 'b' in topics""#] {
        let json = format!(r#"{{"message":{{{target},"data":{{"k":"v"}}}},"validateOnly":true}}"#);
        let ours = SendRequest::from_json(json.as_bytes()).expect("a request");
        assert_eq!(there_and_back(&ours).0, ours);
    }
}

/// They drop what they do not know: this is the reason for a crate with the present schema.
#[test]
fn they_lose_the_fields_of_2026() {
    let json = r#"{"message":{"fid":"f","androidV2":{"backgroundSync":{}}}}"#;
    let theirs: SendMessageRequest = serde_json::from_str(json).expect("unknown fields are read over");
    let written = serde_json::to_string(&theirs).expect("JSON");
    assert!(!written.contains("fid") && !written.contains("androidV2"));
}

fn nulls(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(path.to_owned()),
        Value::Object(map) => {
            for (name, value) in map {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                nulls(&path, value, found);
            }
        }
        _ => {}
    }
}
