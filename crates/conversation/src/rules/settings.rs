//! The sections.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use toml::de::DeValue;

use super::section::{Setting, section};
use crate::Channel::{Mobile, WebPush, Webhook};
use crate::id::{AppId, QueueId};
use crate::rules::{CancelForm, Channels, PresenceFilter};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

section! {
    /// The rules that say who is told of messages, and for how long (A2, E1). Change them when a group of people shall
    /// not be told; that several messages in short succession notify once is the digest's part.
    MessageRules "messages" {
        /// Whether visitors are told of messages (A2).
        visitor with_visitor: bool = true;
        /// Whether the agent in charge is told (E1).
        primary with_primary: bool = true;
        /// Whether other agents are told (E1).
        secondary with_secondary: bool = true;
        /// Whether what bots write counts, too (E1).
        from_bots with_from_bots: bool = true;
        /// How long a message is worth a notification.
        useful_for with_useful_for: Duration = seconds(DAY), seconds(1) => seconds(28 * DAY);
    }
}

section! {
    /// The rule for what happens when somebody has read everything (E2). Change it when notifications shall stay on the
    /// other devices of a person who has read the messages.
    ReadRules "reads" {
        /// Whether what is shown of the conversation is taken back when everything is read.
        invalidate with_invalidate: bool = true;
    }
}

section! {
    /// The rules for calls and other offers: what rings, how long, and for whom (B4–B8, E3). Change them when your
    /// platform rings for another time, or when presence shall decide more or less.
    CallRules "calls" {
        /// Calls ring (B4, E3).
        calls with_calls: bool = true;
        /// Other media are offered as alerts (B1).
        offers with_offers: bool = true;
        /// How long a call rings, if the offer does not say so; then it is missed (B5, B7).
        ring_for with_ring_for: Duration = seconds(30), seconds(1) => seconds(10 * MINUTE);
        /// The same offer within this time is a duplicate; at exactly this time it is not (B6).
        duplicates_within with_duplicates_within: Duration = seconds(5), seconds(0) => seconds(MINUTE);
        /// Hidden agents are rung so long after the offer, if nobody answered (E3).
        hidden_after with_hidden_after: Duration = seconds(20), seconds(0) => seconds(10 * MINUTE);
        /// Whether presence filters (B8).
        presence with_presence: PresenceFilter = PresenceFilter::Soft;
        /// Presence older than this is not believed.
        presence_for with_presence_for: Duration = seconds(12 * HOUR), seconds(1) => seconds(7 * DAY);
        /// Nothing rings for a client that joins by itself (E3).
        respect_auto_join with_respect_auto_join: bool = true;
        /// A call that nobody took is told as missed (E3).
        missed with_missed: bool = true;
        /// How long "missed" is worth a notification.
        missed_useful_for with_missed_useful_for: Duration = seconds(DAY), seconds(1) => seconds(28 * DAY);
    }
}

section! {
    /// The rules for conversations that are forwarded, or to which an agent is invited or made deputy (E4). Change them
    /// when agents shall not be told of one of these.
    HandoverRules "handovers" {
        /// Whether an agent is told of a forwarded conversation.
        forwarded with_forwarded: bool = true;
        /// Whether an agent is told of an invitation.
        invited with_invited: bool = true;
        /// Whether an agent is told of a delegation.
        delegated with_delegated: bool = true;
        /// How long it is worth a notification.
        useful_for with_useful_for: Duration = seconds(HOUR), seconds(1) => seconds(28 * DAY);
        /// The same within this time is a duplicate (B6).
        duplicates_within with_duplicates_within: Duration = seconds(5), seconds(0) => seconds(MINUTE);
    }
}

