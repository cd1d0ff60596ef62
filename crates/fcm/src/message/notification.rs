//! The notification that all platforms share.

use super::text::Text;
use crate::schema::json_object;

json_object! {
    /// What every platform shows unless its own part of the message says otherwise: title, body, image. Leave it out
    /// when the app is to handle the message by itself.
    ///
    /// ```
    /// use reveille_fcm::{Message, Notification};
    ///
    /// let message = Message::new().with_notification(Notification::new().with_title("Anna").with_body("Hello"));
    /// assert_eq!(serde_json::to_string(&message)?, r#"{"notification":{"title":"Anna","body":"Hello"}}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub struct Notification {
        /// The title, one line.
        title, with_title: Text = "title" | "title",
        /// The text below the title.
        body, with_body: Text = "body" | "body",
        /// URL of an image that the device downloads; on Android at most 1 MB.
        image, with_image: Text = "image" | "image",
    }
}
