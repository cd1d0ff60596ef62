//! A payload that the caller has written.

use reveille_payload::{Cut, JsonObject};
use serde::Deserialize;

use super::{
    Cuttable, Delivery, DeliveryHeaders, Expiration, InvalidNotification, Priority, Push, PushType,
    Sacrifice, checked_struct, sealed,
};

checked_struct! {
    /// A payload of the caller's own, past the typed notifications: use it for what Apple invents tomorrow.
    ///
    /// Still checked: that it is a JSON object, its size, and for the push types that are known: that it has an `aps`
    /// object (File Provider and MDM excepted), that a background push only wakes the app, and the priority.
    ///
    /// ```
    /// use reveille_apns::message::{JsonObject, PushType};
    /// use reveille_apns::{Push as _, Raw};
    /// let payload = JsonObject::from_json(br#"{"aps":{"alert":"hi","key-of-tomorrow":1}}"#)?;
    /// let push = Raw::new(PushType::Alert, payload)?;
    /// assert_eq!(push.payload(), br#"{"aps":{"alert":"hi","key-of-tomorrow":1}}"#);
    ///
    /// let hologram = PushType::other("hologram", ".push-type.hologram")?;
    /// let push = Raw::new(hologram, JsonObject::from_json(br#"{"image":"cat"}"#)?)?;
    /// assert_eq!(push.push_type().as_str(), "hologram");
    /// # Ok::<(), reveille_apns::Error>(())
    /// ```
    ///
    /// JSON form: `type` (a push type's name, or `{"name","topic_suffix"}` of one of tomorrow), `payload`, and optionally
    /// `delivery`.
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
    pub fn with_delivery(mut self, delivery: Delivery<Priority>) -> Result<Self, InvalidNotification> {
        self.delivery = delivery;
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), InvalidNotification> {
        #[derive(Deserialize)]
        struct Payload {
            aps: Option<serde_json::Map<String, serde_json::Value>>,
        }

        let push_type = self.r#type.clone();
        let priority = self.delivery.priority.map(u8::from);
        let allowed: &[u8] = match push_type {
            PushType::Background => &[5],
            PushType::LiveActivity | PushType::Location => &[10, 5],
            _ => &[10, 5, 1],
        };
        if let Some(priority) = priority.filter(|priority| !allowed.contains(priority)) {
            return Err(InvalidNotification::Priority { push_type, priority });
        }
        if matches!(push_type, PushType::FileProvider | PushType::Mdm | PushType::Other(_)) {
            return Ok(());
        }
        let payload: Option<Payload> = serde_json::from_str(self.payload.as_str()).ok();
        let Some(aps) = payload.and_then(|payload| payload.aps) else {
            return Err(InvalidNotification::NoAps { push_type });
        };
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
        self.r#type.clone()
    }

    fn delivery_headers(&self) -> DeliveryHeaders<'_> {
        let priority = (self.r#type == PushType::Background).then_some(Priority::Considerate);
        self.delivery.headers().or((priority, Expiration::Unset))
    }

    fn write_payload(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.payload.as_str().as_bytes());
    }

    fn size_hint(&self) -> usize {
        self.payload.as_str().len()
    }

    fn cuttable(&self) -> Vec<Cuttable<'_>> {
        Vec::new()
    }

    fn apply(&mut self, _cuts: &[(Sacrifice, &Cut)]) {}
}
