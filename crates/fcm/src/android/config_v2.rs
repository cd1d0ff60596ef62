//! `AndroidConfigV2`: instead of a priority a message is either a notification for the user or a background sync.

use reveille_payload::{ObjectWriter, WriteJson, label};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{LightSettings, NotificationPriority, Rgb, Visibility};

use crate::message::{Data, FcmOptions, ProtoDuration, Text, Timestamp, Ttl};
use crate::schema::{Fields, ReadFields, json_object, read_object, set_once};

json_object! {
    /// Android's part of a message, in the form that is to replace [`AndroidConfig`](super::AndroidConfig); a preview.
    pub struct AndroidConfigV2 {
        /// Of messages with the same key only the last waits for a device that is offline; at most 4 keys per device.
        collapse_key, with_collapse_key: Text = "collapseKey" | "collapse_key",
        /// How long FCM keeps it for a device that is offline; 4 weeks if not set.
        ttl, with_ttl: Ttl = "ttl" | "ttl",
        /// Package name that the target's app must have.
        restricted_package_name, with_restricted_package_name: Text = "restrictedPackageName" | "restricted_package_name",
        /// Overrides the data of the message, all of it.
        data, with_data: Data = "data" | "data",
        /// What the Android SDK does besides.
        fcm_options, with_fcm_options: FcmOptions = "fcmOptions" | "fcm_options",
        /// Deliver before the first unlock after a restart.
        direct_boot_ok, with_direct_boot_ok: bool = "directBootOk" | "direct_boot_ok",
        /// Deliver over a connection with little bandwidth.
        bandwidth_constrained_ok, with_bandwidth_constrained_ok: bool = "bandwidthConstrainedOk" | "bandwidth_constrained_ok",
        /// Deliver over a restricted satellite network.
        restricted_satellite_ok, with_restricted_satellite_ok: bool = "restrictedSatelliteOk" | "restricted_satellite_ok",
    }
    one of {
        /// What kind of message it is, and with that how urgent.
        message, with_message: AndroidMessageV2
    }
}

/// The two kinds of a V2 message, for [`AndroidConfigV2::with_message`]: one that is shown, and one that wakes the
/// app to synchronise.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the service has these forms and no others")]
pub enum AndroidMessageV2 {
    /// For the user: delivered at once.
    RemoteNotification(Box<AndroidRemoteNotification>),
    /// For the app: may be delayed and batched.
    BackgroundSync,
}

impl From<AndroidRemoteNotification> for AndroidMessageV2 {
    fn from(notification: AndroidRemoteNotification) -> Self {
        Self::RemoteNotification(Box::new(notification))
    }
}

json_object! {
    /// A notification for the user in the V2 form: what is shown, whether the app may change it first, and what apps
    /// get that do not know V2.
    pub struct AndroidRemoteNotification {
        /// What is shown on the device.
        notification, with_notification: Box<AndroidNotificationV2> = "notification" | "notification",
        /// The app may change it before it is shown.
        mutable_content, with_mutable_content: bool = "mutableContent" | "mutable_content",
        /// Apps that do not know V2 get it as a data message.
        use_as_v1_data_message, with_use_as_v1_data_message: bool = "useAsV1DataMessage" | "use_as_v1_data_message",
    }
}

