//! A store in memory: for tests, small services, and as the model that other stores are held to.

use std::collections::BTreeMap;

use reveille_core::UnixTime;
use thiserror::Error;

use crate::{Change, Consequence, Decision, Device, DeviceKey, Event, RegistryPolicy, TokenValue, decide};

/// A store of devices in memory, by their names. Use it in tests, in small services that may lose their devices when
/// they restart, and as the model that a store of your own is compared with.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_registry::{DeviceKey, Event, Memory, Platform, Purpose, Registration, RegistryPolicy, Token};
///
/// let (mut store, policy) = (Memory::default(), RegistryPolicy::default());
/// let (key, now) = (DeviceKey::new("com.example.chat", "phone-1"), UnixTime::from_secs(1_000));
/// let tokens = [Token::new(Purpose::ApnsAlert, "00ab"), Token::new(Purpose::ApnsVoip, "00cd")];
/// let registration = Registration::new(key.clone(), "alice", Platform::Ios, tokens).into();
/// store.apply(&key, &Event::Register { registration }, &policy, now);
/// assert_eq!(store.of_owner("alice").count(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    devices: BTreeMap<DeviceKey, Device>,
}

/// Somebody was faster: the record has another revision. Nothing was changed; read it again and decide again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the record has revision {found:?}: expected {expected:?}")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct Conflict {
    /// The revision that the decision was made on; `None`: no record.
    pub expected: Option<u64>,
    /// The revision that is there.
    pub found: Option<u64>,
}

impl Memory {
    /// The device of this name; `None` if there is no record of it.
    #[must_use]
    pub fn load(&self, key: &DeviceKey) -> Option<&Device> {
        self.devices.get(key)
    }

    /// Commits a decision, if the record is still the one that it was made on.
    ///
    /// # Errors
    /// [`Conflict`].
    pub fn commit(&mut self, key: &DeviceKey, decision: &Decision) -> Result<(), Conflict> {
        let found = self.load(key).map(|device| device.revision);
        if found != decision.expected {
            return Err(Conflict { expected: decision.expected, found });
        }
        match &decision.change {
            Change::Keep => {}
            Change::Put(device) => drop(self.devices.insert(key.clone(), (**device).clone())),
            Change::Purge => drop(self.devices.remove(key)),
        }
        Ok(())
    }

    /// Decides and commits, and takes a token that moved away from the device that had it. Gives what else is to be done,
    /// by device.
    pub fn apply(
        &mut self,
        key: &DeviceKey,
        event: &Event,
        policy: &RegistryPolicy,
        now: UnixTime,
    ) -> Vec<(DeviceKey, Consequence)> {
        let mut all = Vec::new();
        for consequence in self.decide_and_commit(key, event, policy, now) {
            if let Consequence::TakeFromOthers { value } = &consequence {
                for other in self.others_with(value, key) {
                    let taken = Event::TokenTaken { value: value.clone() };
                    let follows = self.decide_and_commit(&other, &taken, policy, now);
                    all.extend(follows.into_iter().map(|consequence| (other.clone(), consequence)));
                }
            } else {
                all.push((key.clone(), consequence));
            }
        }
        all
    }

    fn decide_and_commit(
        &mut self,
        key: &DeviceKey,
        event: &Event,
        policy: &RegistryPolicy,
        now: UnixTime,
    ) -> Vec<Consequence> {
        let decision = decide(self.load(key), event, policy, now);
        // Nobody else can be here meanwhile.
        match self.commit(key, &decision) {
            Ok(()) => decision.consequences,
            Err(_) => Vec::new(),
        }
    }

    fn others_with(&self, value: &TokenValue, key: &DeviceKey) -> Vec<DeviceKey> {
        let others = self.devices.values().filter(|device| device.key != *key && device.key.app == key.app);
        let others = others.filter(|device| device.tokens.iter().any(|token| token.value == *value));
        others.map(|device| device.key.clone()).collect()
    }

    /// Devices of an owner, in the order of their names.
    pub fn of_owner(&self, owner: &str) -> impl Iterator<Item = &Device> {
        self.devices.values().filter(move |device| device.owner == owner)
    }

    /// Devices of an owner that are too many in an app: apply [`Event::OverLimit`]. The least recently seen first.
    #[must_use]
    pub fn over_limit(&self, owner: &str, app: &str, policy: &RegistryPolicy) -> Vec<DeviceKey> {
        let live = self.of_owner(owner).filter(|device| device.key.app == app && device.is_reachable());
        let mut live: Vec<&Device> = live.collect();
        live.sort_by(|a, b| (a.last_seen, &a.key).cmp(&(b.last_seen, &b.key)));
        live.truncate(live.len().saturating_sub(policy.devices));
        live.into_iter().map(|device| device.key.clone()).collect()
    }
}
