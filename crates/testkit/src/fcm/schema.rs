//! The schema of the v1 API (Google's discovery document, revision 20261023) as a table, so that a request can be checked
//! without reading the document. A test of `reveille-fcm` compares the two.

/// An object of FCM's schema as a table; [`validate`](super::validate) checks a request with it.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "plain data for tests")]
pub struct Object {
    /// Its name in the document.
    pub name: &'static str,
    /// Its fields: name in `lowerCamelCase`, and what it holds.
    pub fields: &'static [(&'static str, Kind)],
}

/// What a field of the schema holds; [`Object::fields`](super::schema::Object::fields) pairs it with the field's
/// name.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums, reason = "tests match all of it")]
pub enum Kind {
    /// A string.
    Text,
    /// A boolean.
    Bool,
    /// A number without a fraction, 32 bits, signed.
    Int32,
    /// A number.
    Float,
    /// Seconds with an `s` behind them.
    Duration,
    /// RFC 3339.
    Time,
    /// A list of strings.
    Texts,
    /// A list of durations.
    Durations,
    /// Strings to strings.
    TextMap,
    /// Any object.
    Any,
    /// One of these strings.
    Enum(&'static [&'static str]),
    /// Another object of the schema.
    Object(&'static Object),
}

/// All objects of a request.
pub const OBJECTS: &[&Object] = &[
    &SEND_MESSAGE_REQUEST,
    &MESSAGE,
    &NOTIFICATION,
    &ANDROID_CONFIG,
    &ANDROID_NOTIFICATION,
    &ANDROID_CONFIG_V2,
    &ANDROID_REMOTE_NOTIFICATION,
    &ANDROID_BACKGROUND_SYNC_MESSAGE,
    &ANDROID_NOTIFICATION_V2,
    &LIGHT_SETTINGS,
    &ANDROID_NOTIFICATION_V2_LIGHT_SETTINGS,
    &COLOR,
    &ANDROID_FCM_OPTIONS,
    &WEBPUSH_CONFIG,
    &WEBPUSH_FCM_OPTIONS,
    &APNS_CONFIG,
    &APNS_FCM_OPTIONS,
    &FCM_OPTIONS,
    &TOPIC_SUBSCRIPTION,
];

/// The body of `messages:send`.
pub const SEND_MESSAGE_REQUEST: Object = Object {
    name: "SendMessageRequest",
    fields: &[("message", Kind::Object(&MESSAGE)), ("validateOnly", Kind::Bool)],
};

const MESSAGE: Object = Object {
    name: "Message",
    fields: &[
        ("android", Kind::Object(&ANDROID_CONFIG)),
        ("androidV2", Kind::Object(&ANDROID_CONFIG_V2)),
        ("apns", Kind::Object(&APNS_CONFIG)),
        ("condition", Kind::Text),
        ("data", Kind::TextMap),
        ("fcmOptions", Kind::Object(&FCM_OPTIONS)),
        ("fid", Kind::Text),
        ("name", Kind::Text),
        ("notification", Kind::Object(&NOTIFICATION)),
        ("token", Kind::Text),
        ("topic", Kind::Text),
        ("webpush", Kind::Object(&WEBPUSH_CONFIG)),
    ],
};

const NOTIFICATION: Object = Object {
    name: "Notification",
    fields: &[("body", Kind::Text), ("image", Kind::Text), ("title", Kind::Text)],
};

const ANDROID_CONFIG: Object = Object {
    name: "AndroidConfig",
    fields: &[
        ("bandwidthConstrainedOk", Kind::Bool),
        ("collapseKey", Kind::Text),
        ("data", Kind::TextMap),
        ("directBootOk", Kind::Bool),
        ("fcmOptions", Kind::Object(&ANDROID_FCM_OPTIONS)),
        ("notification", Kind::Object(&ANDROID_NOTIFICATION)),
        ("priority", Kind::Enum(&["NORMAL", "HIGH"])),
        ("restrictedPackageName", Kind::Text),
        ("restrictedSatelliteOk", Kind::Bool),
        ("ttl", Kind::Duration),
    ],
};

const ANDROID_NOTIFICATION: Object = Object {
    name: "AndroidNotification",
    fields: &[
        ("body", Kind::Text),
        ("bodyLocArgs", Kind::Texts),
        ("bodyLocKey", Kind::Text),
        ("bypassProxyNotification", Kind::Bool),
        ("channelId", Kind::Text),
        ("clickAction", Kind::Text),
        ("color", Kind::Text),
        ("defaultLightSettings", Kind::Bool),
        ("defaultSound", Kind::Bool),
        ("defaultVibrateTimings", Kind::Bool),
        ("eventTime", Kind::Time),
        ("icon", Kind::Text),
        ("image", Kind::Text),
        ("lightSettings", Kind::Object(&LIGHT_SETTINGS)),
        ("localOnly", Kind::Bool),
        ("notificationCount", Kind::Int32),
        (
            "notificationPriority",
            Kind::Enum(&[
                "PRIORITY_UNSPECIFIED",
                "PRIORITY_MIN",
                "PRIORITY_LOW",
                "PRIORITY_DEFAULT",
                "PRIORITY_HIGH",
                "PRIORITY_MAX",
            ]),
        ),
        ("proxy", Kind::Enum(&["PROXY_UNSPECIFIED", "ALLOW", "DENY", "IF_PRIORITY_LOWERED"])),
        ("sound", Kind::Text),
        ("sticky", Kind::Bool),
        ("tag", Kind::Text),
        ("ticker", Kind::Text),
        ("title", Kind::Text),
        ("titleLocArgs", Kind::Texts),
        ("titleLocKey", Kind::Text),
        ("vibrateTimings", Kind::Durations),
        ("visibility", Kind::Enum(&["VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"])),
    ],
};

