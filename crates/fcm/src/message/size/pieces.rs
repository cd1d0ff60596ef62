//! A message on one platform, as a list of sized pieces.

use std::borrow::Cow;

use reveille_payload::{JsonObject, Part, WriteJson, escaped_len};
use serde_json::{Map, Value};

use super::{Platform, SizeMode};
use crate::android::{Android, AndroidMessageV2, AndroidNotification, AndroidNotificationV2};
use crate::message::{Data, Message, Notification, Text};

/// What FCM adds to an APNs payload: `gcm.message_id`, `google.c.sender.id`, `google.c.a.e`, `google.c.fid` with their
/// values, rounded up.
pub(super) const APNS_ADDED: usize = 160;

/// Where a piece comes from, so that a cut can be applied there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The parts of the message itself.
    Shared,
    /// The platform's own part.
    Own,
}

/// Which field a piece is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Title,
    Body,
    Image,
    Data(Cow<'a, str>),
    /// Something that is never cut.
    Rest(Cow<'static, str>),
}

#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    pub(super) field: Field<'a>,
    pub(super) origin: Origin,
    pub(super) bytes: usize,
    pub(super) text: Cow<'a, str>,
}

/// All pieces of a message on a platform.
pub(super) struct Pieces<'a> {
    pub(super) list: Vec<Piece<'a>>,
    platform: Platform,
    mode: SizeMode,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(message: &'a Message, platform: Platform, mode: SizeMode) -> Self {
        let mut pieces = Self { list: Vec::new(), platform, mode };
        match platform {
            Platform::Android => pieces.android(message),
            Platform::Apns => pieces.apns(message),
            Platform::Webpush => pieces.webpush(message),
        }
        if let Some(options) = &message.fcm_options {
            pieces.travels("fcmOptions", options);
        }
        pieces
    }

    pub(super) fn size(&self) -> usize {
        self.list.iter().map(|piece| piece.bytes).fold(0, usize::saturating_add)
    }

    pub(super) fn fixed_parts(&self) -> Vec<Part<'static>> {
        self.list.iter().map(|piece| Part::fixed(self.name(piece), piece.bytes)).collect()
    }

    /// The piece's name in reports, with the platform in front.
    pub(super) fn name(&self, piece: &Piece<'_>) -> String {
        let platform = self.platform.as_str();
        match &piece.field {
            Field::Title => format!("{platform}: title"),
            Field::Body => format!("{platform}: body"),
            Field::Image => format!("{platform}: image"),
            Field::Data(key) => format!("{platform}: data.{key}"),
            Field::Rest(name) => format!("{platform}: {name}"),
        }
    }

    fn android(&mut self, message: &'a Message) {
        let (data, own) = match &message.android {
            None => (None, AndroidTexts::default()),
            Some(Android::V1(config)) => {
                let own = config.notification.as_deref().map(AndroidTexts::of_v1).unwrap_or_default();
                (config.data.as_ref(), own)
            }
            Some(Android::V2(config)) => {
                let own = match &config.message {
                    Some(AndroidMessageV2::RemoteNotification(remote)) => {
                        remote.notification.as_deref().map(AndroidTexts::of_v2).unwrap_or_default()
                    }
                    _ => AndroidTexts::default(),
                };
                (config.data.as_ref(), own)
            }
        };
        self.data(message.data.as_ref(), data);
        self.notification(message.notification.as_ref(), [own.title, own.body, own.image]);
        if let Some(shown) = own.shown {
            self.members("notification", &shown, &["title", "body", "image"], Counted::Texts);
        }
        match &message.android {
            None => {}
            Some(Android::V1(config)) => {
                self.members("", &written(&**config), &["data", "notification"], Counted::InStrict);
            }
            Some(Android::V2(config)) => {
                let config = written(&**config);
                self.members("", &config, &["data", "remoteNotification"], Counted::InStrict);
                if let Some(Value::Object(remote)) = config.object.get("remoteNotification") {
                    let remote = Written::of(remote.clone());
                    self.members("remoteNotification", &remote, &["notification"], Counted::InStrict);
                }
            }
        }
    }

    fn apns(&mut self, message: &'a Message) {
        let own = message.apns.as_deref();
        let (mut map, unread) = object(own.and_then(|own| own.payload.as_ref()));
        let [title, body] = take_alert(&mut map);
        let image = own.and_then(|own| own.fcm_options.as_ref()).and_then(|options| options.image.as_deref());
        self.data(message.data.as_ref(), None);
        let image = image.map(Cow::Borrowed);
        self.notification(
            message.notification.as_ref(),
            [title.map(Cow::Owned), body.map(Cow::Owned), image],
        );
        self.push("payload", unread);
        // Apple counts the payload, whatever FCM counts: both modes do.
        if let Some(Value::Object(aps)) = map.remove("aps") {
            self.members("payload.aps", &Written::of(aps), &[], Counted::Always);
            self.push("payload.aps", "\"aps\":{},".len());
        }
        self.members("payload", &Written::of(map), &[], Counted::Always);
        if let Some(own) = own {
            if let Some(headers) = &own.headers {
                self.travels("headers", headers);
            }
            if let Some(options) = &own.fcm_options {
                self.members("fcmOptions", &written(options), &["image"], Counted::InStrict);
            }
            if let Some(token) = &own.live_activity_token {
                self.travels("liveActivityToken", token);
            }
        }
        if self.mode == SizeMode::Strict {
            self.push("what FCM adds", APNS_ADDED);
        }
    }

    fn webpush(&mut self, message: &'a Message) {
        let own = message.webpush.as_deref();
        let (mut map, unread) = object(own.and_then(|own| own.notification.as_ref()));
        let texts = ["title", "body", "image"].map(|key| take_string(&mut map, key).map(Cow::Owned));
        self.data(message.data.as_ref(), own.and_then(|own| own.data.as_ref()));
        self.notification(message.notification.as_ref(), texts);
        self.push("notification", unread);
        self.members("notification", &Written::of(map), &[], Counted::Texts);
        let Some(own) = own else { return };
        if let Some(headers) = &own.headers {
            self.travels("headers", headers);
        }
        if let Some(options) = &own.fcm_options {
            match (self.mode, &options.link) {
                (SizeMode::Strict, _) => self.travels("fcmOptions", options),
                (SizeMode::Estimate, Some(link)) => self.push("fcmOptions.link", link.as_str().len()),
                (SizeMode::Estimate, None) => {}
            }
        }
    }

    /// A platform's own data replaces the shared data, all of it.
    fn data(&mut self, shared: Option<&'a Data>, own: Option<&'a Data>) {
        let (data, origin) = match (shared, own) {
            (_, Some(own)) => (own, Origin::Own),
            (Some(shared), None) => (shared, Origin::Shared),
            (None, None) => return,
        };
        if self.mode == SizeMode::Strict {
            self.push("data", "\"data\":{},".len());
        }
        for (key, value) in data.iter() {
            let bytes = match self.mode {
                SizeMode::Estimate => key.len() + value.len(),
                SizeMode::Strict => escaped_len(key) + escaped_len(value) + "\"\":\"\",".len(),
            };
            self.list.push(Piece { field: Field::Data(key.into()), origin, bytes, text: value.into() });
        }
    }

    /// A platform's own text overrides the shared one, field by field.
    fn notification(&mut self, shared: Option<&'a Notification>, own: [Option<Cow<'a, str>>; 3]) {
        let shared = |field: fn(&Notification) -> &Option<Text>| {
            shared.and_then(|shared| field(shared).as_deref()).map(Cow::Borrowed)
        };
        let [title, body, image] = own;
        let fields = [
            (Field::Title, title, shared(|n| &n.title), "\"title\":\"\","),
            (Field::Body, body, shared(|n| &n.body), "\"body\":\"\","),
            (Field::Image, image, shared(|n| &n.image), "\"image\":\"\","),
        ];
        let mut any = false;
        for (field, own, shared, punctuation) in fields {
            let (text, origin) = match (own, shared) {
                (Some(own), _) => (own, Origin::Own),
                (None, Some(shared)) => (shared, Origin::Shared),
                (None, None) => continue,
            };
            let bytes = match self.mode {
                SizeMode::Estimate => text.len(),
                SizeMode::Strict => escaped_len(&text) + punctuation.len(),
            };
            self.list.push(Piece { field, origin, bytes, text });
            any = true;
        }
        if any && self.mode == SizeMode::Strict {
            self.push("notification", "\"notification\":{},".len());
        }
    }

    /// A field that only the strict count knows.
    fn travels(&mut self, name: &'static str, value: &impl WriteJson) {
        if self.mode == SizeMode::Strict {
            let mut json = Vec::new();
            value.write_json(&mut json);
            self.push(name, name.len() + "\"\":,".len() + json.len());
        }
    }

    /// The members of an object, each by its name, without those that are counted elsewhere.
    fn members(&mut self, path: &'static str, object: &Written, without: &[&str], counted: Counted) {
        let mut listed = 0;
        for (key, value) in &object.object {
            let bytes = escaped_len(key) + value.to_string().len() + "\"\":,".len();
            listed += bytes;
            if without.contains(&key.as_str()) {
                continue;
            }
            let bytes = match (self.mode, counted) {
                (SizeMode::Strict, _) | (_, Counted::Always) => bytes,
                (SizeMode::Estimate, Counted::Texts) => text_len(value),
                (SizeMode::Estimate, Counted::InStrict) => continue,
            };
            let name = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            self.push(name, bytes);
        }
        if self.mode == SizeMode::Strict {
            // A number may have been written longer than it is listed: `0.0000001` and `1e-7`.
            self.push("numbers", object.bytes.saturating_sub(listed + 1));
        }
    }

    fn push(&mut self, name: impl Into<Cow<'static, str>>, bytes: usize) {
        if bytes > 0 {
            let field = Field::Rest(name.into());
            self.list.push(Piece { field, origin: Origin::Own, bytes, text: "".into() });
        }
    }
}

