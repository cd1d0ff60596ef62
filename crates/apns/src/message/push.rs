//! What all notifications have in common.

use std::borrow::Cow;

use bytes::Bytes;
use http::Request;
use reveille_core::UnixTime;
use reveille_payload::{Cut, JsonObject, Part, SizeLimit, TooLarge};
use serde::Serialize;

use super::custom::Custom;
use super::fit::{self, Cuttable, Sacrifice};
use super::{ApnsId, CollapseId, Expiration, FcmParts, InvalidNotification, Priority, PushType};
use crate::credential::Token;
use crate::request::{InvalidRequest, Prepared};
use crate::target::{App, DeviceToken};

pub(crate) mod sealed {
    pub trait Sealed {}
}

/// A push to a device: what it is, how it is delivered, what it says. Import it to read a notification, make it fit and
/// send it.
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

    /// What may be cut, in the default order of sacrifice.
    #[doc(hidden)]
    fn cuttable(&self) -> Vec<Cuttable<'_>>;

    /// Applies cuts of what [`cuttable`](Self::cuttable) listed.
    #[doc(hidden)]
    fn apply(&mut self, cuts: &[(Sacrifice, &Cut)]);

    /// The times in its payload, with their keys.
    #[doc(hidden)]
    fn times(&self) -> Vec<(&'static str, UnixTime)> {
        Vec::new()
    }

    /// The payload, whatever its size.
    fn payload(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size_hint());
        self.write_payload(&mut out);
        out
    }

    /// Cuts the notification until its payload fits: optional custom keys are dropped, the last one first, then the body
    /// is shortened, then subtitle and title; on grapheme boundaries, with an ellipsis. Returns what was cut.
    ///
    /// ```
    /// use reveille_apns::{Alert, Push as _, SizeLimit};
    ///
    /// let mut push = Alert::new("Agent Smith", "x".repeat(5_000)).with_optional_custom("preview", "…")?;
    /// let cuts = push.fit(SizeLimit::Bytes(100))?;
    /// assert_eq!(cuts[0].to_string(), "preview dropped, 16 bytes");
    /// assert_eq!(cuts[1].to_string(), "alert.body shortened from 5000 to 49 bytes");
    /// assert_eq!(push.payload().len(), 100);
    /// # Ok::<(), reveille_apns::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`TooLarge`], which lists bytes per field, if cutting everything is not enough; then nothing is cut.
    fn fit(&mut self, limit: SizeLimit) -> Result<Vec<Cut>, TooLarge> {
        self.fit_in_order(&Sacrifice::DEFAULT, limit)
    }

    /// [`fit`](Self::fit) in another order. What the order does not name is not cut.
    ///
    /// ```
    /// use reveille_apns::message::Sacrifice;
    /// use reveille_apns::{Alert, Push as _, SizeLimit};
    ///
    /// let mut push = Alert::new("A very long title", "A body");
    /// let cuts = push.fit_in_order(&[Sacrifice::Title], SizeLimit::Bytes(60))?;
    /// assert_eq!(cuts[0].to_string(), "alert.title shortened from 17 to 14 bytes");
    /// # Ok::<(), reveille_apns::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`TooLarge`], as [`fit`](Self::fit).
    fn fit_in_order(&mut self, order: &[Sacrifice], limit: SizeLimit) -> Result<Vec<Cut>, TooLarge> {
        let allowed = limit.of(self.push_type().max_payload());
        let payload = self.payload();
        if payload.len() <= allowed {
            return Ok(Vec::new());
        }
        let (classes, cuts) = fit::decide(&payload, allowed, self.cuttable(), order)?;
        self.apply(&fit::by_class(&classes, &cuts));
        Ok(cuts)
    }

    /// The request for one device, within our own budget of 2,048 bytes ([`SizeLimit::Own`]). For another limit, or for
    /// many devices, see [`Prepared`]. Without a token it is for a connection with a client certificate.
    ///
    /// ```
    /// use reveille_apns::{Alert, App, Push as _, Token};
    /// use reveille_core::UnixTime;
    /// let app = App::production("com.example.app".parse()?);
    /// let token = Token::from_jwt("header.claims.signature", UnixTime::from_secs(1_700_000_000))?;
    /// let request = Alert::new("Hello", "world").request(&app, &"00fc13ad".parse()?, &token)?;
    /// assert_eq!(request.uri(), "https://api.push.apple.com:443/3/device/00fc13ad");
    /// # Ok::<(), reveille_apns::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidRequest`].
    fn request<'t>(
        &self,
        app: &App,
        device: &DeviceToken,
        token: impl Into<Option<&'t Token>>,
    ) -> Result<Request<Bytes>, InvalidRequest>
    where
        Self: Sized,
    {
        Prepared::new(self, SizeLimit::Own)?.request(app, device, token)
    }

    /// The same notification as the `apns` part of an FCM message: plain payload, and header pairs.
    ///
    /// # Errors
    /// [`InvalidNotification::NotThroughFcm`] for push types that FCM does not carry;
    /// [`InvalidNotification::Json`] if a custom value is nested too deeply.
    fn to_fcm_parts(&self) -> Result<FcmParts, InvalidNotification>
    where
        Self: Sized,
    {
        FcmParts::new(self)
    }
}

/// The headers a push wants, besides topic, type and authorization; read by those who build requests of their own.
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

/// Optional keys from the last, then texts.
pub(crate) fn cuttable<'p>(
    optional: &'p Custom,
    texts: impl IntoIterator<Item = (Sacrifice, &'static str, &'p str)>,
) -> Vec<Cuttable<'p>> {
    let keys = optional.optional_parts().map(|part| Cuttable { class: Sacrifice::OptionalCustom, part });
    let texts = texts.into_iter().map(|(class, name, text)| Cuttable { class, part: Part::text(name, text) });
    keys.chain(texts).collect()
}

/// Drops as many optional keys, from the last, as cuts say.
pub(crate) fn apply_keys(cuts: &[(Sacrifice, &Cut)], optional: &mut Custom) {
    for _ in cuts.iter().filter(|(class, _)| *class == Sacrifice::OptionalCustom) {
        optional.remove_last();
    }
}

/// Replaces the texts that were shortened.
pub(crate) fn apply_texts<'m, 'a: 'm>(
    cuts: &[(Sacrifice, &Cut)],
    texts: impl IntoIterator<Item = (Sacrifice, &'m mut Cow<'a, str>)>,
) {
    for (class, text) in texts {
        let cut = cuts.iter().find(|(of, _)| *of == class);
        if let Some(short) = cut.and_then(|(_, cut)| cut.text.clone()) {
            *text = Cow::Owned(short);
        }
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
    let all = JsonObject::from_serialize(value)?.to::<serde_json::Map<String, serde_json::Value>>()?;
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
