//! `AndroidNotification`.

use super::{LightSettings, NotificationPriority, Proxy, Rgb, Visibility};
use crate::message::{ProtoDuration, Text, Timestamp};
use crate::schema::json_object;

json_object! {
    /// What an Android device shows, for
    /// [`AndroidConfig::with_notification`](super::AndroidConfig::with_notification): use it where Android's
    /// notification differs from the shared [`Notification`](crate::Notification).
    ///
    /// ```
    /// use reveille_fcm::android::{AndroidNotification, Rgb};
    ///
    /// let shown = AndroidNotification::new().with_channel_id("calls").with_color("#ff8800".parse::<Rgb>()?);
    /// assert_eq!(serde_json::to_string(&shown)?, r##"{"color":"#ff8800","channelId":"calls"}"##);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub struct AndroidNotification {
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
        /// Whether the system may show it in the app's place.
        proxy, with_proxy: Proxy = "proxy" | "proxy",
        /// Replaced by `proxy`; Google calls it deprecated.
        bypass_proxy_notification, with_bypass_proxy_notification: bool = "bypassProxyNotification" | "bypass_proxy_notification",
    }
}
