//! A payload that the caller has written.

use reveille_payload::{Cut, Part};
use serde::Deserialize;

use super::{Delivery, DeliveryHeaders, InvalidNotification, Push, checked_struct, sealed};
use crate::{Expiration, JsonObject, Priority, PushType};

checked_struct! {
    /// The way round the typed notifications: a payload of the caller's own, for what Apple invents tomorrow.
    ///
    /// Still checked: that it is a JSON object, that it has an `aps` object (File Provider and MDM excepted), its
    /// size, that a background push only wakes the app, and the priority.
    ///
    /// ```
    /// use reveille_apns::{JsonObject, Push as _, PushType, Raw};
    /// let payload = JsonObject::from_json(br#"{"aps":{"alert":"hi","key-of-tomorrow":1}}"#)?;
    /// let push = Raw::new(PushType::Alert, payload)?;
    /// assert_eq!(push.payload(), br#"{"aps":{"alert":"hi","key-of-tomorrow":1}}"#);
    /// # Ok::<(), reveille_apns::InvalidNotification>(())
    /// ```
    ///
    /// JSON form: `type` (a push type), `payload`, and optionally `delivery`.
    pub struct Raw {
        r#type: PushType,
        payload: JsonObject,
        #[serde(default, skip_serializing_if = "Delivery::is_default")]
        delivery: Delivery<Priority>,
    }
}

impl Raw {
    /// A payload as it is to be sent.
    ///
    /// # Errors
    /// [`InvalidNotification`] if `aps` is missing, or a background push would do more than wake the app.
    pub fn new(push_type: PushType, payload: JsonObject) -> Result<Self, InvalidNotification> {
        let push = Self { r#type: push_type, payload, delivery: Delivery::default() };
        push.check()?;
        Ok(push)
    }

    /// Sets all of the delivery's headers.
    ///
    /// # Errors
    /// [`InvalidNotification::Priority`] if the push type does not have that priority.
    pub fn delivery(mut self, delivery: Delivery<Priority>) -> Result<Self, InvalidNotification> {
        self.delivery = delivery;
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), InvalidNotification> {
        #[derive(Deserialize)]
        struct Payload {
            aps: Option<serde_json::Map<String, serde_json::Value>>,
        }

        let push_type = self.r#type;
        let priority = self.delivery.priority.map(u8::from);
        let allowed: &[u8] = match push_type {
            PushType::Background => &[5],
            PushType::LiveActivity | PushType::Location => &[10, 5],
            _ => &[10, 5, 1],
        };
        if let Some(priority) = priority.filter(|priority| !allowed.contains(priority)) {
            return Err(InvalidNotification::Priority { push_type, priority });
        }
        if matches!(push_type, PushType::FileProvider | PushType::Mdm) {
            return Ok(());
        }
        let payload: Payload = serde_json::from_slice(self.payload.as_bytes())
            .map_err(|_| InvalidNotification::NoAps { push_type })?;
        let aps = payload.aps.ok_or(InvalidNotification::NoAps { push_type })?;
        let only_wakes = || aps.len() == 1 && aps.get("content-available") == Some(&1.into());
        if push_type == PushType::Background && !only_wakes() {
            return Err(InvalidNotification::BackgroundAps);
        }
        Ok(())
    }
}

impl sealed::Sealed for Raw {}

impl Push for Raw {
    fn push_type(&self) -> PushType {
        self.r#type
    }

    fn delivery_headers(&self) -> DeliveryHeaders<'_> {
        let priority = (self.r#type == PushType::Background).then_some(Priority::Considerate);
        self.delivery.headers().or((priority, Expiration::Unset))
    }

    fn write_payload(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.payload.as_bytes());
    }

    fn size_hint(&self) -> usize {
        self.payload.as_bytes().len()
    }

    fn parts(&self) -> Vec<Part<'_>> {
        vec![Part::fixed("payload", self.payload.as_bytes().len())]
    }

    fn apply(&mut self, _cuts: &[Cut]) {}
}
