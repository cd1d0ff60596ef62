//! The headers that the sender chooses.

use serde::{Deserialize, Serialize};

use super::{ApnsId, CollapseId, Expiration, Priority, PriorityChoice};

/// How a push is to be delivered: `apns-id`, `apns-expiration`, `apns-priority`, `apns-collapse-id`. All optional. The
/// typed notifications have a setter for each; [`Raw`](crate::Raw) takes all of them at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "P: Deserialize<'de>"))]
#[allow(clippy::exhaustive_structs, reason = "users make it from its parts")]
pub struct Delivery<P = Priority> {
    /// `apns-id`.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub id: Option<ApnsId>,
    /// `apns-expiration`.
    #[serde(default, skip_serializing_if = "Expiration::is_unset")]
    pub expiration: Expiration,
    /// `apns-priority`.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub priority: Option<P>,
    /// `apns-collapse-id`.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub collapse_id: Option<CollapseId>,
}

const fn none<T>() -> Option<T> {
    None
}

impl<P> Default for Delivery<P> {
    fn default() -> Self {
        Self { id: None, expiration: Expiration::Unset, priority: None, collapse_id: None }
    }
}

impl<P: PriorityChoice> Delivery<P> {
    pub(crate) fn is_default(&self) -> bool {
        self.id.is_none()
            && self.expiration.is_unset()
            && self.priority.is_none()
            && self.collapse_id.is_none()
    }

    pub(crate) fn headers(&self) -> super::DeliveryHeaders<'_> {
        super::DeliveryHeaders {
            id: self.id,
            expiration: self.expiration,
            priority: self.priority.map(Into::into),
            collapse_id: self.collapse_id.as_ref(),
        }
    }
}

/// The setters for [`Delivery`] and custom keys, for a type with the fields `delivery`, `custom`, `optional_custom`.
macro_rules! delivery_setters {
    ($priority:ty) => {
        /// Names the request (`apns-id`). In a fan-out every request needs its own:
        /// [`FanOut::request_with_id`](crate::request::FanOut::request_with_id).
        #[inline]
        #[must_use]
        pub fn with_id(mut self, id: crate::message::ApnsId) -> Self {
            self.delivery.id = Some(id);
            self
        }

        /// Until when APNs keeps trying (`apns-expiration`).
        #[inline]
        #[must_use]
        pub fn with_expiration(mut self, expiration: crate::message::Expiration) -> Self {
            self.delivery.expiration = expiration;
            self
        }

        /// How urgent it is (`apns-priority`); this type has those that are allowed here.
        #[inline]
        #[must_use]
        pub fn with_priority(mut self, priority: $priority) -> Self {
            self.delivery.priority = Some(priority);
            self
        }

        /// Replaces an earlier notification with the same id (`apns-collapse-id`).
        #[inline]
        #[must_use]
        pub fn with_collapse_id(mut self, id: crate::message::CollapseId) -> Self {
            self.delivery.collapse_id = Some(id);
            self
        }
    };
    ($priority:ty, custom) => {
        delivery_setters!($priority);

        /// Adds a key of the app's own, beside `aps`.
        ///
        /// # Errors
        /// [`InvalidNotification`](crate::message::InvalidNotification) for `aps`, a key that is there already, or a value
        /// that JSON cannot express.
        #[inline]
        pub fn with_custom<T: serde::Serialize + ?Sized>(
            mut self,
            key: &str,
            value: &T,
        ) -> Result<Self, crate::message::InvalidNotification> {
            $crate::message::check_other(key, &self.optional_custom)?;
            self.custom.insert(key, value)?;
            Ok(self)
        }

        /// Adds every field of a struct (or key of a map) as a custom key, in its own order.
        ///
        /// # Errors
        /// As [`with_custom`](Self::with_custom), and for a value that is not an object.
        pub fn with_custom_from<T: serde::Serialize + ?Sized>(
            mut self,
            value: &T,
        ) -> Result<Self, crate::message::InvalidNotification> {
            $crate::message::insert_all(&mut self.custom, &self.optional_custom, value)?;
            Ok(self)
        }

        /// Adds a custom key that may be dropped when the payload does not fit: the last one first.
        ///
        /// # Errors
        /// As [`with_custom`](Self::with_custom).
        pub fn with_optional_custom<T: serde::Serialize + ?Sized>(
            mut self,
            key: &str,
            value: &T,
        ) -> Result<Self, crate::message::InvalidNotification> {
            $crate::message::check_other(key, &self.custom)?;
            self.optional_custom.insert(key, value)?;
            Ok(self)
        }
    };
}
pub(crate) use delivery_setters;
