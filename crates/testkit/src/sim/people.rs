//! People and their devices: the registry's side, and the services'.

use std::collections::BTreeSet;

use reveille_conversation::Channel;
use reveille_conversation::id::{DeviceId as DeviceName, PersonId};
use reveille_delivery::{Device, DeviceId, Effect};
use reveille_gateway::{Recipient, Seed, class, device_name};

use super::draw::Draw;

#[derive(Debug)]
pub(super) struct People {
    pub(super) people: Vec<Person>,
    /// Devices that their service does not know any more.
    pub(super) gone: BTreeSet<DeviceId>,
}

#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: PersonId,
    pub(super) devices: Vec<Known>,
}

#[derive(Debug)]
pub(super) struct Known {
    pub(super) device: Device,
    pub(super) name: DeviceName,
    /// Since when it is in the registry, and until when it was.
    pub(super) since: u64,
    pub(super) until: Option<u64>,
}

impl People {
    pub(super) fn new(people: usize, seed: Seed, draw: &mut Draw) -> Self {
        let person = |number: usize, draw: &mut Draw| {
            let devices = 1 + draw.index(3);
            Person { id: id(number), devices: (0..devices).map(|at| known(number, at, seed, draw)).collect() }
        };
        Self { people: (0..people).map(|number| person(number, draw)).collect(), gone: BTreeSet::new() }
    }

    pub(super) fn find(&self, person: &PersonId) -> Option<&Person> {
        self.people.iter().find(|known| known.id == *person)
    }

    /// What a writer of requests would choose.
    pub(super) fn choose(&self, recipient: &Recipient) -> Vec<Device> {
        let Some(person) = self.find(&recipient.person) else { return Vec::new() };
        let live = person.devices.iter().filter(|known| known.until.is_none());
        let wanted = live.map(|known| known.device).filter(|device| {
            class::channel(device.class).is_some_and(|channel: Channel| recipient.channels.has(channel))
                && !recipient.except.contains(&device.id)
        });
        wanted.collect()
    }

    /// The registry's compare-and-set.
    pub(super) fn apply(&mut self, device: Device, effect: Effect, seq: u64) {
        let all = self.people.iter_mut().flat_map(|person| &mut person.devices);
        let known = all.filter(|known| known.device == device && known.until.is_none());
        if let Effect::Gone { .. } = effect {
            known.for_each(|known| known.until = Some(seq));
        }
    }

    /// A person gets a new phone.
    pub(super) fn register(&mut self, number: usize, seed: Seed, seq: u64, draw: &mut Draw) {
        let Some(person) = self.people.get_mut(number) else { return };
        let at = person.devices.len();
        let mut new = known(number, at, seed, draw);
        new.since = seq;
        person.devices.push(new);
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
    match text.parse() {
        Ok(id) => id,
        Err(error) => unreachable_id(&format!("{error:?}")),
    }
}

#[allow(clippy::panic, reason = "a test library fails by panicking")]
fn unreachable_id(error: &str) -> ! {
    panic!("an id of the simulation is wrong: {error}")
}

fn known(number: usize, at: usize, seed: Seed, draw: &mut Draw) -> Known {
    let classes = [class::APNS, class::FCM, class::WEB_PUSH];
    let class = classes.get(draw.index(3)).copied().unwrap_or(class::APNS);
    let name = match device_name("app", &format!("device-{number}-{at}")) {
        Ok(name) => name,
        Err(error) => unreachable_id(&error.to_string()),
    };
    Known { device: Device::new(seed.device(&name), 1).with_class(class), name, since: 0, until: None }
}
