//! Live Activities, on one device.

use reveille_core::UnixTime;
use reveille_payload::Cut;

use super::Activity;
use crate::message::{
    Custom, Cuttable, Delivery, DeliveryHeaders, InvalidNotification, Push, PushType, Sacrifice,
    WakingPriority, apply_keys, apply_texts, check_custom, checked_struct, cuttable, delivery_setters,
    sealed,
};

checked_struct! {
    /// Starts, updates or ends a Live Activity on one device. For all who follow a channel, see
    /// [`Broadcast`](crate::channel::Broadcast).
    ///
    /// Priority 10 counts toward an hourly budget, 5 does not.
    ///
    /// ```
    /// use reveille_apns::live_activity::{ActivityUpdate, LiveActivity};
    /// use reveille_apns::message::WakingPriority;
    /// use reveille_apns::{JsonObject, Push as _};
    /// use reveille_core::UnixTime;
    ///
    /// let state = JsonObject::from_json(br#"{"position":2}"#)?;
    /// let update = ActivityUpdate::new(state, UnixTime::from_secs(1_700_000_000))
    ///     .with_stale_date(UnixTime::from_secs(1_700_000_600));
    /// let push = LiveActivity::new(update).with_priority(WakingPriority::Considerate);
    /// assert_eq!(
    ///     push.payload(),
    ///     br#"{"aps":{"timestamp":1700000000,"event":"update","content-state":{"position":2},"stale-date":1700000600}}"#
    /// );
    /// # Ok::<(), reveille_apns::Error>(())
    /// ```
    ///
    /// JSON form: `activity` (with `event`: `start`, `update` or `end`; see [`Activity`]), and optionally `custom`,
    /// `optional_custom`, `delivery`.
    pub struct LiveActivity<'a> {
        activity: Activity<'a>,
        #[serde(default, skip_serializing_if = "Custom::is_empty")]
        custom: Custom,
        #[serde(default, skip_serializing_if = "Custom::is_empty")]
        optional_custom: Custom,
        #[serde(default, skip_serializing_if = "Delivery::is_default")]
        delivery: Delivery<WakingPriority>,
    }
}

impl<'a> LiveActivity<'a> {
    delivery_setters!(WakingPriority, custom);

    /// One event of an activity.
    pub fn new(activity: impl Into<Activity<'a>>) -> Self {
        Self {
            activity: activity.into(),
            custom: Custom::default(),
            optional_custom: Custom::default(),
            delivery: Delivery::default(),
        }
    }

    fn check(&self) -> Result<(), InvalidNotification> {
        check_custom(&self.custom, &self.optional_custom)
    }
}

impl sealed::Sealed for LiveActivity<'_> {}

impl Push for LiveActivity<'_> {
    fn push_type(&self) -> PushType {
        PushType::LiveActivity
    }

    fn delivery_headers(&self) -> DeliveryHeaders<'_> {
        self.delivery.headers()
    }

    fn write_payload(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"aps\":");
        self.activity.write_aps(out);
        out.extend_from_slice(self.custom.json());
        out.extend_from_slice(self.optional_custom.json());
        out.push(b'}');
    }

    fn size_hint(&self) -> usize {
        self.activity.size_hint() + self.custom.json().len() + self.optional_custom.json().len()
    }

    fn cuttable(&self) -> Vec<Cuttable<'_>> {
        cuttable(&self.optional_custom, self.activity.texts())
    }

    fn apply(&mut self, cuts: &[(Sacrifice, &Cut)]) {
        apply_keys(cuts, &mut self.optional_custom);
        apply_texts(cuts, self.activity.texts_mut());
    }

    fn times(&self) -> Vec<(&'static str, UnixTime)> {
        self.activity.times()
    }
}
