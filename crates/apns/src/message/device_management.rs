//! Mobile device management.

use std::borrow::Cow;
use std::fmt;

use reveille_payload::{Cut, ObjectWriter, label};
use serde::{Deserialize, Serialize};

use super::{
    Cuttable, Delivery, DeliveryHeaders, Priority, Push, PushType, Sacrifice, delivery_setters, sealed,
};

/// Makes a managed device contact its server: send it when the server has a command. The topic is the UID of the MDM
/// push certificate, and the connection authenticates with that certificate instead of a provider token.
///
/// ```
/// use reveille_apns::Push as _;
/// use reveille_apns::message::Mdm;
/// assert_eq!(Mdm::new("5F1E-MAGIC").payload(), br#"{"mdm":"5F1E-MAGIC"}"#);
/// ```
///
/// JSON form: `push_magic`, and optionally `delivery`. `Debug` does not show the push magic.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mdm<'a> {
    push_magic: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Delivery::is_default")]
    delivery: Delivery<Priority>,
}

impl<'a> Mdm<'a> {
    delivery_setters!(Priority);

    /// With the `PushMagic` that the device reported when it enrolled.
    pub fn new(push_magic: impl Into<Cow<'a, str>>) -> Self {
        Self { push_magic: push_magic.into(), delivery: Delivery::default() }
    }
}

impl fmt::Debug for Mdm<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mdm").field("delivery", &self.delivery).finish_non_exhaustive()
    }
}

impl sealed::Sealed for Mdm<'_> {}

impl Push for Mdm<'_> {
    fn push_type(&self) -> PushType {
        PushType::Mdm
    }

    fn delivery_headers(&self) -> DeliveryHeaders<'_> {
        self.delivery.headers()
    }

    fn write_payload(&self, out: &mut Vec<u8>) {
        let mut payload = ObjectWriter::open(out);
        payload.text(label!("mdm"), &self.push_magic);
        payload.close();
    }

    fn size_hint(&self) -> usize {
        self.push_magic.len() + 16
    }

    fn cuttable(&self) -> Vec<Cuttable<'_>> {
        Vec::new()
    }

    fn apply(&mut self, _cuts: &[(Sacrifice, &Cut)]) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_magic_is_not_printed() {
        insta::assert_snapshot!(format!("{:?}", Mdm::new("SECRET")), @"Mdm { delivery: Delivery { id: None, expiration: Unset, priority: None, collapse_id: None }, .. }");
    }
}
