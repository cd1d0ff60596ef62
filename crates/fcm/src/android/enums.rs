//! The enumerations of the Android part.

use crate::schema::json_enum;

json_enum! {
    /// When FCM delivers to an Android device (`AndroidMessagePriority`): use `High` for what the user sees at once;
    /// FCM lowers the priority of apps that use it for anything else.
    pub enum AndroidPriority {
        /// When it suits the device; a sleeping one is not woken.
        Normal = "NORMAL",
        /// At once, waking the device. For what the user sees; misuse is demoted.
        High = "HIGH",
    }
}

json_enum! {
    /// How prominent a notification is on Android 7.1 and older; newer ones look at the channel, so set both if old
    /// devices matter.
    pub enum NotificationPriority {
        /// Nothing is said; the default applies.
        Unspecified = "PRIORITY_UNSPECIFIED",
        /// Only in detail views.
        Min = "PRIORITY_MIN",
        /// Shown smaller.
        Low = "PRIORITY_LOW",
        /// The default prominence.
        Default = "PRIORITY_DEFAULT",
        /// Shown larger.
        High = "PRIORITY_HIGH",
        /// Needs attention now.
        Max = "PRIORITY_MAX",
    }
}

json_enum! {
    /// What a locked screen shows of a notification: use `Private` or `Secret` where others may look at it.
    pub enum Visibility {
        /// Nothing is said; the default applies.
        Unspecified = "VISIBILITY_UNSPECIFIED",
        /// That there is a notification, not what it says.
        Private = "PRIVATE",
        /// The whole notification is shown.
        Public = "PUBLIC",
        /// The notification is not shown.
        Secret = "SECRET",
    }
}

json_enum! {
    /// Whether the system may show the notification in the app's place, for
    /// [`AndroidNotification::with_proxy`](super::AndroidNotification::with_proxy).
    pub enum Proxy {
        /// Not said: allowed if the message's priority was lowered.
        Unspecified = "PROXY_UNSPECIFIED",
        /// The system may show it.
        Allow = "ALLOW",
        /// The system must leave it to the app.
        Deny = "DENY",
        /// Allowed if the message's priority was lowered.
        IfPriorityLowered = "IF_PRIORITY_LOWERED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_admin_sdks_lower_case_is_read() {
        assert_eq!(serde_json::from_str::<AndroidPriority>("\"high\"").unwrap(), AndroidPriority::High);
        assert_eq!(AndroidPriority::High.as_str(), "HIGH");
        assert!(serde_json::from_str::<AndroidPriority>("\"urgent\"").is_err());
    }
}
