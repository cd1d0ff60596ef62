//! Who calls: an event source or an operator with a key, an end user with a signed token, or an end user whom a trusted
//! proxy has logged in.

mod keys;
mod rates;
mod users;

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use reveille_conversation::id::PersonId;
use reveille_gateway::store::Store;

use crate::clock::Clock;

pub use keys::{InvalidKeyName, Key, KeyFailure, KeyTable, Right};
pub use rates::Rates;
pub use users::{DEMO_SIGNER, Peers, User, UserSettings, Users};

/// Whoever is at the other end, as far as it has shown who it is.
#[derive(Clone, Debug)]
pub enum Caller {
    /// A key, with its rights.
    Key(Arc<Key>),
    /// A person, who may do what concerns this person.
    User(User),
}

/// Why nobody was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Nothing was shown.
    Nothing,
    /// What was shown is no key, and no user token that is good at this time and for this service.
    Refused,
}

/// All ways to say who one is.
pub struct Auth<S> {
    /// The keys.
    pub keys: KeyTable<S>,
    /// The users.
    pub users: Users,
    /// How much each may ask.
    pub rates: Rates,
}

/// The address of the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl<S: Store> Auth<S> {
    /// Recognises the caller: by `Authorization: Bearer`, or by the header of a trusted proxy where there is none.
    ///
    /// # Errors
    /// [`Unknown`]
    pub fn recognise(
        &self,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
        clock: &Clock,
    ) -> Result<Caller, Unknown> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        match (all.next(), all.next()) {
            (None, _) => {
                let user = self.users.of_proxy(headers, peer.ok_or(Unknown::Nothing)?)?;
                user.map(Caller::User).ok_or(Unknown::Nothing)
            }
            (Some(value), None) => {
                let (scheme, shown) =
                    value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Unknown::Refused)?;
                // RFC 9110 §11.1: the scheme's name has no case.
                if !scheme.eq_ignore_ascii_case("bearer") {
                    return Err(Unknown::Refused);
                }
                if let Some(key) = self.keys.find(shown) {
                    return Ok(Caller::Key(key));
                }
                self.users.of_token(shown, clock.now()).map(Caller::User).ok_or(Unknown::Refused)
            }
            // Which of the two would count?
            (Some(_), Some(_)) => Err(Unknown::Refused),
        }
    }
}

impl Caller {
    /// What it is called in rates: `key:` or `user:` and its name.
    pub fn name(&self) -> String {
        match self {
            Self::Key(key) => format!("key:{}", key.name),
            Self::User(user) => format!("user:{}", user.person),
        }
    }

    /// Whether it may do what concerns this person: the person, or a key with this right.
    pub fn may(&self, right: Right, person: &PersonId) -> bool {
        match self {
            Self::Key(key) => key.has(right),
            Self::User(user) => user.person == *person,
        }
    }

    /// Whether it may name this app: a user token may be good for one app only.
    pub fn may_name(&self, app: &str) -> bool {
        match self {
            Self::Key(_) => true,
            Self::User(user) => user.app.as_deref().is_none_or(|of| of == app),
        }
    }
}