json_object! {
    /// What an Android device shows, in the V2 form, for [`AndroidRemoteNotification`]. A notification is identified
    /// by tag and id: the same pair replaces what is shown.
    pub struct AndroidNotificationV2 {
        /// Title; overrides the shared one.
        title, with_title: Text = "title" | "title",
        /// Body; overrides the shared one.
        body, with_body: Text = "body" | "body",
        /// Name of a drawable resource of the app.
        icon, with_icon: Text = "icon" | "icon",
        /// The colour of the icon.
        color, with_color: Rgb = "color" | "color",
        /// `default`, or a file in `/res/raw/` of the app. Since Android 8 the channel decides.
        sound, with_sound: Text = "sound" | "sound",
        /// A later notification with the same tag replaces this one.
        tag, with_tag: Text = "tag" | "tag",
        /// Intent filter of the activity that a click opens.
        click_action, with_click_action: Text = "clickAction" | "click_action",
        /// Key of the body in the app's string resources.
        body_loc_key, with_body_loc_key: Text = "bodyLocKey" | "body_loc_key",
        /// What goes in place of the body's format specifiers.
        body_loc_args, with_body_loc_args: Vec<Text> = "bodyLocArgs" | "body_loc_args",
        /// Key of the title in the app's string resources.
        title_loc_key, with_title_loc_key: Text = "titleLocKey" | "title_loc_key",
        /// What goes in place of the title's format specifiers.
        title_loc_args, with_title_loc_args: Vec<Text> = "titleLocArgs" | "title_loc_args",
        /// Channel (Android 8); the app must have made it. A call needs one of high importance.
        channel_id, with_channel_id: Text = "channelId" | "channel_id",
        /// A text for accessibility services.
        ticker, with_ticker: Text = "ticker" | "ticker",
        /// Stays when the user clicks it.
        sticky, with_sticky: bool = "sticky" | "sticky",
        /// When the event happened; notifications are sorted by it.
        event_time, with_event_time: Timestamp = "eventTime" | "event_time",
        /// Not to be bridged to other devices, such as a watch.
        local_only, with_local_only: bool = "localOnly" | "local_only",
        /// Prominence on Android 7.1 and older.
        notification_priority, with_notification_priority: NotificationPriority = "notificationPriority" | "notification_priority",
        /// Plays the system's default sound.
        default_sound, with_default_sound: bool = "defaultSound" | "default_sound",
        /// The system's default vibration; wins over `vibrate_timings`.
        default_vibrate_timings, with_default_vibrate_timings: bool = "defaultVibrateTimings" | "default_vibrate_timings",
        /// The system's default light; `light_settings` wins over it.
        default_light_settings, with_default_light_settings: bool = "defaultLightSettings" | "default_light_settings",
        /// Pause, buzz, pause, buzz, …
        vibrate_timings, with_vibrate_timings: Vec<ProtoDuration> = "vibrateTimings" | "vibrate_timings",
        /// What a locked screen shows.
        visibility, with_visibility: Visibility = "visibility" | "visibility",
        /// How many things this notification stands for, for launchers with badges; 0 means one more.
        notification_count, with_notification_count: i32 = "notificationCount" | "notification_count",
        /// How the notification light blinks.
        light_settings, with_light_settings: LightSettings = "lightSettings" | "light_settings",
        /// URL of an image; overrides the shared one.
        image, with_image: Text = "image" | "image",
        /// Identifies the notification together with the tag.
        id, with_id: i32 = "id" | "id",
    }
}

/// `AndroidBackgroundSyncMessage`: an object without fields.
#[derive(Default)]
struct BackgroundSync;

impl ReadFields for BackgroundSync {
    const NAME: &'static str = "AndroidBackgroundSyncMessage";

    fn read_field<'de, A: MapAccess<'de>>(&mut self, _: &str, _: &mut A) -> Result<bool, A::Error> {
        Ok(false)
    }
}

impl Serialize for BackgroundSync {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_map(Some(0))?.end()
    }
}

impl WriteJson for BackgroundSync {
    fn write_json(&self, out: &mut Vec<u8>) {
        ObjectWriter::open(out).close();
    }
}

impl<'de> Deserialize<'de> for BackgroundSync {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_object(deserializer)
    }
}

impl Fields for AndroidMessageV2 {
    fn write_fields(&self, object: &mut ObjectWriter<'_>) {
        match self {
            Self::RemoteNotification(notification) => {
                object.member(label!("remoteNotification"), notification);
            }
            Self::BackgroundSync => object.member(label!("backgroundSync"), &BackgroundSync),
        }
    }

    fn serialize_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::RemoteNotification(notification) => map.serialize_entry("remoteNotification", notification),
            Self::BackgroundSync => map.serialize_entry("backgroundSync", &BackgroundSync),
        }
    }

    fn read_field<'de, A: MapAccess<'de>>(
        slot: &mut Option<Self>,
        key: &str,
        map: &mut A,
    ) -> Result<bool, A::Error> {
        let message = match key {
            "remoteNotification" | "remote_notification" => {
                let mut notification = None;
                set_once(&mut notification, "remoteNotification", map)?;
                notification.map(Self::RemoteNotification)
            }
            "backgroundSync" | "background_sync" => {
                let mut sync: Option<BackgroundSync> = None;
                set_once(&mut sync, "backgroundSync", map)?;
                sync.map(|_| Self::BackgroundSync)
            }
            _ => return Ok(false),
        };
        if let Some(message) = message
            && slot.replace(message).is_some()
        {
            return Err(A::Error::custom("`remoteNotification` and `backgroundSync` exclude each other"));
        }
        Ok(true)
    }
}
