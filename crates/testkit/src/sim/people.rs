//! People, their devices, and the registry that knows them.

use std::time::Duration;

use reveille_conversation::id::{DeviceId as DeviceName, PersonId};
use reveille_core::UnixTime;
use reveille_delivery::{Device, DeviceId, Effect};
use reveille_gateway::{Seed, class, device_name};
use reveille_registry::pause::{Channel, Pauses};
use reveille_registry::{DeviceKey, Event, Memory, Platform, Pruning, Purpose, Registration, RegistryPolicy};

use super::draw::Draw;
use super::node::{fail, ok};
use super::services::{Service, Services};

pub(super) const APP: &str = "com.example.app";

pub(super) struct People {
    pub(super) people: Vec<Person>,
    /// So many of them write to each other; those behind them only read.
    pub(super) regulars: usize,
    registry: Memory,
    seed: Seed,
}

pub(super) struct Person {
    pub(super) id: PersonId,
    pub(super) devices: Vec<Known>,
    pauses: Pauses,
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) device: DeviceId,
    pub(super) name: DeviceName,
    pub(super) service: Service,
    key: DeviceKey,
    /// Since when it is in the registry.
    pub(super) since: u64,
    /// The registry knows it no more. The oracle does not ask: whoever broke the driver may have said so.
    is_retired: bool,
    /// From when until when its service did not know its tokens, or its app was logged out.
    unknown: Vec<(UnixTime, Option<UnixTime>)>,
}

/// What is told that long before a token dies may still wait then, if clocks are set; and what is told after the new one came may have been written
/// with the old.
const IN_BETWEEN: Duration = Duration::from_secs(1_800);

impl Known {
    /// By what its service knows, whether a push for what was committed then has to come there.
    pub(super) fn is_known_around(&self, at: UnixTime) -> bool {
        let touches = |(from, until): &(UnixTime, Option<UnixTime>)| {
            at + IN_BETWEEN >= *from && until.is_none_or(|until| at <= until + IN_BETWEEN)
        };
        !self.unknown.iter().any(touches)
    }
}

impl People {
    pub(super) fn new(
        people: usize,
        seed: Seed,
        services: &mut Services,
        now: UnixTime,
        draw: &mut Draw,
    ) -> Self {
        let mut all = Self { people: Vec::new(), regulars: people, registry: Memory::default(), seed };
        for number in 0..people {
            all.people.push(Person { id: id(number), devices: Vec::new(), pauses: Pauses::default() });
            for _ in 0..1 + draw.index(3) {
                all.register(number, 0, services, now, draw);
            }
        }
        all
    }

    /// People who are on lists, and do nothing else.
    pub(super) fn add_readers(&mut self, services: &mut Services, now: UnixTime, draw: &mut Draw) {
        for number in self.regulars..self.regulars + 30 + draw.index(120) {
            self.people.push(Person { id: id(number), devices: Vec::new(), pauses: Pauses::default() });
            for _ in 0..1 + usize::from(draw.per_mille(300)) {
                self.register(number, 0, services, now, draw);
            }
        }
    }

    pub(super) fn find(&self, person: &PersonId) -> Option<&Person> {
        self.people.iter().find(|known| known.id == *person)
    }

    /// Somebody logs out on their first device: what waits for it is dropped, and its app knows. It stays in the registry.
    pub(super) fn logs_out(&mut self, number: usize, now: UnixTime) {
        let known = self.people.get_mut(number).and_then(|person| person.devices.first_mut());
        if let Some(known) = known {
            known.unknown.push((now, Some(now)));
        }
    }

    /// A person gets a new phone, or opens the page in another browser.
    pub(super) fn register(
        &mut self,
        number: usize,
        seq: u64,
        services: &mut Services,
        now: UnixTime,
        draw: &mut Draw,
    ) {
        let Some(person) = self.people.get_mut(number) else { return };
        let service = Service::ALL.get(draw.index(3)).copied().unwrap_or(Service::Apns);
        let key = DeviceKey::new(APP, format!("device-{number}-{}", person.devices.len()));
        let name = ok(device_name(&key.app, &key.device), "a device's name");
        let device = self.seed.device(&name);
        let (is_retired, unknown) = (false, Vec::new());
        person.devices.push(Known {
            device,
            name,
            service,
            key: key.clone(),
            since: seq,
            is_retired,
            unknown,
        });
        let owner = person.id.clone();
        self.enter(&key, &owner, service, device, services, now);
    }

