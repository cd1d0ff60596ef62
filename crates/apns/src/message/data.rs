//! Pushes without text: their `aps` is fixed, what they say is in custom keys.

use reveille_payload::Cut;

use super::custom::Custom;
use super::push::{apply_keys, check_custom, cuttable};
use super::{
    BackgroundPriority, Cuttable, Delivery, DeliveryHeaders, Expiration, InvalidNotification, Priority, Push,
    PushType, Sacrifice, WakingPriority, checked_struct, delivery_setters, sealed,
};

macro_rules! data_push {
    ($(#[$doc:meta])* $name:ident, $priority:ty, aps: $aps:literal, defaults: $defaults:expr) => {
        checked_struct! {
            $(#[$doc])*
            ///
            /// JSON form: `custom`, `optional_custom`, `delivery`, all optional.
            pub struct $name {
                #[serde(default, skip_serializing_if = "Custom::is_empty")]
                custom: Custom,
                #[serde(default, skip_serializing_if = "Custom::is_empty")]
                optional_custom: Custom,
                #[serde(default, skip_serializing_if = "Delivery::is_default")]
                delivery: Delivery<$priority>,
            }
        }

        impl $name {
            delivery_setters!($priority, custom);

            /// Makes a push that carries nothing yet.
            #[must_use]
            pub fn new() -> Self {
                Self { custom: Custom::default(), optional_custom: Custom::default(), delivery: Delivery::default() }
            }

            fn check(&self) -> Result<(), InvalidNotification> {
                check_custom(&self.custom, &self.optional_custom)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl sealed::Sealed for $name {}

        impl Push for $name {
            fn push_type(&self) -> PushType {
                PushType::$name
            }

            fn delivery_headers(&self) -> DeliveryHeaders<'_> {
                self.delivery.headers().or($defaults)
            }

            fn write_payload(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(concat!("{\"aps\":", $aps).as_bytes());
                out.extend_from_slice(self.custom.json());
                out.extend_from_slice(self.optional_custom.json());
                out.push(b'}');
            }

            fn size_hint(&self) -> usize {
                $aps.len() + 8 + self.custom.json().len() + self.optional_custom.json().len()
            }

            fn cuttable(&self) -> Vec<Cuttable<'_>> {
                cuttable(&self.optional_custom, [])
            }

            fn apply(&mut self, cuts: &[(Sacrifice, &Cut)]) {
                apply_keys(cuts, &mut self.optional_custom);
            }
        }
    };
}

data_push!(
    /// Wakes the app for some seconds of work. Use it to fetch data ahead of time; it shows nothing, and its priority
    /// is always 5.
    ///
    /// Not more than two or three an hour per device; the system drops the rest.
    ///
    /// ```
    /// use reveille_apns::{Background, Push as _};
    /// let cancel = Background::new().with_custom("action", "cancel_ring")?.with_custom("conversationId", "c-1")?;
    /// assert_eq!(
    ///     cancel.payload(),
    ///     br#"{"aps":{"content-available":1},"action":"cancel_ring","conversationId":"c-1"}"#
    /// );
    /// # Ok::<(), reveille_apns::Error>(())
    /// ```
    ///
    /// Priority 10 does not compile:
    ///
    /// ```compile_fail
    /// use reveille_apns::{Background, Priority};
    /// let push = Background::new().with_priority(Priority::Immediate);
    /// ```
    Background, BackgroundPriority, aps: "{\"content-available\":1}",
    defaults: (Some(Priority::Considerate), Expiration::Unset)
);

data_push!(
    /// An incoming call, delivered to the app through PushKit; 5,120 bytes are allowed. The app must report a call
    /// to the system for every one it gets, so a call that is over must not be sent as one.
    ///
    /// ```
    /// use reveille_apns::{Expiration, Push as _, Voip};
    /// let ring = Voip::new().with_expiration(Expiration::Once).with_custom("conversationId", "c-1")?;
    /// assert_eq!(ring.payload(), br#"{"aps":{},"conversationId":"c-1"}"#);
    /// # Ok::<(), reveille_apns::Error>(())
    /// ```
    Voip, Priority, aps: "{}", defaults: (None, Expiration::Unset)
);

data_push!(
    /// Data for a watchOS complication: use it to bring what a watch face shows up to date.
    Complication, Priority, aps: "{}", defaults: (None, Expiration::Unset)
);

data_push!(
    /// Asks a Location Push Service extension for the device's position. Use it with provider tokens: with a
    /// certificate it does not work.
    Location, WakingPriority, aps: "{}", defaults: (None, Expiration::Unset)
);

data_push!(
    /// Push to Talk. Priority 10 and one attempt are the default, as Apple wants them: speech is of no use later.
    PushToTalk, Priority, aps: "{}",
    defaults: (Some(Priority::Immediate), Expiration::Once)
);

data_push!(
    /// Reloads a control of the app (Control Centre, Lock Screen): send it when the state that the control shows has
    /// changed.
    Controls, Priority, aps: "{\"content-changed\":true}", defaults: (None, Expiration::Unset)
);

data_push!(
    /// Reloads the app's widgets (iOS 26): send it when the data that they show has changed.
    Widgets, Priority, aps: "{\"content-changed\":true}", defaults: (None, Expiration::Unset)
);
