//! One message for many targets: serialised once, the target spliced in.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use reveille_payload::{ObjectWriter, Part, SizeLimit, TooLarge, WriteJson};
use thiserror::Error;

use super::{FanOut, Project};
use crate::credential::Token;
use crate::message::{InvalidMessage, MERGE_OVERHEAD, Message, SizeRule};
use crate::target::{Reach, Target};

/// What stands behind the target.
pub(super) const TAIL: &[u8] = b"\"}}";
/// The Admin SDKs send it; with it errors come with their `details`.
const API_FORMAT: HeaderName = HeaderName::from_static("x-goog-api-format-version");

/// Why no request can be made of a message: it is too large for its target, or its parts contradict each other. Every
/// function that builds requests can return it; nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// A field that Google or Apple refuse.
    #[error(transparent)]
    Invalid(#[from] InvalidMessage),
    /// More bytes than allowed.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

impl Message {
    /// The request that sends this message to one target, at most 2,048 bytes large. For many targets, or another limit,
    /// see [`Prepared`].
    ///
    /// # Errors
    /// [`PrepareError`].
    pub fn request(
        &self,
        project: &Project,
        target: &Target,
        token: &Token,
    ) -> Result<Request<Bytes>, PrepareError> {
        Ok(Prepared::new(self, SizeLimit::Own)?.request(project, target, token)?)
    }
}

/// A message that was checked and serialised: make requests of it, for any number of targets.
///
/// ```
/// use reveille_fcm::{Message, Notification, Prepared, Project, RegistrationToken, SizeLimit, Target, Token};
///
/// let message = Message::new().with_notification(Notification::new().with_title("Anna").with_body("Hello"));
/// let prepared = Prepared::new(&message, SizeLimit::Own)?;
/// let project = Project::new("my-project")?;
/// let token = Token::new("ya29.example")?;
///
/// let devices = [Target::Token(RegistrationToken::new("token-1")?), Target::Token(RegistrationToken::new("token-2")?)];
/// let bodies: Vec<_> = prepared
///     .fan_out(&project, &devices, &token)
///     .map(|request| request.map(|request| request.into_body()))
///     .collect::<Result<_, _>>()?;
/// assert_eq!(bodies[0], r#"{"message":{"notification":{"title":"Anna","body":"Hello"},"token":"token-1"}}"#);
/// assert_eq!(bodies[1], r#"{"message":{"notification":{"title":"Anna","body":"Hello"},"token":"token-2"}}"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Prepared {
    /// `{"message":{"data":{…}`: everything before the comma in front of the target.
    head: Vec<u8>,
    /// Set if the message is too large for a topic.
    not_for_topics: Option<Box<TooLarge>>,
}

impl Prepared {
    /// Checks the message ([`Message::check`]) and its size, and serialises it.
    ///
    /// # Errors
    /// [`PrepareError`] if a field is wrong, or it is too large for any target.
    pub fn new(message: &Message, rule: impl Into<SizeRule>) -> Result<Self, PrepareError> {
        Self::build(message, rule.into(), b"{\"message\":")
    }