section! {
    /// The rules for callbacks: when a customer is told that theirs is near, and how long that is of use (D1–D4).
    /// Change them to fit the waits of your queues.
    CallbackRules "callbacks" {
        /// Whether customers are told of callbacks at all.
        on with_on: bool = true;
        /// "Upcoming" when the estimated wait is below so many minutes: strictly below (D1).
        upcoming_below with_upcoming_below: u32 = 10, 1 => 1440;
        /// The same for single queues, in minutes (D1).
        upcoming_below_in with_upcoming_below_in: Thresholds = Thresholds::default();
        /// A purge waits so long for a "rescheduled" that may follow it, and is believed to be the old one so long after it (D3).
        settle with_settle: Duration = seconds(5), seconds(0) => seconds(MINUTE);
        /// An "upcoming" later than this is dropped (D2).
        upcoming_useful_for with_upcoming_useful_for: Duration = seconds(10 * MINUTE), seconds(1) => seconds(DAY);
        /// How long "ready" and the number to call are of use (D2).
        ready_useful_for with_ready_useful_for: Duration = seconds(5 * MINUTE), seconds(1) => seconds(DAY);
        /// How long the other steps are worth a notification.
        useful_for with_useful_for: Duration = seconds(DAY), seconds(1) => seconds(28 * DAY);
        /// How often is attempted, if the event does not say so (D4).
        attempts with_attempts: u32 = 3, 1 => 100;
    }
}

section! {
    /// Which event goes where (E5). The default sends invisible pushes to browsers, too, within a budget.
    ChannelRules "channels" {
        /// Where a new message goes.
        new_message with_new_message: Channels = Channels::ALL;
        /// Where the invalidation after a read goes.
        read_message with_read_message: Channels = Channels::of(&[Mobile, Webhook, WebPush]);
        /// Where a call or an offer goes.
        incoming_call with_incoming_call: Channels = Channels::ALL;
        /// Where the cancel of a call or an offer goes.
        revoked_call with_revoked_call: Channels = Channels::of(&[Mobile, Webhook, WebPush]);
        /// Where a missed call goes.
        missed_call with_missed_call: Channels = Channels::ALL;
        /// Where a forwarded conversation goes.
        forwarded with_forwarded: Channels = Channels::of(&[WebPush]);
        /// Where an invitation goes.
        invited with_invited: Channels = Channels::of(&[WebPush]);
        /// Where a delegation goes.
        delegated with_delegated: Channels = Channels::of(&[WebPush]);
        /// Where the steps of a callback go (D).
        callback with_callback: Channels = Channels::of(&[Mobile, WebPush]);
        /// Invisible pushes to one browser and day (E5). Counted by who writes requests: it is per device.
        invisible_web_pushes_per_day with_invisible_web_pushes_per_day: u32 = 3, 0 => 100;
    }
}

section! {
    /// Which type of participant is reached where (E5). Web Push to visitors is on: A lives from it.
    RecipientRules "recipients" {
        /// Where visitors can be reached.
        visitor with_visitor: Channels = Channels::ALL;
        /// Where the agent in charge can be reached.
        primary with_primary: Channels = Channels::ALL;
        /// Where other agents can be reached.
        secondary with_secondary: Channels = Channels::ALL;
    }
}

section! {
    /// The kill switch (E1), for use in an emergency: it stops what is new, for everybody or for some channels, apps or
    /// roles. What takes something back still goes out, so that nothing rings on.
    KillSwitch "kill" {
        /// Whether everything new is stopped.
        all with_all: bool = false;
        /// The channels that are stopped.
        channels with_channels: Channels = Channels::NONE;
        /// The apps that are stopped. The program that writes requests applies it, because it is per device.
        apps with_apps: Apps = Vec::new();
        /// Whether what is new for visitors is stopped.
        visitor with_visitor: bool = false;
        /// Whether what is new for the agent in charge is stopped.
        primary with_primary: bool = false;
        /// Whether what is new for other agents is stopped.
        secondary with_secondary: bool = false;
    }
}

section! {
    /// The forms that cancels have on the three push services (B7). Change one when your app handles data-only pushes
    /// there, or cannot.
    CancelRules "cancels" {
        /// The form on APNs. Background pushes come late or not at all.
        apns with_apns: CancelForm = CancelForm::Replacement;
        /// The form of cancels on FCM.
        fcm with_fcm: CancelForm = CancelForm::Data;
        /// The form on Web Push. Browsers punish what shows nothing.
        web_push with_web_push: CancelForm = CancelForm::Replacement;
    }
}

