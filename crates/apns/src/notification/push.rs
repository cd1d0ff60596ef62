//! What all notifications have in common.

use std::borrow::Cow;

use reveille_payload::{Cut, Part, TooLarge, fit};
use serde::Serialize;

use crate::json::Custom;
use crate::{ApnsId, CollapseId, Expiration, InvalidNotification, JsonObject, Priority, PushType, SizeLimit};

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// A push to a device: what it is, how it is delivered, what it says.
///
/// Sealed; [`Notification`](crate::Notification) is any of its types.
pub trait Push: sealed::Sealed {
    /// Its kind, from which topic suffix and size limit follow.
    fn push_type(&self) -> PushType;

    /// The headers it wants.
    fn delivery_headers(&self) -> DeliveryHeaders<'_>;

    /// Appends the payload.
    #[doc(hidden)]
    fn write_payload(&self, out: &mut Vec<u8>);

    /// About how many bytes the payload takes; more is better than less.
    #[doc(hidden)]
    fn size_hint(&self) -> usize;

    /// The payload's fields in the order of sacrifice.
    #[doc(hidden)]
    fn parts(&self) -> Vec<Part<'_>>;

    /// Applies what [`fit`](reveille_payload::fit) decided over [`parts`](Self::parts).
    #[doc(hidden)]
    fn apply(&mut self, cuts: &[Cut]);

    /// The payload, whatever its size.
    fn payload(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size_hint());
        self.write_payload(&mut out);
        out
    }

    /// Cuts the notification until its payload fits: optional custom keys are dropped, then the body is shortened,
    /// then subtitle and title; on grapheme boundaries, with an ellipsis. Returns what was cut.
    ///
    /// ```
    /// use reveille_apns::{Alert, Push as _, SizeLimit};
    ///
    /// let mut push = Alert::new("Agent Smith", "x".repeat(5_000)).optional_custom("preview", "…")?;
    /// let cuts = push.fit(SizeLimit::Bytes(100))?;
    /// assert_eq!(cuts[0].to_string(), "preview dropped, 16 bytes");
    /// assert_eq!(cuts[1].to_string(), "alert.body shortened from 5000 to 49 bytes");
    /// assert_eq!(push.payload().len(), 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TooLarge`], which lists bytes per field, if cutting everything is not enough; then nothing is cut.
    fn fit(&mut self, limit: SizeLimit) -> Result<Vec<Cut>, TooLarge> {
        let allowed = limit.of(self.push_type().max_payload());
        let size = self.payload().len();
        if size <= allowed {
            return Ok(Vec::new());
        }
        let cuts = fit(size, allowed, &self.parts())?;
        self.apply(&cuts);
        Ok(cuts)
    }
}

/// The headers a push wants, besides topic, type and authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryHeaders<'a> {
    /// `apns-id`.
    pub id: Option<ApnsId>,
    /// `apns-expiration`.
    pub expiration: Expiration,
    /// `apns-priority`; 10 where there is none.
    pub priority: Option<Priority>,
    /// `apns-collapse-id`.
    pub collapse_id: Option<&'a CollapseId>,
}

impl DeliveryHeaders<'_> {
    /// With the push type's own defaults where nothing was said.
    pub(crate) fn or(self, (priority, expiration): (Option<Priority>, Expiration)) -> Self {
        Self {
            priority: self.priority.or(priority),
            expiration: if self.expiration.is_unset() { expiration } else { self.expiration },
            ..self
        }
    }
}

/// The parts of a payload: optional keys from the last, then texts, then what is fixed.
pub(crate) fn parts_of<'p>(
    optional: &'p Custom,
    texts: impl IntoIterator<Item = (&'static str, &'p str)>,
    fixed: impl IntoIterator<Item = (&'static str, usize)>,
    custom: &'p Custom,
) -> Vec<Part<'p>> {
    optional
        .optional_parts()
        .chain(texts.into_iter().map(|(name, text)| Part::text(name, text)))
        .chain(
            fixed.into_iter().filter(|(_, bytes)| *bytes > 0).map(|(name, bytes)| Part::fixed(name, bytes)),
        )
        .chain(custom.fixed_parts())
        .collect()
}

/// Applies cuts over the list that [`parts_of`] made; `texts` in the same order.
pub(crate) fn apply_cuts(cuts: &[Cut], optional: &mut Custom, texts: Vec<&mut Cow<'_, str>>) {
    let keys = optional.len();
    for cut in cuts.iter().filter(|cut| cut.index < keys && cut.is_dropped()) {
        debug_assert_eq!(optional.keys().last().as_ref(), Some(&cut.name));
        optional.remove_last();
    }
    for (index, text) in (keys..).zip(texts) {
        shorten(cuts, index, text);
    }
}

/// Applies cuts where there are only texts.
pub(crate) fn apply_texts(cuts: &[Cut], texts: Vec<&mut Cow<'_, str>>) {
    for (index, text) in texts.into_iter().enumerate() {
        shorten(cuts, index, text);
    }
}

fn shorten(cuts: &[Cut], index: usize, text: &mut Cow<'_, str>) {
    if let Some(short) = cuts.iter().find(|cut| cut.index == index).and_then(|cut| cut.text.clone()) {
        *text = Cow::Owned(short);
    }
}

/// Refuses a key that is among the others already.
pub(crate) fn check_other(key: &str, other: &Custom) -> Result<(), InvalidNotification> {
    if !other.is_empty() && other.contains(key) {
        return Err(InvalidNotification::DuplicateKey { key: key.to_owned() });
    }
    Ok(())
}

pub(crate) fn insert_all<T: Serialize + ?Sized>(
    custom: &mut Custom,
    other: &Custom,
    value: &T,
) -> Result<(), InvalidNotification> {
    let object = JsonObject::new(value)?;
    let all: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(object.as_bytes()).map_err(|_| InvalidNotification::NotAnObject)?;
    for (key, value) in &all {
        check_other(key, other)?;
        custom.insert(key, value)?;
    }
    Ok(())
}

/// Refuses what the setters cannot build: a key that is both required and optional.
pub(crate) fn check_custom(custom: &Custom, optional: &Custom) -> Result<(), InvalidNotification> {
    match custom.common_key(optional) {
        Some(key) => Err(InvalidNotification::DuplicateKey { key }),
        None => Ok(()),
    }
}
