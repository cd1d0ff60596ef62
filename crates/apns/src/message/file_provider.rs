//! File Provider extensions.

use std::borrow::Cow;

use reveille_payload::{Cut, ObjectWriter, label};

use serde::{Deserialize, Serialize};

use super::{
    Cuttable, Delivery, DeliveryHeaders, Priority, Push, PushType, Sacrifice, delivery_setters, sealed,
};

/// Tells a File Provider extension that a container has changed: send it when there are changes to look for. Its
/// payload has no `aps`.
///
/// ```
/// use reveille_apns::Push as _;
/// use reveille_apns::message::FileProvider;
/// let push = FileProvider::new("NSFileProviderWorkingSetContainerItemIdentifier").with_domain("user-7");
/// assert_eq!(
///     push.payload(),
///     br#"{"container-identifier":"NSFileProviderWorkingSetContainerItemIdentifier","domain":"user-7"}"#
/// );
/// ```
///
/// JSON form: `container_identifier`, and optionally `domain`, `delivery`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileProvider<'a> {
    container_identifier: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    domain: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Delivery::is_default")]
    delivery: Delivery<Priority>,
}

impl<'a> FileProvider<'a> {
    delivery_setters!(Priority);

    /// For the container with this identifier.
    pub fn new(container_identifier: impl Into<Cow<'a, str>>) -> Self {
        Self {
            container_identifier: container_identifier.into(),
            domain: None,
            delivery: Delivery::default(),
        }
    }

    /// The domain, where the app has more than one.
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<Cow<'a, str>>) -> Self {
        self.domain = Some(domain.into());
        self
    }
}

impl sealed::Sealed for FileProvider<'_> {}

impl Push for FileProvider<'_> {
    fn push_type(&self) -> PushType {
        PushType::FileProvider
    }

    fn delivery_headers(&self) -> DeliveryHeaders<'_> {
        self.delivery.headers()
    }

    fn write_payload(&self, out: &mut Vec<u8>) {
        let mut payload = ObjectWriter::open(out);
        payload.text(label!("container-identifier"), &self.container_identifier);
        payload.optional_text(label!("domain"), self.domain.as_ref());
        payload.close();
    }

    fn size_hint(&self) -> usize {
        64 + self.container_identifier.len() + self.domain.as_ref().map_or(0, |domain| domain.len())
    }

    fn cuttable(&self) -> Vec<Cuttable<'_>> {
        Vec::new()
    }

    fn apply(&mut self, _cuts: &[(Sacrifice, &Cut)]) {}
}
