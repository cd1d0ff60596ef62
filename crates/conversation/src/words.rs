//! The small words that events, rules and outputs share.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $text)] $word,)*
        }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$word),*];

            /// Its name in JSON, TOML, scenarios and logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text),* }
            }

            /// The one with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == name)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}
pub(crate) use words;

words! {
    /// What somebody is in a conversation (E1). Give it in events about a person; the
    /// [`RecipientRules`](crate::rules::RecipientRules) say for each role on which channels it is told.
    Role {
        /// A customer: a guest of a web page, a user of an app.
        Visitor = "visitor",
        /// The agent in charge.
        Primary = "primary",
        /// Another agent: invited, listening, a deputy.
        Secondary = "secondary",
        /// Software that writes. It is told nothing.
        Bot = "bot",
    }

    /// What is offered to somebody (B1). Only a call may ring as VoIP.
    Media {
        /// A call: it rings.
        Call = "call",
        /// A chat that waits for an agent: an alert.
        Chat = "chat",
        /// A callback that an agent shall make: an alert.
        Callback = "callback",
        /// A message of a messenger: an alert.
        Message = "message",
        /// An e-mail: an alert.
        Email = "email",
    }

    /// What an agent is said to be doing (B8); it lags by 2–3 s. Give it when it changes, as
    /// [`PersonChange::Presence`](crate::event::PersonChange::Presence); a [`PresenceFilter`] says what follows for
    /// offers.
    Presence {
        /// They are at work and free: everything rings.
        Available = "available",
        /// Not at the desk.
        Away = "away",
        /// Not logged in anywhere.
        Offline = "offline",
        /// Talking to somebody.
        OnCall = "on_call",
    }

    /// A way to reach somebody (E5). A set of them, [`Channels`], says in rules and outputs where a notification may
    /// go.
    Channel {
        /// An e-mail to the person's address.
        Email = "email",
        /// APNs and FCM.
        Mobile = "mobile",
        /// A webhook of the customer's own back end (E6).
        Webhook = "webhook",
        /// A browser's push service, for a page that is not open.
        WebPush = "web_push",
    }

    /// What a notification is about, given in each [`Intent`](crate::output::Intent). Use it to choose text, sound and
    /// buttons; the rules choose channels by it.
    Kind {
        /// Somebody wrote (A2, E1).
        NewMessage = "new_message",
        /// A call rings (B4, E3).
        IncomingCall = "incoming_call",
        /// A chat, message, e-mail or callback is offered to an agent: an alert, never VoIP (B1).
        IncomingOffer = "incoming_offer",
        /// Nobody took the call (E3).
        MissedCall = "missed_call",
        /// A conversation was forwarded to an agent (E4).
        Forwarded = "forwarded",
        /// An agent is invited (E4).
        Invited = "invited",
        /// A conversation goes to a deputy (E4).
        Delegated = "delegated",
        /// The callback is near (D1).
        CallbackUpcoming = "callback_upcoming",
        /// The customer may call in now (D2).
        CallbackReady = "callback_ready",
        /// The number to call, after "ready" was accepted (D2).
        CallbackNumber = "callback_number",
        /// The callback was dropped (D3).
        CallbackPurged = "callback_purged",
        /// An attempt to call back failed; there will be another (D4).
        CallbackAttemptFailed = "callback_attempt_failed",
        /// The last attempt to call back failed (D4).
        CallbackFinalAttemptFailed = "callback_final_attempt_failed",
    }

    /// The group in which notifications of one conversation replace each other: a newer one takes the place of the
    /// older one. [`Kind::slot`] returns it; a cancel has the slot of its ring.
    Slot {
        /// A message of a messaging platform, offered to an agent.
        Message = "message",
        /// A call or an offer, and its cancel.
        Call = "call",
        /// A missed call. A revoked call leaves it alone (E3).
        Missed = "missed",
        /// Forwarded, invited, delegated.
        Handover = "handover",
        /// The steps of a callback.
        Callback = "callback",
    }

    /// How soon a notification has to be there. Use it as the priority or urgency of the request to a push service;
    /// [`Kind::urgency`] returns it.
    Urgency {
        /// It may wait until it is convenient for the device.
        Normal = "normal",
        /// Now: it wakes the device.
        High = "high",
    }

    /// Why something is taken back (B7), given in each [`Withdraw`](crate::output::Withdraw). Use it to choose the text
    /// that replaces a ring, such as "answered by somebody else".
    Cause {
        /// The caller hung up before anybody answered.
        Abandoned = "abandoned",
        /// The offer went to somebody else.
        Transferred = "transferred",
        /// Somebody else answered.
        AnsweredElsewhere = "answered_elsewhere",
        /// The person answered, on another device.
        Answered = "answered",
        /// The person declined, on another device.
        Declined = "declined",
        /// Nobody answered in time.
        TimedOut = "timed_out",
        /// The platform took the call back (E3: state IDLE).
        Revoked = "revoked",
        /// A newer offer of the same call took its place.
        Superseded = "superseded",
        /// The person left the conversation.
        Left = "left",
        /// The person logged out.
        LoggedOut = "logged_out",
        /// The conversation is over.
        Ended = "ended",
        /// Everything is read (E2).
        Read = "read",
    }

    /// How a cancel is written for a platform (B7). Choose it in the [`CancelRules`](crate::rules::CancelRules): some
    /// platforms punish an app that shows nothing for a push, so data alone is not right for all of them.
    CancelForm {
        /// A visible notification that replaces the ring.
        Replacement = "replacement",
        /// Data only; the app removes the ring.
        Data = "data",
    }

    /// How presence decides whether an offer rings (B8). Choose it in the [`CallRules`](crate::rules::CallRules):
    /// strict spares agents who are away, soft does not lose an assigned offer when presence is out of date.
    PresenceFilter {
        /// Not at all.
        Off = "off",
        /// An offer that routing assigned rings all the same, with a line for the audit; others do not.
        Soft = "soft",
        /// Who is not available is not rung.
        Strict = "strict",
    }

    /// Who calls whom in a callback. Give it when the callback is created; it decides which of the steps the customer
    /// is told.
    CallbackMode {
        /// The contact centre calls the customer.
        CallBack = "call_back",
        /// The customer calls in when it is their turn (D2: delayed click-to-call-in).
        CallIn = "call_in",
    }

    /// What a message is: written, a file, or made by the platform. Give it in each [`Message`](crate::event::Message);
    /// nobody is told of what the platform made.
    MessageKind {
        /// Written by a person or a bot.
        Written = "written",
        /// A file, picture or recording.
        File = "file",
        /// Made by the platform ("Ann joined"): never a notification (E1).
        System = "system",
    }
}

