//! The browser's JSON, read so that every fault can be named.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use reveille_core::{Secret, UnixTime};
use reveille_crypto::{P256PublicKey, base64url};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use reveille_payload::InvalidJson;

use crate::object::from_object;

use super::{
    AUTH_SECRET_LEN, Endpoint, EndpointPolicy, InvalidSubscription, StoredSubscription, Subscription,
};

/// A subscription as it is written: a JSON object. Not the members in order in a JSON array, which a derived struct
/// takes, too.
pub(super) struct Wire<'a>(Members<'a>);

/// The members that matter; unknown ones are ignored (the Push API may add more).
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    endpoint: Member<'a>,
    #[serde(borrow, default, rename = "expirationTime")]
    expiration_time: Member<'a>,
    #[serde(borrow, default)]
    keys: KeysMember<'a>,
    #[serde(borrow, default, rename = "vapidKeyId")]
    vapid_key_id: Member<'a>,
    #[serde(borrow, default)]
    v: Member<'a>,
}

#[derive(Default, Deserialize)]
struct Keys<'a> {
    #[serde(borrow, default)]
    p256dh: Member<'a>,
    #[serde(borrow, default)]
    auth: Member<'a>,
}

impl<'a> Wire<'a> {
    pub(super) fn read(json: &'a str) -> Result<Self, InvalidSubscription> {
        Ok(serde_json::from_str(json).map_err(|error| InvalidJson::new("", &error))?)
    }

    /// The subscription of a browser. Our own member is as unknown as any other: only the server says which key a
    /// subscription is bound to.
    pub(super) fn check(self, policy: &dyn EndpointPolicy) -> Result<Subscription, InvalidSubscription> {
        let Self(members) = self;
        Self(Members { vapid_key_id: Member::Absent, v: Member::Absent, ..members }).check_stored(policy)
    }

    /// The subscription with the key it is bound to, as it was written by this library.
    pub(super) fn check_stored(
        self,
        policy: &dyn EndpointPolicy,
    ) -> Result<Subscription, InvalidSubscription> {
        let Self(members) = self;
        members.check_version()?;
        let endpoint = Endpoint::new(&members.endpoint.text("endpoint")?, policy)?;
        let keys = match members.keys {
            KeysMember::Absent => return Err(InvalidSubscription::Missing { field: "keys" }),
            KeysMember::Other(found) => {
                return Err(InvalidSubscription::WrongType { field: "keys", expected: "an object", found });
            }
            KeysMember::Object(keys) => keys,
        };
        let ua_public: P256PublicKey = keys.p256dh.text("keys.p256dh")?.parse()?;
        let auth_secret = auth_secret(&keys.auth.text("keys.auth")?)?;
        let vapid_key = match members.vapid_key_id {
            Member::Absent | Member::Null => None,
            member => Some(member.text("vapidKeyId")?.parse()?),
        };
        Ok(Subscription {
            endpoint,
            ua_public,
            auth_secret,
            expiration: expiration(&members.expiration_time)?,
            vapid_key,
        })
    }
}

impl Members<'_> {
    fn check_version(&self) -> Result<(), InvalidSubscription> {
        const VERSION: f64 = StoredSubscription::VERSION as f64;
        match &self.v {
            Member::Absent => Ok(()),
            Member::Number(v) if *v == VERSION => Ok(()),
            Member::Number(v) => Err(InvalidSubscription::Version { found: *v as u64 }),
            other => Err(InvalidSubscription::WrongType { field: "v", expected: "1", found: other.kind() }),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Wire<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_object(deserializer, "a push subscription").map(Wire)
    }
}

fn auth_secret(text: &str) -> Result<Secret<[u8; AUTH_SECRET_LEN]>, InvalidSubscription> {
    let bytes = Secret::new(base64url::decode_lenient(text)?);
    let length = bytes.expose().len();
    let secret: Result<[u8; AUTH_SECRET_LEN], _> = bytes.expose().as_slice().try_into();
    secret.map(Secret::new).map_err(|_| InvalidSubscription::AuthLength { length })
}

/// `DOMHighResTimeStamp`: milliseconds since the epoch, possibly with a fraction.
fn expiration(member: &Member<'_>) -> Result<Option<UnixTime>, InvalidSubscription> {
    match member {
        Member::Absent | Member::Null => Ok(None),
        Member::Number(millis) if *millis >= 0.0 => Ok(Some(UnixTime::from_millis(*millis as u64))),
        other => Err(InvalidSubscription::WrongType {
            field: "expirationTime",
            expected: "null or a number of milliseconds since 1970",
            found: other.kind(),
        }),
    }
}

/// A member of any JSON type, of which only text and numbers keep their value.
#[derive(Default)]
enum Member<'a> {
    #[default]
    Absent,
    Null,
    Text(Cow<'a, str>),
    Number(f64),
    Other(&'static str),
}

impl<'a> Member<'a> {
    fn text(self, field: &'static str) -> Result<Cow<'a, str>, InvalidSubscription> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Absent => Err(InvalidSubscription::Missing { field }),
            other => Err(InvalidSubscription::WrongType { field, expected: "a string", found: other.kind() }),
        }
    }

    /// What it is, in the words of JSON.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Absent => "nothing",
            Self::Null => "null",
            Self::Text(_) => "a string",
            Self::Number(number) if *number < 0.0 => "a negative number",
            Self::Number(_) => "a number",
            Self::Other(kind) => kind,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyMember(PhantomData))
    }
}

struct AnyMember<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for AnyMember<'a> {
    type Value = Member<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Member<'a>, E> {
        Ok(Member::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Member<'a>, E> {
        Ok(Member::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Member<'a>, E> {
        Ok(Member::Number(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Member<'a>, E> {
        Ok(Member::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Member<'a>, E> {
        Ok(Member::Number(number as f64))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member<'a>, E> {
        Ok(Member::Other("a boolean"))
    }

    fn visit_unit<E>(self) -> Result<Member<'a>, E> {
        Ok(Member::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Member<'a>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Other("an array"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member<'a>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Member::Other("an object"))
    }
}

/// The member `keys`: an object, or not.
#[derive(Default)]
enum KeysMember<'a> {
    #[default]
    Absent,
    Object(Keys<'a>),
    Other(&'static str),
}

impl<'de: 'a, 'a> Deserialize<'de> for KeysMember<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyKeys(PhantomData))
    }
}

struct AnyKeys<'a>(PhantomData<&'a ()>);

/// Whatever is not an object is [`KeysMember::Other`].
impl<'de: 'a, 'a> Visitor<'de> for AnyKeys<'a> {
    type Value = KeysMember<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeysMember<'a>, A::Error> {
        Keys::deserialize(MapAccessDeserializer::new(map)).map(KeysMember::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<KeysMember<'a>, A::Error> {
        AnyMember(PhantomData).visit_seq(seq).map(|_| KeysMember::Other("an array"))
    }

    fn visit_str<E>(self, _: &str) -> Result<KeysMember<'a>, E> {
        Ok(KeysMember::Other("a string"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<KeysMember<'a>, E> {
        Ok(KeysMember::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<KeysMember<'a>, E> {
        Ok(KeysMember::Other("a number"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<KeysMember<'a>, E> {
        Ok(KeysMember::Other("a number"))
    }

    fn visit_bool<E>(self, _: bool) -> Result<KeysMember<'a>, E> {
        Ok(KeysMember::Other("a boolean"))
    }

    fn visit_unit<E>(self) -> Result<KeysMember<'a>, E> {
        Ok(KeysMember::Other("null"))
    }
}