/// When the members of an object count, and how.
#[derive(Clone, Copy)]
enum Counted {
    /// As they are written, in both modes.
    Always,
    /// In the estimate only their texts.
    Texts,
    /// In the estimate not at all.
    InStrict,
}

/// An object, and how many bytes it took when it was written.
struct Written {
    object: Map<String, Value>,
    bytes: usize,
}

impl Written {
    /// Of something that was read from text, and has the text's length.
    const fn of(object: Map<String, Value>) -> Self {
        Self { object, bytes: 0 }
    }
}

fn written(value: &impl WriteJson) -> Written {
    let mut json = Vec::new();
    value.write_json(&mut json);
    // What cannot be read counts as a whole.
    Written { object: serde_json::from_slice(&json).unwrap_or_default(), bytes: json.len() }
}

/// A foreign object as a map; what cannot be read as one is counted as a whole, in bytes.
fn object(object: Option<&JsonObject>) -> (Map<String, Value>, usize) {
    match object.map(|object| (object.to(), object.as_str().len())) {
        None => (Map::new(), 0),
        Some((Ok(map), _)) => (map, 0),
        Some((Err(_), bytes)) => (Map::new(), bytes),
    }
}

/// An Android notification of either form, taken apart.
#[derive(Default)]
struct AndroidTexts<'a> {
    title: Option<Cow<'a, str>>,
    body: Option<Cow<'a, str>>,
    image: Option<Cow<'a, str>>,
    shown: Option<Written>,
}