impl Kind {
    /// The slot that it belongs to.
    #[must_use]
    pub const fn slot(self) -> Slot {
        match self {
            Self::NewMessage => Slot::Message,
            Self::IncomingCall | Self::IncomingOffer => Slot::Call,
            Self::MissedCall => Slot::Missed,
            Self::Forwarded | Self::Invited | Self::Delegated => Slot::Handover,
            Self::CallbackUpcoming
            | Self::CallbackReady
            | Self::CallbackNumber
            | Self::CallbackPurged
            | Self::CallbackAttemptFailed
            | Self::CallbackFinalAttemptFailed => Slot::Callback,
        }
    }

    /// How soon it has to be there.
    #[must_use]
    pub const fn urgency(self) -> Urgency {
        match self {
            Self::MissedCall | Self::CallbackPurged | Self::CallbackAttemptFailed => Urgency::Normal,
            _ => Urgency::High,
        }
    }
}

/// A set of [`Channel`]s. Use it in rules to say where a kind of notification may go; outputs have one that says where
/// to send.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Channels(u8);

impl Channels {
    /// No channel: nothing is sent.
    pub const NONE: Self = Self(0);
    /// All four channels.
    pub const ALL: Self = Self(0b1111);

    /// The set of these channels.
    #[must_use]
    pub const fn of(channels: &[Channel]) -> Self {
        let mut bits = 0;
        let mut rest = channels;
        while let [channel, more @ ..] = rest {
            bits |= 1 << *channel as u8;
            rest = more;
        }
        Self(bits)
    }

    /// The channels that are in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in this one only.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether a channel is in it.
    #[must_use]
    pub const fn has(self, channel: Channel) -> bool {
        self.0 & (1 << channel as u8) != 0
    }

    /// Whether there is none in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its channels, in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = Channel> {
        Channel::ALL.iter().copied().filter(move |channel| self.has(*channel))
    }
}

impl fmt::Display for Channels {
    /// `email+mobile`; `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        for (place, channel) in self.iter().enumerate() {
            write!(f, "{}{channel}", if place > 0 { "+" } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
