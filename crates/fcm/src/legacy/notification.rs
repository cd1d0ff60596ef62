//! The `notification` of a legacy request: one list of fields that meant different things on different platforms.

use serde_json::{Map, Value};

use super::Note;
use crate::android::{AndroidConfig, AndroidNotification, Rgb};
use crate::message::text::quoted;
use crate::message::{ApnsHeaders, HttpsUrl, Notification, Text, WebpushHeaders};

/// What a legacy request says about each platform.
#[derive(Default)]
pub(super) struct Platforms {
    pub(super) android: AndroidConfig,
    pub(super) apns_headers: ApnsHeaders,
    pub(super) aps: Map<String, Value>,
    pub(super) alert: Map<String, Value>,
    pub(super) webpush_headers: WebpushHeaders,
    pub(super) web_notification: Map<String, Value>,
    pub(super) link: Option<HttpsUrl>,
}

pub(super) fn convert(
    mut old: Map<String, Value>,
    platforms: &mut Platforms,
    notes: &mut Vec<Note>,
) -> Option<Notification> {
    let mut android = AndroidNotification::new();
    let mut shared = Notification::new();
    let mut note = |field: &str, lost: bool, why: String| {
        notes.push(Note { field: format!("notification.{}", quoted(field)), lost, why: why.into() });
    };
    let mut text = |key: &str, note: &mut dyn FnMut(&str, bool, String)| match old.remove(key)? {
        Value::String(text) => Some(Text::Owned(text)),
        Value::Null => None,
        _ => {
            note(key, true, "is not a string".to_owned());
            None
        }
    };
    shared.title = text("title", &mut note);
    shared.body = text("body", &mut note);
    shared.image = text("image", &mut note);
    android.channel_id = text("android_channel_id", &mut note);
    android.icon = text("icon", &mut note);
    if let Some(icon) = android.icon.as_deref().filter(|icon| icon.starts_with("https://")) {
        platforms.web_notification.insert("icon".into(), icon.into());
    }
    if let Some(color) = text("color", &mut note) {
        match color.parse::<Rgb>() {
            Ok(color) => android.color = Some(color),
            Err(error) => note("color", true, error.to_string()),
        }
    }
    android.tag = text("tag", &mut note);
    if let Some(tag) = &android.tag {
        platforms.web_notification.insert("tag".into(), tag.as_ref().into());
    }
    android.sound = text("sound", &mut note);
    if let Some(sound) = &android.sound {
        platforms.aps.insert("sound".into(), sound.as_ref().into());
    }
    android.click_action = text("click_action", &mut note);
    if let Some(action) = &android.click_action {
        match HttpsUrl::new(action.clone()) {
            Ok(link) => platforms.link = Some(link),
            Err(_) => {
                platforms.aps.insert("category".into(), action.as_ref().into());
            }
        }
    }
    if let Some(subtitle) = text("subtitle", &mut note) {
        platforms.alert.insert("subtitle".into(), subtitle.into());
    }
    for (key, apple, slot) in [
        ("title_loc_key", "title-loc-key", &mut android.title_loc_key),
        ("body_loc_key", "loc-key", &mut android.body_loc_key),
    ] {
        *slot = text(key, &mut note);
        if let Some(value) = slot {
            platforms.alert.insert(apple.into(), value.as_ref().into());
        }
    }
    for (key, apple, slot) in [
        ("title_loc_args", "title-loc-args", &mut android.title_loc_args),
        ("body_loc_args", "loc-args", &mut android.body_loc_args),
    ] {
        match old.remove(key).map(arguments) {
            Some(Some(args)) => {
                platforms
                    .alert
                    .insert(apple.into(), args.iter().map(AsRef::as_ref).collect::<Vec<&str>>().into());
                *slot = Some(args);
            }
            Some(None) => note(key, true, "is not a list of strings".to_owned()),
            None => {}
        }
    }
    match old.remove("badge").map(|badge| number(&badge)) {
        Some(Some(badge)) => {
            platforms.aps.insert("badge".into(), badge.into());
        }
        Some(None) => note("badge", true, "is not a number".to_owned()),
        None => {}
    }
    for (key, value) in old {
        if !value.is_null() {
            note(&key, true, "unknown field".to_owned());
        }
    }
    // An alert object replaces the shared texts on Apple devices, so they are repeated in it.
    if !platforms.alert.is_empty() {
        for (key, value) in [("title", &shared.title), ("body", &shared.body)] {
            if let Some(value) = value {
                platforms.alert.insert(key.into(), value.as_ref().into());
            }
        }
    }
    if android != AndroidNotification::default() {
        platforms.android.notification = Some(Box::new(android));
    }
    (shared != Notification::default()).then_some(shared)
}

/// The old API took lists, and also lists as JSON text.
fn arguments(value: Value) -> Option<Vec<Text>> {
    let list = match value {
        Value::String(text) => serde_json::from_str(&text).ok()?,
        other => other,
    };
    let Value::Array(items) = list else { return None };
    items
        .into_iter()
        .map(|item| match item {
            Value::String(text) => Some(Text::Owned(text)),
            _ => None,
        })
        .collect()
}

/// A badge was a string.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| u32::try_from(number).ok()),
    }
}
