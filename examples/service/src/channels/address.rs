//! Where a person can be reached besides pushes: an e-mail address, a telephone. They are one record of the registry, whose
//! platform is "address", so whatever forgets a person forgets them, too.

use lettre::Address;
use reveille_conversation::id::PersonId;
use reveille_core::UnixTime;
use reveille_gateway::Seed;
use reveille_gateway::store::DeviceWrite;
use reveille_registry::{
    Change, Decision, Device, DeviceKey, Event, Platform, Purpose, Registration, RegistryPolicy, Token,
    decide,
};
use thiserror::Error;

/// The app of these records; no app of a user has this name, because they have no blank in it.
const APP: &str = "reveille addresses";

/// What a person can be reached by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// `local@domain`
    pub email: Option<String>,
    /// `+` and the number (E.164).
    pub phone: Option<String>,
}

/// What is no address. Names the field, never the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidAddress {
    /// The e-mail address.
    #[error("email: expected an address like kate@shop.example, of at most 254 bytes")]
    Email,
    /// The telephone.
    #[error("phone: expected + and 7 to 15 digits (E.164), like +4930901820")]
    Phone,
    /// Neither.
    #[error("give an email, a phone, or both")]
    Nothing,
    /// The person's name does not fit.
    #[error("the person's id is too long for addresses")]
    Person,
}

impl Addresses {
    /// Checks both.
    ///
    /// # Errors
    /// [`InvalidAddress`]
    pub fn new(email: Option<String>, phone: Option<String>) -> Result<Self, InvalidAddress> {
        if email.as_ref().is_some_and(|text| text.len() > 254 || text.parse::<Address>().is_err()) {
            return Err(InvalidAddress::Email);
        }
        let number = |text: &String| {
            let digits = text.strip_prefix('+').unwrap_or_default();
            (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        if phone.as_ref().is_some_and(|text| !number(text)) {
            return Err(InvalidAddress::Phone);
        }
        if email.is_none() && phone.is_none() {
            return Err(InvalidAddress::Nothing);
        }
        Ok(Self { email, phone })
    }

    /// Those among a person's records.
    pub fn of(devices: &[Device]) -> Self {
        let record = devices.iter().find(|device| is_address(device) && device.is_reachable());
        let value = |purpose| Some(record?.token(purpose)?.value.expose().to_owned());
        Self { email: value(Purpose::Email), phone: value(Purpose::Phone) }
    }

    /// So that a person recognises them, and nobody learns them.
    pub fn masked(&self) -> (Option<String>, Option<String>) {
        let email = self.email.as_deref().and_then(|text| text.rsplit_once('@'));
        let first = |local: &str| local.chars().take(1).collect::<String>();
        let email = email.map(|(local, domain)| format!("{}…@{domain}", first(local)));
        let phone = self.phone.as_deref().map(|text| {
            let last = text.get(text.len().saturating_sub(2)..).unwrap_or_default();
            format!("{}…{last}", text.get(..3).unwrap_or_default())
        });
        (email, phone)
    }

    /// The write that puts these in the place of whatever the record says.
    ///
    /// # Errors
    /// [`InvalidAddress::Person`]
    pub fn write(
        &self,
        seed: Seed,
        person: &PersonId,
        old: Option<&Device>,
        now: UnixTime,
    ) -> Result<DeviceWrite, InvalidAddress> {
        let (key, id) = named(seed, person)?;
        let email = self.email.iter().map(|text| Token::new(Purpose::Email, text.clone()));
        let phone = self.phone.iter().map(|text| Token::new(Purpose::Phone, text.clone()));
        let tokens: Vec<Token> = email.chain(phone).collect();
        let registration = Registration::new(key.clone(), person.as_str(), Platform::Address, tokens).into();
        // As if there were no record: an address that is not named any more does not stay.
        let fresh = decide(None, &Event::Register { registration }, &RegistryPolicy::default(), now);
        let expected = old.map(|old| old.revision);
        let change = match fresh.change {
            Change::Put(mut device) => {
                device.revision = expected.map_or(1, |revision| revision.saturating_add(1));
                let revision = device.revision;
                device.tokens.iter_mut().for_each(|token| token.since_revision = revision);
                Change::Put(device)
            }
            other => other,
        };
        Ok(DeviceWrite { key, id, decision: Decision { expected, change, consequences: Vec::new() } })
    }
}

/// The write that deletes the record.
///
/// # Errors
/// [`InvalidAddress::Person`]
pub fn erase(seed: Seed, person: &PersonId, old: &Device) -> Result<DeviceWrite, InvalidAddress> {
    let (key, id) = named(seed, person)?;
    let decision = Decision { expected: Some(old.revision), change: Change::Purge, consequences: Vec::new() };
    Ok(DeviceWrite { key, id, decision })
}

/// The name of a person's record.
pub fn key(person: &PersonId) -> DeviceKey {
    DeviceKey::new(APP, person.as_str())
}

/// Whether a record is one of addresses.
pub fn is_address(device: &Device) -> bool {
    device.platform == Platform::Address
}

/// Whether an app's name is the one of these records.
pub fn is_app(app: &str) -> bool {
    app == APP
}

fn named(seed: Seed, person: &PersonId) -> Result<(DeviceKey, reveille_delivery::DeviceId), InvalidAddress> {
    let id = seed.device_of(APP, person.as_str()).ok_or(InvalidAddress::Person)?;
    Ok((key(person), id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_masked() {
        let new = |email: Option<&str>, phone: Option<&str>| {
            Addresses::new(email.map(str::to_owned), phone.map(str::to_owned))
        };
        let both = new(Some("kate@shop.example"), Some("+4930901820")).unwrap();
        assert_eq!(both.masked(), (Some("k…@shop.example".to_owned()), Some("+49…20".to_owned())));
        for email in ["kate", "kate@", "@x", "a b@x.example", "k@x.example\r\nBcc: all@x.example"] {
            assert_eq!(new(Some(email), None), Err(InvalidAddress::Email), "{email}");
        }
        for phone in ["", "030 901820", "+49 30 901820", "+123456", "+1234567890123456", "+4930x901820"] {
            assert_eq!(new(None, Some(phone)), Err(InvalidAddress::Phone), "{phone}");
        }
        assert_eq!(new(None, None), Err(InvalidAddress::Nothing));
    }

    #[test]
    fn what_is_not_named_any_more_does_not_stay() {
        let (seed, kate) = (Seed::new([7; 16]), "kate".parse().unwrap());
        let both = Addresses::new(Some("kate@shop.example".into()), Some("+4930901820".into())).unwrap();
        let put = |addresses: &Addresses, old: Option<&Device>| match addresses
            .write(seed, &kate, old, UnixTime::from_secs(9))
            .unwrap()
            .decision
            .change
        {
            Change::Put(device) => *device,
            _ => panic!("nothing is put"),
        };
        let first = put(&both, None);
        assert_eq!(Addresses::of(std::slice::from_ref(&first)), both);
        let phone = Addresses { email: None, ..both };
        let second = put(&phone, Some(&first));
        assert_eq!((Addresses::of(std::slice::from_ref(&second)), second.revision), (phone, 2));
    }
}
