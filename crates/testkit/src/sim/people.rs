//! People, their devices, and the registry that knows them.

use std::collections::BTreeSet;
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
    /// Devices that their service did not know for some time: the app was removed, or its token changed.
    pub(super) gone: BTreeSet<DeviceId>,
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
    /// Since when it is in the registry, and until when it was.
    pub(super) since: u64,
    pub(super) until: Option<u64>,
}

impl People {
    pub(super) fn new(
        people: usize,
        seed: Seed,
        services: &mut Services,
        now: UnixTime,
        draw: &mut Draw,
    ) -> Self {
        let mut all = Self {
            people: Vec::new(),
            regulars: people,
            registry: Memory::default(),
            gone: BTreeSet::new(),
            seed,
        };
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
        person.devices.push(Known { device, name, service, key: key.clone(), since: seq, until: None });
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
        let Some(person) = self.people.get(number) else { return };
        let live: Vec<&Known> = person.devices.iter().filter(|known| known.until.is_none()).collect();
        let Some(known) = live.get(draw.index(live.len())) else { return };
        let (key, service, device, owner) =
            (known.key.clone(), known.service, known.device, person.id.clone());
        services.forget(device, now);
        self.gone.insert(device);
        self.enter(&key, &owner, service, device, services, now);
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
        seq: u64,
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
        if !reachable {
            known.until.get_or_insert(seq);
        }
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