impl<'a> AndroidTexts<'a> {
    fn of_v1(shown: &'a AndroidNotification) -> Self {
        Self::new([&shown.title, &shown.body, &shown.image], shown)
    }

    fn of_v2(shown: &'a AndroidNotificationV2) -> Self {
        Self::new([&shown.title, &shown.body, &shown.image], shown)
    }

    fn new([title, body, image]: [&'a Option<Text>; 3], whole: &impl WriteJson) -> Self {
        let text = |text: &'a Option<Text>| text.as_deref().map(Cow::Borrowed);
        Self { title: text(title), body: text(body), image: text(image), shown: Some(written(whole)) }
    }
}

/// Takes title and body out of an APNs payload: `aps.alert` is an object, or a string that is the body.
fn take_alert(payload: &mut Map<String, Value>) -> [Option<String>; 2] {
    let Some(Value::Object(aps)) = payload.get_mut("aps") else { return [None, None] };
    match aps.get_mut("alert") {
        Some(Value::Object(alert)) => ["title", "body"].map(|key| take_string(alert, key)),
        Some(Value::String(body)) => [None, Some(std::mem::take(body))],
        _ => [None, None],
    }
}

fn take_string(map: &mut Map<String, Value>, key: &str) -> Option<String> {
    match map.get_mut(key) {
        Some(Value::String(text)) => {
            let text = std::mem::take(text);
            map.remove(key);
            Some(text)
        }
        _ => None,
    }
}

/// Bytes of all values in a JSON value, keys and punctuation not counted.
fn text_len(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(text_len).sum(),
        Value::Object(map) => map.values().map(text_len).sum(),
        scalar => scalar.to_string().len(),
    }
}
