//! Calls and other offers.

use serde::{Deserialize, Serialize};

use crate::event::{Presence, Role};
use crate::id::{DeviceId, OfferId, PersonId, QueueId};
use crate::text::Text;
use crate::{Cause, Media};

/// A call, or another medium, is offered to a person: the body of [`What::CallOffered`](super::What::CallOffered). Give
/// it when routing rings an agent or a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Offer {
    /// The person whose devices ring.
    pub person: PersonId,
    /// What they are in the conversation.
    #[serde(default = "agent")]
    pub role: Role,
    /// What is offered.
    #[serde(default = "call")]
    pub media: Media,
    /// The platform's name for this offer.
    #[serde(default)]
    pub offer: Option<OfferId>,
    /// The person who calls, whose name may be looked up.
    #[serde(default)]
    pub caller: Option<PersonId>,
    /// The caller's name, if the event holds it. Otherwise it is looked up.
    #[serde(default)]
    pub caller_name: Option<Text>,
    /// The queue from which the call comes, whose name may be looked up.
    #[serde(default)]
    pub queue: Option<QueueId>,
    /// The queue's name, if the event holds it. Otherwise it is looked up.
    #[serde(default)]
    pub queue_name: Option<Text>,
    /// Routing chose this person: proof that they were available a moment ago (B8).
    #[serde(default = "yes")]
    pub assigned: bool,
    /// The client joins without asking: nothing rings (E3).
    #[serde(default)]
    pub auto_join: bool,
    /// A hidden agent is rung only when the others did not answer (E3).
    #[serde(default)]
    pub hidden: bool,
    /// What the person is doing, if the event or who admits it knows.
    #[serde(default)]
    pub presence: Option<Presence>,
    /// How long it rings, in milliseconds, if the platform says so. At most ten minutes.
    #[serde(default)]
    pub rings_for_ms: Option<u64>,
    /// A report of the state rather than news: "still ringing" never rings again.
    #[serde(default)]
    pub restated: bool,
}

impl Offer {
    /// An offered call about which nothing else is known: what JSON that names only the person means. Set what is known:
    /// the fields are public.
    ///
    /// ```
    /// use reveille_conversation::event::Offer;
    /// let offer = Offer { queue_name: Some("Sales".into()), ..Offer::new("kate".parse()?) };
    /// assert_eq!(serde_json::from_str::<Offer>(r#"{"person":"kate","queue_name":"Sales"}"#)?, offer);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn new(person: PersonId) -> Self {
        Self {
            person,
            role: agent(),
            media: call(),
            offer: None,
            caller: None,
            caller_name: None,
            queue: None,
            queue_name: None,
            assigned: yes(),
            auto_join: false,
            hidden: false,
            presence: None,
            rings_for_ms: None,
            restated: false,
        }
    }
}

/// Somebody answered a call or an offer: the body of [`What::CallAnswered`](super::What::CallAnswered). Give it at
/// once, since it stops the ring of everybody else and on the person's other devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Answered {
    /// The person who answered.
    pub person: PersonId,
    /// What they are, if the event says so. The customer's own leg does not count (B7).
    #[serde(default)]
    pub role: Option<Role>,
    /// On which device; it gets no cancel.
    #[serde(default)]
    pub device: Option<DeviceId>,
    /// The offer that was answered, if the source names offers.
    #[serde(default)]
    pub offer: Option<OfferId>,
}

/// The whole call is over: the body of [`What::CallEnded`](super::What::CallEnded). Give it when the call itself is
/// over, not when one person leaves; what still rings stops, and may be told as missed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Ended {
    /// The caller hung up before anybody answered: it was missed. The default; if somebody answered it changes nothing.
    #[serde(default = "yes")]
    pub abandoned: bool,
}

/// The offer to one person was taken back: the body of [`What::CallWithdrawn`](super::What::CallWithdrawn). Give it
/// when routing goes on to somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Withdrawn {
    /// The person who is not to be rung any more.
    pub person: PersonId,
    /// Why it was taken back.
    #[serde(default = "transferred")]
    pub cause: Cause,
    /// The offer that was taken back, if the source names offers.
    #[serde(default)]
    pub offer: Option<OfferId>,
}

/// A person declined an offer: the body of [`What::CallDeclined`](super::What::CallDeclined). Give it so that their
/// other devices stop ringing, and nothing is told as missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Declined {
    /// The person who declined.
    pub person: PersonId,
    /// On which device; it gets no cancel.
    #[serde(default)]
    pub device: Option<DeviceId>,
    /// The offer that was declined, if the source names offers.
    #[serde(default)]
    pub offer: Option<OfferId>,
}

/// The platform stopped ringing one person, or all of them: the body of
/// [`What::CallTimedOut`](super::What::CallTimedOut). Give it when nobody answered in time. It may overtake the offers that it is
/// about: those from before it do not ring, and hidden agents ring at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct TimedOut {
    /// Whom; all, if not given. Hidden agents begin to ring then.
    #[serde(default)]
    pub person: Option<PersonId>,
    /// The offer that timed out, if the source names offers.
    #[serde(default)]
    pub offer: Option<OfferId>,
}

const fn agent() -> Role {
    Role::Primary
}
const fn call() -> Media {
    Media::Call
}
const fn transferred() -> Cause {
    Cause::Transferred
}
const fn yes() -> bool {
    true
}