section! {
    /// The rules for look-ups of names that events do not hold (A2): which are asked for, how long a notification
    /// waits, and how many are kept. Switch off a look-up when nobody can answer it, so that nothing waits for it.
    LookupRules "lookups" {
        /// Queues are looked up.
        queue with_queue: bool = true;
        /// Callers are looked up.
        caller with_caller: bool = true;
        /// Senders are looked up.
        sender with_sender: bool = true;
        /// Snippets are looked up.
        snippet with_snippet: bool = true;
        /// How long a notification waits for an answer; a ring never waits longer than 300 ms.
        deadline with_deadline: Duration = Duration::from_millis(300), seconds(0) => Duration::from_millis(300);
        /// How many names are kept.
        names with_names: u32 = 4_096, 0 => 1_000_000;
        /// How long a name is kept.
        names_for with_names_for: Duration = seconds(HOUR), seconds(0) => seconds(7 * DAY);
    }
}

section! {
    /// The rule for devices that show a conversation and so need no push for it (A2). Make the time shorter if apps
    /// often end without a word: until it is over, such a device gets no push for messages.
    ViewingRules "viewing" {
        /// The longest time that one [`Viewing`](crate::event::Viewing) counts.
        at_most with_at_most: Duration = seconds(5 * MINUTE), seconds(1) => seconds(HOUR);
    }
}

section! {
    /// How much the machine remembers, and for how long. Change these when a shard has more conversations or less
    /// memory; beyond a bound, new ones are suppressed as [`Reason::Full`](crate::reason::Reason::Full) or old ones are
    /// forgotten.
    MemoryRules "memory" {
        /// A conversation in which nothing happens is forgotten after this time.
        idle_after with_idle_after: Duration = seconds(7 * DAY), seconds(HOUR) => seconds(90 * DAY);
        /// One that ended is remembered so long, so that what comes late does not open it again.
        ended_after with_ended_after: Duration = seconds(10 * MINUTE), seconds(1) => seconds(DAY);
        /// At most so many conversations.
        conversations with_conversations: u32 = 1_000_000, 1 => 100_000_000;
        /// At most so many participants in one.
        participants with_participants: u32 = 64, 2 => 1_000;
        /// At most so many events are remembered for their duplicates.
        recent with_recent: u32 = 65_536, 0 => 10_000_000;
        /// At most so many people who are not available.
        people with_people: u32 = 65_536, 0 => 10_000_000;
        /// The same message within this time is a duplicate, if its platform does not number messages (B6).
        duplicates_within with_duplicates_within: Duration = seconds(5), seconds(0) => seconds(MINUTE);
    }
}

type Apps = Vec<AppId>;

/// The limits of single queues for "your callback is near", in minutes of estimated wait. Give it to
/// [`CallbackRules::with_upcoming_below_in`]; a queue without a limit of its own has
/// [`upcoming_below`](CallbackRules::upcoming_below).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Thresholds(BTreeMap<QueueId, u32>);

impl Thresholds {
    /// With one more queue.
    #[must_use]
    pub fn with(mut self, queue: QueueId, minutes: u32) -> Self {
        self.0.insert(queue, minutes);
        self
    }

    /// A queue's threshold in minutes, if it has its own.
    #[must_use]
    pub fn of(&self, queue: &QueueId) -> Option<u32> {
        self.0.get(queue).copied()
    }
}

impl Setting for Thresholds {
    fn form(_: Option<(&Self, &Self)>) -> String {
        "a table of queue ids and minutes from 1 to 1440".to_owned()
    }
    fn show(&self) -> String {
        format!("{} queues", self.0.len())
    }
    fn from_toml(value: &DeValue<'_>) -> Option<Self> {
        let DeValue::Table(table) = value else { return None };
        let entry = |(queue, minutes): (&str, &DeValue<'_>)| {
            let minutes = u32::from_toml(minutes).filter(|minutes| (1..=1_440).contains(minutes))?;
            Some((QueueId::new(queue).ok()?, minutes))
        };
        let entries = table.iter().map(|(queue, minutes)| entry((queue.get_ref(), minutes.get_ref())));
        entries.collect::<Option<_>>().map(Self)
    }
}
