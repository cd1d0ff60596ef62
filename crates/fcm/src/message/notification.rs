//! The notification that all platforms share.

use super::text::Text;
use crate::schema::json_object;

json_object! {
    /// What every platform shows unless its own part of the message says otherwise: title, body, image. Leave it out
    /// of messages that the app is to handle by itself.
    pub struct Notification {
        /// Title.
        title, with_title: Text = "title" | "title",
        /// Body.
        body, with_body: Text = "body" | "body",
        /// URL of an image that the device downloads; on Android at most 1 MB.
        image, with_image: Text = "image" | "image",
    }
}