    /// The same as a dry run (`validate_only`): FCM checks everything and delivers nothing.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn dry_run(message: &Message, rule: impl Into<SizeRule>) -> Result<Self, PrepareError> {
        Self::build(message, rule.into(), b"{\"validateOnly\":true,\"message\":")
    }

    /// As [`new`](Self::new), with more data: `data` writes the entries straight into the message, behind those that it
    /// has. For whoever writes the same keys into every message; elsewhere [`Data`](crate::Data) is safer.
    ///
    /// The entries count for the size, together with all that may be added on the way, and are not looked at: the values
    /// must be strings, no key may stand twice or be [reserved](crate::message::InvalidData::ReservedKey).
    ///
    /// ```
    /// use reveille_fcm::{Message, Notification, Prepared, RegistrationToken, SizeLimit};
    /// use reveille_payload::label;
    /// let message = Message::new().with_notification(Notification::new().with_title("Anna"));
    /// let prepared = Prepared::new_with_data(message, SizeLimit::Own, |data| data.text(label!("chat"), "c-1"))?;
    /// let body = prepared.body(&RegistrationToken::new("token-1")?.into())?;
    /// assert_eq!(body, r#"{"message":{"data":{"chat":"c-1"},"notification":{"title":"Anna"},"token":"token-1"}}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`PrepareError`] if a field is wrong, or it may be too large for any target.
    pub fn new_with_data(
        mut message: Message,
        rule: impl Into<SizeRule>,
        data: impl FnOnce(&mut ObjectWriter<'_>),
    ) -> Result<Self, PrepareError> {
        message.check()?;
        let rule = rule.into();
        let mut head = Vec::with_capacity(1_152);
        head.extend_from_slice(b"{\"message\":{\"data\":");
        let mut object = ObjectWriter::open(&mut head);
        if let Some(own) = message.data.take() {
            own.iter().for_each(|(key, value)| value.write_json(object.entry(key)));
        }
        data(&mut object);
        object.close();
        let rest = head.len();
        message.write_json(&mut head);
        head.pop();
        // Without any other field there is a brace left, and nothing to separate.
        match head.get_mut(rest..) {
            Some([brace, _, ..]) => *brace = b',',
            _ => head.truncate(rest),
        }
        let size = head.len().saturating_add(MERGE_OVERHEAD);
        let check = |reach| {
            let limit = rule.bytes(reach);
            let whole = || TooLarge::uncut(size, limit, &[Part::fixed("message", size)]);
            if size > limit { Err(whole()) } else { Ok(()) }
        };
        check(Reach::Device)?;
        Ok(Self { head, not_for_topics: check(Reach::Subscribers).err().map(Box::new) })
    }

    fn build(message: &Message, rule: SizeRule, start: &[u8]) -> Result<Self, PrepareError> {
        message.check()?;
        let mut head = Vec::with_capacity(512);
        head.extend_from_slice(start);
        message.write_json(&mut head);
        head.pop();
        let mut not_for_topics = None;
        // No platform's part has more than the message's own text and the overhead of merging: mostly that is enough.
        let bound = head.len() + MERGE_OVERHEAD;
        if bound > rule.bytes(Reach::Device) {
            message.check_size(Reach::Device, rule)?;
        }
        if bound > rule.bytes(Reach::Subscribers) {
            not_for_topics = message.check_size(Reach::Subscribers, rule).err().map(Box::new);
        }
        Ok(Self { head, not_for_topics })
    }

    /// The body of a request to `target`.
    ///
    /// # Errors
    /// [`TooLarge`] if the target is a topic or a condition and the message too large for those.
    pub fn body(&self, target: &Target) -> Result<Bytes, TooLarge> {
        self.check(target)?;
        let (label, value) = target.member();
        // The characters of a target need no escape; its constructor has seen to that.
        let mut body = self.start(label, value.len() + TAIL.len());
        body.extend_from_slice(value.as_bytes());
        body.extend_from_slice(TAIL);
        Ok(body.into())
    }

    /// The request that sends the message to `target`.
    ///
    /// # Errors
    /// As [`body`](Self::body).
    pub fn request(
        &self,
        project: &Project,
        target: &Target,
        token: &Token,
    ) -> Result<Request<Bytes>, TooLarge> {
        Ok(Request::from_parts(template(project, token), self.body(target)?))
    }

    /// The requests for many targets. Bodies share buffers of 64 KiB, headers are copied from one template: two
    /// allocations per request, which are the header map's own. A buffer is used again when all its bodies are gone.
    pub fn fan_out<'a, T>(
        &'a self,
        project: &'a Project,
        targets: T,
        token: &Token,
    ) -> FanOut<'a, T::IntoIter>
    where
        T: IntoIterator<Item = &'a Target>,
    {
        FanOut::new(self, template(project, token), targets.into_iter())
    }

    pub(super) fn check(&self, target: &Target) -> Result<(), TooLarge> {
        match &self.not_for_topics {
            Some(too_large) if target.reach() != Reach::Device => Err((**too_large).clone()),
            _ => Ok(()),
        }
    }

    /// Head, label and opening quote: everything in front of a target of this kind.
    pub(super) fn start(&self, label: &'static str, room: usize) -> Vec<u8> {
        // Without any field the head ends with the brace, and the label goes without its comma.
        let label = if self.head.ends_with(b"{") { label.trim_start_matches(',') } else { label };
        let mut start = Vec::with_capacity(self.head.len() + label.len() + 1 + room);
        start.extend_from_slice(&self.head);
        start.extend_from_slice(label.as_bytes());
        start.push(b'"');
        start
    }
}

/// Only the length: a payload may carry a resume token.
impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("bytes", &self.head.len()).finish_non_exhaustive()
    }
}

/// Everything of a request but its body.
fn template(project: &Project, token: &Token) -> Parts {
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(AUTHORIZATION, token.authorization().clone());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(API_FORMAT, HeaderValue::from_static("2"));
    let (mut parts, ()) = Request::new(()).into_parts();
    (parts.method, parts.uri, parts.headers) = (Method::POST, project.send_uri().clone(), headers);
    parts
}
