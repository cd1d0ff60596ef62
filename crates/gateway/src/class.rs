//! The classes of devices: which retry policy, and which channel, is for a service. The numbers are in logs and stay.

use reveille_conversation::Channel;
use reveille_delivery::{Class, Device, DeviceId};

use crate::Target;

/// Apple's push service.
pub const APNS: Class = Class(0);
/// Firebase Cloud Messaging.
pub const FCM: Class = Class(1);
/// A browser's push service.
pub const WEB_PUSH: Class = Class(2);
/// The customer's webhook.
pub const WEBHOOK: Class = Class(3);
/// E-mail.
pub const EMAIL: Class = Class(4);
/// Text messages.
pub const SMS: Class = Class(5);

/// The channel of the rules that a class belongs to; `None` for text messages, which only a fallback sends, and for numbers
/// that are not in use.
#[must_use]
pub const fn channel(class: Class) -> Option<Channel> {
    match class {
        APNS | FCM => Some(Channel::Mobile),
        WEB_PUSH => Some(Channel::WebPush),
        WEBHOOK => Some(Channel::Webhook),
        EMAIL => Some(Channel::Email),
        _ => None,
    }
}

// What is no device has a name all the same. Hashes do not come out as 1 to 3.
const PSEUDO: [(DeviceId, Class, Target); 3] = [
    (DeviceId::from_bits(1), WEBHOOK, Target::Webhook),
    (DeviceId::from_bits(2), EMAIL, Target::Email),
    (DeviceId::from_bits(3), SMS, Target::Sms),
];

impl Target {
    /// What delivery calls it.
    #[must_use]
    pub const fn id(self) -> DeviceId {
        match self {
            Self::Device(device) => device.id,
            Self::Webhook => DeviceId::from_bits(1),
            Self::Email => DeviceId::from_bits(2),
            Self::Sms => DeviceId::from_bits(3),
        }
    }

    pub(crate) fn of(device: Device) -> Self {
        let pseudo = PSEUDO.iter().find(|(id, class, _)| *id == device.id && *class == device.class);
        pseudo.map_or(Self::Device(device), |(_, _, target)| *target)
    }

    /// Its number among the ways to somebody; `None` for devices, which are way 0.
    pub(crate) const fn way(self) -> Option<u8> {
        match self {
            Self::Device(_) => None,
            Self::Webhook => Some(1),
            Self::Email => Some(2),
            Self::Sms => Some(3),
        }
    }

    pub(crate) const fn of_way(way: u8) -> Option<Self> {
        match way {
            1 => Some(Self::Webhook),
            2 => Some(Self::Email),
            3 => Some(Self::Sms),
            _ => None,
        }
    }

    /// As delivery has it; `None` for what its devices are looked up for.
    pub(crate) fn pseudo(self) -> Option<Device> {
        let pseudo = PSEUDO.iter().find(|(_, _, target)| *target == self);
        pseudo.map(|(id, class, _)| Device::new(*id, 0).with_class(*class))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_device_is_found_again() {
        for target in [Target::Webhook, Target::Email, Target::Sms] {
            let device = target.pseudo().unwrap();
            assert_eq!((Target::of(device), device.id), (target, target.id()));
        }
        let phone = Device::new(DeviceId::from_bits(2), 1).with_class(APNS);
        assert_eq!(Target::of(phone), Target::Device(phone), "a class of its own makes it another one");
        assert_eq!(Target::of(phone).channel(), Some(Channel::Mobile));
    }
}