    fn enter(
        &mut self,
        key: &DeviceKey,
        owner: &PersonId,
        service: Service,
        device: DeviceId,
        services: &mut Services,
        now: UnixTime,
    ) {
        let tokens = services.tokens(service, device, owner);
        let platform = match service {
            Service::WebPush => Platform::Web,
            Service::Apns => Platform::Ios,
            Service::Fcm => Platform::Android,
        };
        let registration = Registration::new(key.clone(), owner.as_str(), platform, tokens).into();
        self.registry.apply(key, &Event::Register { registration }, &RegistryPolicy::default(), now);
    }

    /// The service gives the device another token, and takes the old one no more; the app tells the registry a little later,
    /// which is now.
    pub(super) fn rotate(&mut self, number: usize, services: &mut Services, now: UnixTime, draw: &mut Draw) {
        let Some(person) = self.people.get_mut(number) else { return };
        let mut live: Vec<&mut Known> = person.devices.iter_mut().filter(|known| !known.is_retired).collect();
        let at = draw.index(live.len());
        let Some(known) = live.get_mut(at) else { return };
        for (_, until) in &mut known.unknown {
            until.get_or_insert(now);
        }
        known.unknown.push((now, Some(now)));
        let (key, service, device, owner) =
            (known.key.clone(), known.service, known.device, person.id.clone());
        services.forget(device, now);
        self.enter(&key, &owner, service, device, services, now);
    }

    /// An app is removed: its service knows it no more.
    pub(super) fn forget(&mut self, number: usize, services: &mut Services, now: UnixTime, draw: &mut Draw) {
        let Some(person) = self.people.get_mut(number) else { return };
        let at = draw.index(person.devices.len());
        let Some(known) = person.devices.get_mut(at) else { return };
        known.unknown.push((now, None));
        services.forget(known.device, now);
    }

    /// A service says so of a device that is there.
    pub(super) fn is_said_to_be_gone(&mut self, device: DeviceId, now: UnixTime) {
        let all = self.people.iter_mut().flat_map(|person| &mut person.devices);
        for known in all.filter(|known| known.device == device) {
            known.unknown.push((now, None));
        }
    }

    /// The person wants quiet for a while, but for calls.
    pub(super) fn pause(&mut self, number: usize, now: UnixTime, span: Duration) {
        let Some(person) = self.people.get_mut(number) else { return };
        for channel in [Channel::Mobile, Channel::WebPush] {
            person.pauses.pause(channel, Some(now + span), true);
        }
    }

    /// What the store holds of a person.
    pub(super) fn load(&self, person: &PersonId) -> reveille_writer::Person {
        let devices: Vec<_> = self.registry.of_owner(person.as_str()).cloned().collect();
        let pauses = self.find(person).map(|known| known.pauses.clone()).unwrap_or_default();
        reveille_writer::Person::new(devices).with_pauses(pauses)
    }

    /// The registry's compare-and-set.
    pub(super) fn apply(
        &mut self,
        device: Device,
        for_calls: bool,
        effect: Effect,
        at: UnixTime,
        now: UnixTime,
    ) {
        let all = self.people.iter_mut().flat_map(|person| &mut person.devices);
        let Some(known) = all.into_iter().find(|known| known.device == device.id) else { return };
        let has = |purpose| {
            let record = self.registry.load(&known.key);
            record.is_some_and(|record| record.tokens.iter().any(|token| token.purpose == purpose))
        };
        let purpose = match device.class {
            class::WEB_PUSH => Purpose::WebPush,
            class::APNS if for_calls && has(Purpose::ApnsVoip) => Purpose::ApnsVoip,
            class::APNS => Purpose::ApnsAlert,
            _ => Purpose::FcmToken,
        };
        let effect = match effect {
            Effect::Accepted => reveille_registry::Effect::Accepted,
            Effect::Suspect => reveille_registry::Effect::Suspect,
            Effect::Gone { if_registered_before } => reveille_registry::Effect::Gone { if_registered_before },
            _ => fail("an effect that the simulation does not know"),
        };
        let event =
            Event::Delivery { purpose, revision: device.revision, effect, at, pruning: Pruning::Allowed };
        self.registry.apply(&known.key, &event, &RegistryPolicy::default(), now);
        let reachable = self.registry.load(&known.key).is_some_and(reveille_registry::Device::is_reachable);
        known.is_retired |= !reachable;
    }
}

pub(super) fn id(number: usize) -> PersonId {
    text(&format!("person-{number}"))
}

/// Ids of the simulation are short and plain.
pub(super) fn text<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    ok(text.parse(), "an id of the simulation")
}
