//! `projects.registrations.topicSubscriptions`: who is subscribed to what. It replaces the Instance ID API, which fails
//! after 2027-09-29.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request};
use reveille_payload::{InvalidJson, ObjectWriter, from_json, label};
use serde::Deserialize;
use thiserror::Error;

use crate::credential::Token;
use crate::message::Timestamp;
use crate::request::Project;
use crate::target::{Fid, RegistrationToken, Topic};

/// Why no request about a subscription can be made; the error of [`Subscriptions`]. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidSubscription {
    /// The device's name would be a step in the path (`.`, `..`), or no URI can be made with it.
    #[error("registration is no fid or registration token that could stand in a path")]
    Registration,
    /// The topic's name would be a step in the path.
    #[error("topic is a step in a path (`.`, `..`)")]
    Topic,
}

/// One installation of an app, for requests that ask for its topic subscriptions or change them.
///
/// ```
/// use reveille_fcm::{Project, RegistrationToken, Token, Topic};
/// use reveille_fcm::topics::Subscriptions;
///
/// let (project, token) = (Project::new("my-project")?, Token::new("ya29.example")?);
/// let device = Subscriptions::of_token(&project, &RegistrationToken::new("abc:123")?)?;
/// let request = device.create(&Topic::new("weather")?, &token)?;
/// assert_eq!(
///     request.uri().path_and_query().unwrap(),
///     "/v1/projects/my-project/registrations/abc:123/topicSubscriptions?topicName=weather",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `Debug` does not print the device.
#[derive(Clone)]
pub struct Subscriptions {
    /// `https://fcm.googleapis.com`
    origin: String,
    /// `projects/{id}/registrations/{registration}`, percent-encoded.
    resource: String,
}

impl Subscriptions {
    /// Subscriptions that one page may list.
    pub const MAX_PAGE: u16 = 2_000;

    /// Makes requests about a Firebase installation.
    ///
    /// # Errors
    /// [`InvalidSubscription::Registration`] if the id is a path step (`.`, `..`).
    pub fn of_fid(project: &Project, fid: &Fid) -> Result<Self, InvalidSubscription> {
        Self::of(project, fid.expose())
    }

    /// Makes requests about the installation of a registration token.
    ///
    /// # Errors
    /// As [`of_fid`](Self::of_fid).
    pub fn of_token(project: &Project, token: &RegistrationToken) -> Result<Self, InvalidSubscription> {
        Self::of(project, token.expose())
    }

    fn of(project: &Project, registration: &str) -> Result<Self, InvalidSubscription> {
        if registration.bytes().all(|b| b == b'.') {
            return Err(InvalidSubscription::Registration);
        }
        let resource = format!("projects/{}/registrations/{}", project.id(), encode(registration));
        Ok(Self { resource, origin: project.origin().to_owned() })
    }

    /// Builds the request that subscribes the installation to a topic.
    ///
    /// # Errors
    /// [`InvalidSubscription`] if topic or device cannot stand in a path.
    pub fn create(&self, topic: &Topic, token: &Token) -> Result<Request<Bytes>, InvalidSubscription> {
        let path = format!("?topicName={}", encode(topic.as_str()));
        self.request(Method::POST, &path, token, Some(Bytes::from_static(b"{}")))
    }

    /// Asks whether it is subscribed.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn read(&self, topic: &Topic, token: &Token) -> Result<Request<Bytes>, InvalidSubscription> {
        self.request(Method::GET, &one(topic)?, token, None)
    }

    /// Asks for a page of all subscriptions: at most `page_size` (capped at [`MAX_PAGE`](Self::MAX_PAGE)), from where
    /// the last page ended.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn list(
        &self,
        page_size: u16,
        page_token: Option<&str>,
        token: &Token,
    ) -> Result<Request<Bytes>, InvalidSubscription> {
        let mut path = format!("?pageSize={}", page_size.min(Self::MAX_PAGE));
        if let Some(page) = page_token {
            path.push_str("&pageToken=");
            path.push_str(&encode(page));
        }
        self.request(Method::GET, &path, token, None)
    }

    /// Confirms a subscription; with `allow_missing` makes it where there is none.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn patch(
        &self,
        topic: &Topic,
        allow_missing: bool,
        token: &Token,
    ) -> Result<Request<Bytes>, InvalidSubscription> {
        let name = format!("{}/topicSubscriptions/{}", self.resource, topic.as_str());
        let mut body = Vec::new();
        let mut object = ObjectWriter::open(&mut body);
        object.text(label!("name"), &name);
        object.close();
        self.request(Method::PATCH, &changed(topic, allow_missing)?, token, Some(body.into()))
    }

    /// Unsubscribes; with `allow_missing` it is no error if there was none.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn delete(
        &self,
        topic: &Topic,
        allow_missing: bool,
        token: &Token,
    ) -> Result<Request<Bytes>, InvalidSubscription> {
        self.request(Method::DELETE, &changed(topic, allow_missing)?, token, None)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        token: &Token,
        body: Option<Bytes>,
    ) -> Result<Request<Bytes>, InvalidSubscription> {
        let uri = format!("{}/v1/{}/topicSubscriptions{path}", self.origin, self.resource);
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = uri.parse().map_err(|_| InvalidSubscription::Registration)?;
        *request.method_mut() = method;
        request.headers_mut().insert(AUTHORIZATION, token.authorization().clone());
        if let Some(body) = body {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = body;
        }
        Ok(request)
    }
}

impl std::fmt::Debug for Subscriptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscriptions").finish_non_exhaustive()
    }
}

fn one(topic: &Topic) -> Result<String, InvalidSubscription> {
    if topic.as_str().bytes().all(|b| b == b'.') {
        return Err(InvalidSubscription::Topic);
    }
    Ok(format!("/{}", encode(topic.as_str())))
}

