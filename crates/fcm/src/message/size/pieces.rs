//! A message on one platform, as a list of sized pieces.

use std::borrow::Cow;

use reveille_payload::{Part, escaped_len};
use serde_json::{Map, Value};

use super::{Platform, SizeMode};
use crate::json::Json;
use crate::message::android::{AndroidMessageV2, AndroidNotification, AndroidNotificationV2};
use crate::{Android, Data, JsonObject, Message, Notification};

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
    /// Everything that is never cut.
    Rest(&'static str),
}

#[derive(Clone, Debug)]
pub(super) struct Piece<'a> {
    pub(super) field: Field<'a>,
    pub(super) origin: Origin,
    pub(super) bytes: usize,
    pub(super) text: Cow<'a, str>,
}

impl Piece<'_> {
    pub(super) fn name(&self) -> String {
        match &self.field {
            Field::Title => "title".to_owned(),
            Field::Body => "body".to_owned(),
            Field::Image => "image".to_owned(),
            Field::Data(key) => format!("data.{key}"),
            Field::Rest(name) => (*name).to_owned(),
        }
    }
}

/// All pieces of a message on a platform.
pub(super) struct Pieces<'a> {
    pub(super) list: Vec<Piece<'a>>,
    mode: SizeMode,
}

impl<'a> Pieces<'a> {
    pub(super) fn of(message: &'a Message, platform: Platform, mode: SizeMode) -> Self {
        let mut pieces = Self { list: Vec::new(), mode };
        match platform {
            Platform::Android => pieces.android(message),
            Platform::Apns => pieces.apns(message),
            Platform::Webpush => pieces.webpush(message),
        }
        pieces
    }

    pub(super) fn size(&self) -> usize {
        self.list.iter().map(|piece| piece.bytes).fold(0, usize::saturating_add)
    }

    pub(super) fn fixed_parts(&self) -> Vec<Part<'static>> {
        self.list.iter().map(|piece| Part::fixed(piece.name(), piece.bytes)).collect()
    }

    fn android(&mut self, message: &'a Message) {
        let (data, notification) = match &message.android {
            None => (None, None),
            Some(Android::V1(config)) => {
                (config.data.as_ref(), config.notification.as_deref().map(AndroidTexts::of_v1))
            }
            Some(Android::V2(config)) => {
                let shown = match &config.message {
                    Some(AndroidMessageV2::RemoteNotification(remote)) => remote.notification.as_deref(),
                    _ => None,
                };
                (config.data.as_ref(), shown.map(AndroidTexts::of_v2))
            }
        };
        self.data(message.data.as_ref(), data);
        let own = notification.unwrap_or_default();
        self.notification(message.notification.as_ref(), own.title, own.body, own.image);
        if let Some(rest) = own.rest {
            self.object("android.notification", &rest);
        }
    }

    fn apns(&mut self, message: &'a Message) {
        let payload = message.apns.as_ref().and_then(|apns| apns.payload.as_ref());
        let mut map = payload.map(JsonObject::to_map).unwrap_or_default();
        let [title, body] = take_alert(&mut map);
        self.data(message.data.as_ref(), None);
        self.notification(message.notification.as_ref(), title.map(Cow::Owned), body.map(Cow::Owned), None);
        if !map.is_empty() {
            // Apple counts the payload, whatever FCM counts.
            let bytes = Value::from(map).to_string().len();
            self.push(Field::Rest("apns.payload"), Origin::Own, bytes, "");
        }
        if self.mode == SizeMode::Strict {
            self.push(Field::Rest("what FCM adds"), Origin::Own, APNS_ADDED, "");
        }
    }

    fn webpush(&mut self, message: &'a Message) {
        let own = message.webpush.as_deref();
        let mut map =
            own.and_then(|own| own.notification.as_ref()).map(JsonObject::to_map).unwrap_or_default();
        let [title, body] = ["title", "body"].map(|key| take_string(&mut map, key));
        self.data(message.data.as_ref(), own.and_then(|own| own.data.as_ref()));
        self.notification(message.notification.as_ref(), title.map(Cow::Owned), body.map(Cow::Owned), None);
        if !map.is_empty() {
            self.object("webpush.notification", &map);
        }
        if let Some(link) =
            own.and_then(|own| own.fcm_options.as_ref()).and_then(|options| options.link.as_ref())
        {
            let punctuation =
                if self.mode == SizeMode::Strict { "\"fcmOptions\":{\"link\":\"\"},".len() } else { 0 };
            self.push(Field::Rest("webpush.link"), Origin::Own, link.as_str().len() + punctuation, "");
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
            self.push(Field::Rest("data"), origin, "\"data\":{},".len(), "");
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
    fn notification(
        &mut self,
        shared: Option<&'a Notification>,
        title: Option<Cow<'a, str>>,
        body: Option<Cow<'a, str>>,
        image: Option<Cow<'a, str>>,
    ) {
        let shared = |field: fn(&Notification) -> &Option<crate::Text>| {
            shared.and_then(|shared| field(shared).as_deref()).map(Cow::Borrowed)
        };
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
            self.push(Field::Rest("notification"), Origin::Shared, "\"notification\":{},".len(), "");
        }
    }

    fn object(&mut self, name: &'static str, map: &Map<String, Value>) {
        let bytes = match self.mode {
            SizeMode::Estimate => map.values().map(text_len).sum(),
            SizeMode::Strict => Value::from(map.clone()).to_string().len(),
        };
        self.push(Field::Rest(name), Origin::Own, bytes, "");
    }

    fn push(&mut self, field: Field<'a>, origin: Origin, bytes: usize, text: &'a str) {
        self.list.push(Piece { field, origin, bytes, text: text.into() });
    }
}

/// An Android notification of either form, taken apart.
#[derive(Default)]
struct AndroidTexts<'a> {
    title: Option<Cow<'a, str>>,
    body: Option<Cow<'a, str>>,
    image: Option<Cow<'a, str>>,
    rest: Option<Map<String, Value>>,
}

impl<'a> AndroidTexts<'a> {
    fn of_v1(shown: &'a AndroidNotification) -> Self {
        Self::new(&shown.title, &shown.body, &shown.image, shown)
    }

    fn of_v2(shown: &'a AndroidNotificationV2) -> Self {
        Self::new(&shown.title, &shown.body, &shown.image, shown)
    }

    fn new(
        title: &'a Option<crate::Text>,
        body: &'a Option<crate::Text>,
        image: &'a Option<crate::Text>,
        whole: &impl Json,
    ) -> Self {
        let mut json = Vec::new();
        whole.write(&mut json);
        let mut rest: Map<String, Value> = serde_json::from_slice(&json).unwrap_or_default();
        rest.retain(|key, _| !matches!(key.as_str(), "title" | "body" | "image"));
        let text = |text: &'a Option<crate::Text>| text.as_deref().map(Cow::Borrowed);
        Self {
            title: text(title),
            body: text(body),
            image: text(image),
            rest: (!rest.is_empty()).then_some(rest),
        }
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