const ANDROID_CONFIG_V2: Object = Object {
    name: "AndroidConfigV2",
    fields: &[
        ("backgroundSync", Kind::Object(&ANDROID_BACKGROUND_SYNC_MESSAGE)),
        ("bandwidthConstrainedOk", Kind::Bool),
        ("collapseKey", Kind::Text),
        ("data", Kind::TextMap),
        ("directBootOk", Kind::Bool),
        ("fcmOptions", Kind::Object(&ANDROID_FCM_OPTIONS)),
        ("remoteNotification", Kind::Object(&ANDROID_REMOTE_NOTIFICATION)),
        ("restrictedPackageName", Kind::Text),
        ("restrictedSatelliteOk", Kind::Bool),
        ("ttl", Kind::Duration),
    ],
};

const ANDROID_REMOTE_NOTIFICATION: Object = Object {
    name: "AndroidRemoteNotification",
    fields: &[
        ("mutableContent", Kind::Bool),
        ("notification", Kind::Object(&ANDROID_NOTIFICATION_V2)),
        ("useAsV1DataMessage", Kind::Bool),
    ],
};

const ANDROID_BACKGROUND_SYNC_MESSAGE: Object = Object { name: "AndroidBackgroundSyncMessage", fields: &[] };

const ANDROID_NOTIFICATION_V2: Object = Object {
    name: "AndroidNotificationV2",
    fields: &[
        ("body", Kind::Text),
        ("bodyLocArgs", Kind::Texts),
        ("bodyLocKey", Kind::Text),
        ("channelId", Kind::Text),
        ("clickAction", Kind::Text),
        ("color", Kind::Text),
        ("defaultLightSettings", Kind::Bool),
        ("defaultSound", Kind::Bool),
        ("defaultVibrateTimings", Kind::Bool),
        ("eventTime", Kind::Time),
        ("icon", Kind::Text),
        ("id", Kind::Int32),
        ("image", Kind::Text),
        ("lightSettings", Kind::Object(&ANDROID_NOTIFICATION_V2_LIGHT_SETTINGS)),
        ("localOnly", Kind::Bool),
        ("notificationCount", Kind::Int32),
        (
            "notificationPriority",
            Kind::Enum(&[
                "PRIORITY_UNSPECIFIED",
                "PRIORITY_MIN",
                "PRIORITY_LOW",
                "PRIORITY_DEFAULT",
                "PRIORITY_HIGH",
                "PRIORITY_MAX",
            ]),
        ),
        ("sound", Kind::Text),
        ("sticky", Kind::Bool),
        ("tag", Kind::Text),
        ("ticker", Kind::Text),
        ("title", Kind::Text),
        ("titleLocArgs", Kind::Texts),
        ("titleLocKey", Kind::Text),
        ("vibrateTimings", Kind::Durations),
        ("visibility", Kind::Enum(&["VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"])),
    ],
};

const LIGHT_SETTINGS: Object = Object {
    name: "LightSettings",
    fields: &[
        ("color", Kind::Object(&COLOR)),
        ("lightOffDuration", Kind::Duration),
        ("lightOnDuration", Kind::Duration),
    ],
};

const ANDROID_NOTIFICATION_V2_LIGHT_SETTINGS: Object = Object {
    name: "GoogleFirebaseFcmV1AndroidNotificationV2LightSettings",
    fields: &[
        ("color", Kind::Object(&COLOR)),
        ("lightOffDuration", Kind::Duration),
        ("lightOnDuration", Kind::Duration),
    ],
};

const COLOR: Object = Object {
    name: "Color",
    fields: &[("alpha", Kind::Float), ("blue", Kind::Float), ("green", Kind::Float), ("red", Kind::Float)],
};

const ANDROID_FCM_OPTIONS: Object =
    Object { name: "AndroidFcmOptions", fields: &[("analyticsLabel", Kind::Text)] };

const WEBPUSH_CONFIG: Object = Object {
    name: "WebpushConfig",
    fields: &[
        ("data", Kind::TextMap),
        ("fcmOptions", Kind::Object(&WEBPUSH_FCM_OPTIONS)),
        ("headers", Kind::TextMap),
        ("notification", Kind::Any),
    ],
};

const WEBPUSH_FCM_OPTIONS: Object =
    Object { name: "WebpushFcmOptions", fields: &[("analyticsLabel", Kind::Text), ("link", Kind::Text)] };

const APNS_CONFIG: Object = Object {
    name: "ApnsConfig",
    fields: &[
        ("fcmOptions", Kind::Object(&APNS_FCM_OPTIONS)),
        ("headers", Kind::TextMap),
        ("liveActivityToken", Kind::Text),
        ("payload", Kind::Any),
    ],
};

const APNS_FCM_OPTIONS: Object =
    Object { name: "ApnsFcmOptions", fields: &[("analyticsLabel", Kind::Text), ("image", Kind::Text)] };

const FCM_OPTIONS: Object = Object { name: "FcmOptions", fields: &[("analyticsLabel", Kind::Text)] };

const TOPIC_SUBSCRIPTION: Object = Object {
    name: "TopicSubscription",
    fields: &[("createTime", Kind::Time), ("name", Kind::Text), ("topicName", Kind::Text)],
};

/// A name in `lowerCamelCase`; both spellings are legal in proto3's JSON mapping.
#[must_use]
pub fn camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut up = false;
    for c in name.chars() {
        match c {
            '_' => up = true,
            c if up => {
                out.extend(c.to_uppercase());
                up = false;
            }
            c => out.push(c),
        }
    }
    out
}

/// Returns a name in `snake_case`, as Google's other clients write it.
#[must_use]
pub fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}
