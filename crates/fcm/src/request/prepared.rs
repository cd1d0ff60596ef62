//! One message for many targets: serialised once, the target spliced in.

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};

use crate::json::Json;
use crate::size::MERGE_OVERHEAD;
use crate::{AccessToken, Message, Oversize, Project, SizeBudget, Target};

/// What stands behind the target.
const TAIL: &[u8] = b"\"}}";
/// Bodies are cut from buffers of this size.
const CHUNK: usize = 64 * 1024;
/// The Admin SDKs send it; with it errors come with their `details`.
const API_FORMAT: HeaderName = HeaderName::from_static("x-goog-api-format-version");

/// A message that was checked and serialised, ready for any number of targets.
///
/// ```
/// use reveille_fcm::{AccessToken, Message, Notification, Prepared, Project, RegistrationToken, SizeBudget, Target};
///
/// let message = Message::new().notification(Notification::new().title("Anna").body("Hello"));
/// let prepared = Prepared::new(&message, SizeBudget::default())?;
/// let project = Project::new("my-project")?;
/// let token = AccessToken::new("ya29.example")?;
///
/// let devices = [Target::Token(RegistrationToken::parse("token-1")?), Target::Token(RegistrationToken::parse("token-2")?)];
/// let bodies: Vec<_> = prepared
///     .fan_out(&project, &token, &devices)
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
    not_for_topics: Option<Box<Oversize>>,
}

impl Prepared {
    /// Checks the message's size and serialises it.
    ///
    /// # Errors
    /// [`Oversize`] if it is too large for any target.
    pub fn new(message: &Message, budget: SizeBudget) -> Result<Self, Oversize> {
        Self::build(message, budget, b"{\"message\":")
    }

    /// The same as a dry run (`validate_only`): FCM checks everything and delivers nothing.
    ///
    /// # Errors
    /// [`Oversize`].
    pub fn dry_run(message: &Message, budget: SizeBudget) -> Result<Self, Oversize> {
        Self::build(message, budget, b"{\"validateOnly\":true,\"message\":")
    }

    fn build(message: &Message, budget: SizeBudget, start: &[u8]) -> Result<Self, Oversize> {
        let mut head = Vec::with_capacity(512);
        head.extend_from_slice(start);
        message.write(&mut head);
        head.pop();
        let mut not_for_topics = None;
        // No platform's part has more than the message's own text and the overhead of merging: mostly that is enough.
        let bound = head.len() + MERGE_OVERHEAD;
        if bound > budget.device() {
            message.check_size(true, budget)?;
        }
        if bound > budget.topic() {
            not_for_topics = message.check_size(false, budget).err().map(Box::new);
        }
        Ok(Self { head, not_for_topics })
    }

    /// The body of a request to `target`.
    ///
    /// # Errors
    /// [`Oversize`] if the target is a topic or a condition and the message too large for those.
    pub fn body(&self, target: &Target) -> Result<Bytes, Oversize> {
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
        token: &AccessToken,
        target: &Target,
    ) -> Result<Request<Bytes>, Oversize> {
        Ok(Request::from_parts(template(project, token), self.body(target)?))
    }

    /// The requests for many targets. Bodies share buffers of 64 KiB, headers are copied from one template: two
    /// allocations per request, which are the header map's own. A buffer is used again when all its bodies are gone.
    pub fn fan_out<'a, T>(
        &'a self,
        project: &'a Project,
        token: &AccessToken,
        targets: T,
    ) -> FanOut<'a, T::IntoIter>
    where
        T: IntoIterator<Item = &'a Target>,
    {
        FanOut {
            prepared: self,
            template: template(project, token),
            label: "",
            start: Vec::new(),
            buffer: BytesMut::new(),
            targets: targets.into_iter(),
        }
    }

    fn check(&self, target: &Target) -> Result<(), Oversize> {
        match &self.not_for_topics {
            Some(oversize) if !target.is_device() => Err((**oversize).clone()),
            _ => Ok(()),
        }
    }

    /// Head, label and opening quote: everything in front of a target of this kind.
    fn start(&self, label: &'static str, room: usize) -> Vec<u8> {
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

/// The requests of [`Prepared::fan_out`].
pub struct FanOut<'a, I> {
    prepared: &'a Prepared,
    template: Parts,
    /// The kind of the last target, and what stands in front of one of that kind.
    label: &'static str,
    start: Vec<u8>,
    buffer: BytesMut,
    targets: I,
}

impl<'a, I: Iterator<Item = &'a Target>> Iterator for FanOut<'a, I> {
    type Item = Result<Request<Bytes>, Oversize>;

    fn next(&mut self) -> Option<Self::Item> {
        let target = self.targets.next()?;
        if let Err(oversize) = self.prepared.check(target) {
            return Some(Err(oversize));
        }
        let (label, value) = target.member();
        if self.label != label {
            (self.label, self.start) = (label, self.prepared.start(label, 0));
        }
        let length = self.start.len() + value.len() + TAIL.len();
        // The old buffer again if all its bodies are gone, else a new one.
        if self.buffer.capacity() < length && !self.buffer.try_reclaim(length) {
            self.buffer = BytesMut::with_capacity(length.max(CHUNK));
        }
        self.buffer.extend_from_slice(&self.start);
        self.buffer.extend_from_slice(value.as_bytes());
        self.buffer.extend_from_slice(TAIL);
        Some(Ok(Request::from_parts(self.template.clone(), self.buffer.split().freeze())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.targets.size_hint()
    }
}

impl<I> std::fmt::Debug for FanOut<'_, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FanOut").field("prepared", &self.prepared).finish_non_exhaustive()
    }
}

/// Everything of a request but its body.
fn template(project: &Project, token: &AccessToken) -> Parts {
    let mut headers = HeaderMap::with_capacity(3);
    headers.insert(AUTHORIZATION, token.header().clone());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(API_FORMAT, HeaderValue::from_static("2"));
    let (mut parts, ()) = Request::new(()).into_parts();
    (parts.method, parts.uri, parts.headers) = (Method::POST, project.send_uri().clone(), headers);
    parts
}