fn changed(topic: &Topic, allow_missing: bool) -> Result<String, InvalidSubscription> {
    Ok(format!("{}{}", one(topic)?, if allow_missing { "?allowMissing=true" } else { "" }))
}

/// Percent-encodes everything but the unreserved characters of RFC 3986 and `:`, which tokens have.
fn encode(text: &str) -> String {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b':') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([byte >> 4, byte & 15].iter().filter_map(|nibble| HEX.get(usize::from(*nibble))));
        }
    }
    out
}

/// A subscription of one installation to one topic, as FCM's answers tell it; [`SubscriptionPage`] lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicSubscription {
    /// The topic that is subscribed.
    pub topic: Option<Topic>,
    /// When it was subscribed.
    pub created: Option<Timestamp>,
}

/// A page of subscriptions, read from the answer to [`Subscriptions::list`]: ask again with
/// [`next_page`](Self::next_page) until there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriptionPage {
    /// The subscriptions on this page.
    pub subscriptions: Vec<TopicSubscription>,
    /// Where the next page starts; `None` on the last one.
    pub next_page: Option<String>,
}

/// As the server writes it; unknown fields are read over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    name: Option<String>,
    topic_name: Option<Topic>,
    create_time: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePage {
    #[serde(default)]
    topic_subscriptions: Vec<Wire>,
    next_page_token: Option<String>,
}

impl From<Wire> for TopicSubscription {
    fn from(wire: Wire) -> Self {
        let last = || wire.name.as_deref()?.rsplit('/').next().map(str::to_owned);
        Self {
            topic: wire.topic_name.clone().or_else(|| Topic::new(last()?).ok()),
            created: wire.create_time,
        }
    }
}

impl TopicSubscription {
    /// Reads the answer to `create`, `read` and `patch`.
    ///
    /// # Errors
    /// [`InvalidJson`].
    pub fn from_json(body: &[u8]) -> Result<Self, InvalidJson> {
        from_json::<Wire>(body).map(Into::into)
    }
}

impl SubscriptionPage {
    /// Reads the answer to `list`.
    ///
    /// # Errors
    /// [`InvalidJson`].
    pub fn from_json(body: &[u8]) -> Result<Self, InvalidJson> {
        let page: WirePage = from_json(body)?;
        Ok(Self {
            subscriptions: page.topic_subscriptions.into_iter().map(Into::into).collect(),
            next_page: page.next_page_token.filter(|token| !token.is_empty()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reveille_core::UnixTime;

    fn device() -> Subscriptions {
        Subscriptions::of_token(&Project::new("p").unwrap(), &RegistrationToken::new("a/b?c#d%e:f").unwrap())
            .unwrap()
    }

    fn line(request: Result<Request<Bytes>, InvalidSubscription>) -> String {
        let request = request.unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer t");
        format!("{} {} {}", request.method(), request.uri(), String::from_utf8_lossy(request.body()))
    }

    #[test]
    fn the_five_methods() {
        let (token, topic) = (Token::new("t").unwrap(), Topic::new("a%20.~").unwrap());
        let base =
            "https://fcm.googleapis.com/v1/projects/p/registrations/a%2Fb%3Fc%23d%25e:f/topicSubscriptions";
        assert_eq!(line(device().create(&topic, &token)), format!("POST {base}?topicName=a%2520.~ {{}}"));
        assert_eq!(line(device().read(&topic, &token)), format!("GET {base}/a%2520.~ "));
        assert_eq!(
            line(device().list(9_999, Some("p&2"), &token)),
            format!("GET {base}?pageSize=2000&pageToken=p%262 ")
        );
        assert_eq!(
            line(device().delete(&topic, true, &token)),
            format!("DELETE {base}/a%2520.~?allowMissing=true ")
        );
        assert_eq!(
            line(device().patch(&topic, false, &token)),
            format!(
                r#"PATCH {base}/a%2520.~ {{"name":"projects/p/registrations/a%2Fb%3Fc%23d%25e:f/topicSubscriptions/a%20.~"}}"#
            )
        );
    }

    #[test]
    fn texts() {
        insta::assert_snapshot!(InvalidSubscription::Registration, @"registration is no fid or registration token that could stand in a path");
        insta::assert_snapshot!(InvalidSubscription::Topic, @"topic is a step in a path (`.`, `..`)");
    }

    #[test]
    fn a_path_step_is_no_name() {
        assert!(Subscriptions::of_fid(&Project::new("p").unwrap(), &Fid::new("..").unwrap()).is_err());
        assert!(device().read(&Topic::new("..").unwrap(), &Token::new("t").unwrap()).is_err());
    }

    #[test]
    fn answers() {
        let body = br#"{"topicSubscriptions":[{"name":"projects/p/registrations/r/topicSubscriptions/weather","createTime":"2026-11-20T10:00:00Z","topicName":"weather","new":1},{"name":"x/y/news"}],"nextPageToken":"n"}"#;
        let page = SubscriptionPage::from_json(body).unwrap();
        assert_eq!(page.next_page.as_deref(), Some("n"));
        let topics: Vec<_> = page.subscriptions.iter().map(|s| s.topic.as_ref().unwrap().as_str()).collect();
        assert_eq!(topics, ["weather", "news"]);
        assert_eq!(page.subscriptions[0].created.unwrap().as_unix(), UnixTime::from_secs(1_795_168_800));
        assert_eq!(SubscriptionPage::from_json(b"{}").unwrap(), SubscriptionPage::default());
        assert!(TopicSubscription::from_json(b"<html>").is_err());
    }

    #[test]
    fn the_device_is_not_printed() {
        insta::assert_snapshot!(format!("{:?}", device()), @"Subscriptions { .. }");
    }
}
