//! File Provider extensions.

use std::borrow::Cow;

use reveille_payload::{Cut, Part, escaped_len};

use serde::{Deserialize, Serialize};

use super::{Delivery, DeliveryHeaders, Push, delivery_setters, sealed};
use crate::json::{ObjectWriter, key};
use crate::{Priority, PushType};

/// Tells a File Provider extension that a container has changed. Its payload has no `aps`.
///
/// ```
/// use reveille_apns::{FileProvider, Push as _};
/// let push = FileProvider::new("NSFileProviderWorkingSetContainerItemIdentifier").domain("user-7");
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
    pub fn domain(mut self, domain: impl Into<Cow<'a, str>>) -> Self {
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
        payload.text(key!("container-identifier"), &self.container_identifier);
        payload.optional_text(key!("domain"), self.domain.as_ref());
        payload.close();
    }

    fn size_hint(&self) -> usize {
        64 + self.container_identifier.len() + self.domain.as_ref().map_or(0, |domain| domain.len())
    }

    fn parts(&self) -> Vec<Part<'_>> {
        let container = Part::fixed("container-identifier", escaped_len(&self.container_identifier));
        let domain = self.domain.as_deref().map(|domain| Part::fixed("domain", escaped_len(domain)));
        std::iter::once(container).chain(domain).collect()
    }

    fn apply(&mut self, _cuts: &[Cut]) {}
}
