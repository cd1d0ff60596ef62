//! `AndroidConfig`.

use super::{AndroidNotification, AndroidPriority};
use crate::message::{Data, FcmOptions, Text, Ttl};
use crate::schema::json_object;

json_object! {
    /// Android's part of a message, in the form in use.
    ///
    /// ```
    /// use reveille_fcm::android::{AndroidConfig, AndroidPriority};
    /// use reveille_fcm::{Message, Ttl};
    ///
    /// let ring = AndroidConfig::new().with_priority(AndroidPriority::High).with_ttl(Ttl::ZERO);
    /// let message = Message::new().with_android(ring);
    /// assert_eq!(serde_json::to_string(&message)?, r#"{"android":{"priority":"HIGH","ttl":"0s"}}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub struct AndroidConfig {
        /// Of messages with the same key only the last waits for a device that is offline; at most 4 keys per device.
        collapse_key, with_collapse_key: Text = "collapseKey" | "collapse_key",
        /// Whether it wakes the device: `High` for what rings or is shown at once.
        priority, with_priority: AndroidPriority = "priority" | "priority",
        /// How long FCM keeps it for a device that is offline; 4 weeks if not set.
        ttl, with_ttl: Ttl = "ttl" | "ttl",
        /// Package name that the target's app must have.
        restricted_package_name, with_restricted_package_name: Text = "restrictedPackageName" | "restricted_package_name",
        /// Overrides the data of the message, all of it.
        data, with_data: Data = "data" | "data",
        /// What is shown on the device.
        notification, with_notification: Box<AndroidNotification> = "notification" | "notification",
        /// What the Android SDK does besides.
        fcm_options, with_fcm_options: FcmOptions = "fcmOptions" | "fcm_options",
        /// Deliver before the first unlock after a restart.
        direct_boot_ok, with_direct_boot_ok: bool = "directBootOk" | "direct_boot_ok",
        /// Deliver over a connection with little bandwidth.
        bandwidth_constrained_ok, with_bandwidth_constrained_ok: bool = "bandwidthConstrainedOk" | "bandwidth_constrained_ok",
        /// Deliver over a restricted satellite network.
        restricted_satellite_ok, with_restricted_satellite_ok: bool = "restrictedSatelliteOk" | "restricted_satellite_ok",
    }
}
