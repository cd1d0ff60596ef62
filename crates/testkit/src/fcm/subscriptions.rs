//! `projects.registrations.topicSubscriptions`.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use http::{Method, Request};
use reveille_core::UnixTime;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::validate::Violation;
use super::wire::{form, percent_decode, rfc3339};

/// Who is subscribed to what, since when.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(BTreeMap<(String, String), UnixTime>);

impl Subscriptions {
    /// `rest` is what stands behind `topicSubscriptions/`.
    pub(super) fn answer(
        &mut self,
        request: &Request<Bytes>,
        project: &str,
        registration: &str,
        rest: &str,
        now: UnixTime,
    ) -> Result<Value, Refusal> {
        let query = form(request.uri().query().unwrap_or_default());
        let parameter =
            |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let allow_missing = parameter("allowMissing") == Some("true");
        let topic = percent_decode(rest);
        let key = (registration.to_owned(), topic.clone());
        match (request.method(), rest.is_empty()) {
            (&Method::POST, true) => {
                let topic = parameter("topicName").unwrap_or_default().to_owned();
                check_topic(&topic)?;
                let key = (registration.to_owned(), topic.clone());
                if self.0.contains_key(&key) {
                    return Err(Refusal::AlreadyExists);
                }
                self.0.insert(key, now);
                Ok(resource(project, registration, &topic, now))
            }
            (&Method::GET, true) => {
                self.list(project, registration, parameter("pageSize"), parameter("pageToken"))
            }
            (&Method::GET, false) => {
                let since = self.0.get(&key).ok_or(Refusal::NotFound)?;
                Ok(resource(project, registration, &topic, *since))
            }
            (&Method::PATCH, false) if allow_missing || self.0.contains_key(&key) => {
                check_topic(&topic)?;
                let since = *self.0.entry(key).or_insert(now);
                Ok(resource(project, registration, &topic, since))
            }
            (&Method::DELETE, false) if self.0.remove(&key).is_some() || allow_missing => Ok(json!({})),
            (&Method::PATCH | &Method::DELETE, false) => Err(Refusal::NotFound),
            _ => Err(Refusal::NoSuchPath),
        }
    }

    fn list(
        &self,
        project: &str,
        registration: &str,
        size: Option<&str>,
        after: Option<&str>,
    ) -> Result<Value, Refusal> {
        let size = match size.map(str::parse::<usize>) {
            None => 1_000,
            Some(Ok(size)) => size.clamp(1, 2_000),
            Some(Err(_)) => {
                return Err(Refusal::BadRequest(vec![Violation::new("pageSize", "not a number")]));
            }
        };
        let start = (registration.to_owned(), after.unwrap_or_default().to_owned());
        let mut page: Vec<(&String, UnixTime)> = self
            .0
            .range((Bound::Excluded(start), Bound::Unbounded))
            .take_while(|((owner, _), _)| owner == registration)
            .map(|((_, topic), since)| (topic, *since))
            .take(size + 1)
            .collect();
        let more = page.len() > size;
        page.truncate(size);
        let listed: Vec<Value> =
            page.iter().map(|(topic, since)| resource(project, registration, topic, *since)).collect();
        let next = if more { page.last().map(|(topic, _)| topic.as_str()).unwrap_or_default() } else { "" };
        Ok(json!({"topicSubscriptions": listed, "nextPageToken": next}))
    }
}

fn resource(project: &str, registration: &str, topic: &str, since: UnixTime) -> Value {
    json!({
        "name": format!("projects/{project}/registrations/{registration}/topicSubscriptions/{topic}"),
        "topicName": topic,
        "createTime": rfc3339(since),
    })
}

fn check_topic(topic: &str) -> Result<(), Refusal> {
    let ok = (1..=900).contains(&topic.len())
        && topic.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'%'));
    if ok { Ok(()) } else { Err(Refusal::BadRequest(vec![Violation::new("topicName", "not a topic name")])) }
}
