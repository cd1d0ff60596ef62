//! The notification that all platforms share.

use super::text::Text;
use crate::json::json_object;

json_object! {
    /// What every platform shows unless its own part says otherwise.
    pub struct Notification {
        /// Title.
        title: Text = "title" | "title",
        /// Body.
        body: Text = "body" | "body",
        /// URL of an image that the device downloads; on Android at most 1 MB.
        image: Text = "image" | "image",
    }
}
