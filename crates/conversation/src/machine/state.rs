//! What is remembered of one conversation: small, and no more than this.

use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

use super::cancels::{Cancels, after_effect};
use crate::callback::State;
use crate::event::Offer;
use crate::event::{CallbackMode, Role};
use crate::few::{Blank, Few};
use crate::id::{ConversationId, DeviceId, OfferId, PersonId, QueueId};
use crate::lookup::LookupKey;
use crate::rules::Channels;
use crate::{Cause, Intent, Media, Slot};

/// Unread messages whose numbers are kept. Beyond, only how many there are is kept.
pub(super) const LOG: usize = 32;
/// Devices of one person that show a conversation at the same time.
pub(super) const VIEWS: usize = 8;
/// Notifications of one conversation that wait for names; further ones go without.
pub(super) const HELD: usize = 16;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Conversation {
    pub(super) id: ConversationId,
    pub(super) members: Few<Member, 2>,
    /// Numbers of the messages that somebody has not read, growing.
    pub(super) log: Few<u64, 3>,
    /// What most conversations do not have.
    pub(super) extra: Option<Box<Extra>>,
    /// The highest number of a message.
    pub(super) sequence: u64,
    /// Of the last notification.
    pub(super) generation: u64,
    /// Rings so far.
    pub(super) episodes: u32,
    pub(super) ended: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) id: PersonId,
    /// Up to which message they have read.
    pub(super) read: u64,
    /// Calls and views, if there are any.
    pub(super) live: Option<Box<Live>>,
    /// Unread messages that fell out of the log.
    pub(super) older: u32,
    pub(super) role: Role,
    /// A message was told and is not taken back yet.
    pub(super) shown: bool,
    pub(super) left: bool,
    /// A device may show the conversation: what is elsewhere has to be looked at. Rebuilt after a restore.
    #[serde(skip)]
    pub(super) looks: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Extra {
    /// The highest number that fell out of the log.
    pub(super) floor: u64,
    /// When the call was answered or ended: offers from before do not ring.
    pub(super) over_at: Option<UnixTime>,
    /// Of time-outs for all, which are for those as well whose offer comes later.
    pub(super) timed_out: Cancels,
    pub(super) callback: Option<Callback>,
    pub(super) held: Vec<Held>,
}

/// A notification that waits for names.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) intent: Box<Intent>,
    pub(super) missing: Vec<(Field, LookupKey)>,
    pub(super) until: UnixTime,
    /// The message, for reads.
    pub(super) sequence: u64,
}

/// Which argument a look-up fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Field {
    From,
    Queue,
    Snippet,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Live {
    pub(super) ring: Ring,
    pub(super) episode: u32,
    pub(super) offered_at: UnixTime,
    pub(super) rang_at: UnixTime,
    pub(super) until: UnixTime,
    pub(super) offer: Option<OfferId>,
    pub(super) media: Option<Media>,
    pub(super) channels: Channels,
    pub(super) missed: bool,
    /// An offer came, whether it rang or not.
    pub(super) offered: bool,
    pub(super) cancels: Cancels,
    /// An answer that came before its offer.
    pub(super) answered_at: Option<UnixTime>,
    /// Which offer was answered last.
    pub(super) answered_offer: Option<OfferId>,
    pub(super) views: Vec<(DeviceId, UnixTime)>,
}

/// Where the ring of one person stands.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) enum Ring {
    #[default]
    None,
    /// A hidden agent's, until then.
    Hidden(UnixTime, Box<Offer>),
    /// It waits for names.
    Held,
    /// It left.
    Rings,
    /// It was taken back, or never came to ring.
    Over(Cause),
}

impl Extra {
    /// Whether something of this slot waits for a name, for this person.
    pub(super) fn held_for(&self, person: &PersonId, slot: Slot) -> bool {
        self.held.iter().any(|held| held.intent.recipient == *person && held.intent.kind.slot() == slot)
    }
}

impl Live {
    pub(super) const fn waits_for_turn(&self) -> bool {
        matches!(self.ring, Ring::Hidden(..))
    }

    /// A cancel came, and perhaps it took a ring back.
    pub(super) fn cancel(&mut self, offer: Option<&OfferId>, at: UnixTime, had_effect: bool) {
        let at = if had_effect { self.offered_at.max(after_effect(at)) } else { at };
        self.cancels.add(offer, at);
    }
}

impl Blank for Member {
    fn blank() -> Self {
        Self {
            id: PersonId::NOBODY,
            read: 0,
            live: None,
            older: 0,
            role: Role::Bot,
            shown: false,
            left: false,
            looks: false,
        }
    }
}

impl Ring {
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Hidden(..) | Self::Held | Self::Rings)
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Callback {
    pub(super) person: PersonId,
    pub(super) queue: Option<QueueId>,
    pub(super) mode: CallbackMode,
    pub(super) push: bool,
    pub(super) state: State,
    /// The wait was low when it was created.
    pub(super) low: bool,
    /// "Upcoming" was sent.
    pub(super) told: bool,
    pub(super) attempt: u32,
    pub(super) attempts: u32,
    /// When a purge is believed.
    pub(super) settles: Option<UnixTime>,
    pub(super) rescheduled_at: Option<UnixTime>,
}

impl Conversation {
    pub(super) fn new(id: ConversationId) -> Self {
        Self {
            id,
            members: Few::default(),
            log: Few::default(),
            extra: None,
            sequence: 0,
            generation: 0,
            episodes: 0,
            ended: false,
        }
    }

    /// Whether it is as good as new: nothing would be lost with it.
    pub(super) fn is_blank(&self) -> bool {
        let Self { id: _, members, log, extra, sequence, generation, episodes, ended } = self;
        members.is_empty()
            && log.is_empty()
            && extra.is_none()
            && !ended
            && (*sequence, *generation, *episodes) == (0, 0, 0)
    }

    pub(super) fn find(&self, person: &PersonId) -> Option<usize> {
        self.members.iter().position(|member| member.id == *person)
    }

    /// The member, made if there is room.
    pub(super) fn join(&mut self, person: &PersonId, role: Role, most: u32) -> Option<usize> {
        if let Some(at) = self.find(person) {
            return Some(at);
        }
        if self.members.len() >= most as usize {
            return None;
        }
        let member = Member {
            id: person.clone(),
            read: self.sequence,
            live: None,
            older: 0,
            role,
            shown: false,
            left: false,
            looks: false,
        };
        self.members.push(member);
        Some(self.members.len() - 1)
    }

    pub(super) fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    pub(super) fn over_at(&self) -> Option<UnixTime> {
        self.extra.as_ref().and_then(|extra| extra.over_at)
    }

    /// The number of the next thing that leaves: the time, or one more than the last.
    pub(super) fn next_generation(&mut self, now: UnixTime) -> crate::Generation {
        self.generation = self.generation.saturating_add(1).max(now.as_millis());
        crate::Generation::from_bits(self.generation)
    }

    /// Takes a message's number in; `false` if it is there.
    pub(super) fn write(&mut self, sequence: u64) -> bool {
        let place = self.log.partition_point(|known| *known < sequence);
        if self.log.get(place) == Some(&sequence) {
            return false;
        }
        self.log.insert(place, sequence);
        if self.log.len() > LOG
            && let Some(dropped) = self.log.first().copied()
        {
            self.log.drop_front(1);
            for member in self.members.iter_mut().filter(|member| member.read < dropped) {
                member.older = member.older.saturating_add(1);
            }
            let extra = self.extra();
            extra.floor = extra.floor.max(dropped);
        }
        true
    }

    /// Forgets the numbers that everybody has read.
    pub(super) fn trim(&mut self) {
        let reads = self.members.iter().filter(|member| !member.left && member.role != Role::Bot);
        let least = reads.map(|member| member.read).min().unwrap_or(u64::MAX);
        let gone = self.log.partition_point(|sequence| *sequence <= least);
        if gone > 0 {
            self.log.drop_front(gone);
        }
    }

    /// How many messages a member has not read; none, if they left, or are a bot.
    pub(super) fn unread(&self, member: &Member) -> u32 {
        if member.left || member.role == Role::Bot {
            return 0;
        }
        let first = self.log.partition_point(|sequence| *sequence <= member.read);
        let in_log = u32::try_from(self.log.len().saturating_sub(first)).unwrap_or(u32::MAX);
        in_log.saturating_add(member.older)
    }

    pub(super) fn read(&mut self, at: usize, sequence: u64) {
        let floor = self.extra.as_ref().map_or(0, |extra| extra.floor);
        if let Some(member) = self.members.get_mut(at) {
            member.read = member.read.max(sequence);
            if member.read >= floor {
                member.older = 0;
            }
        }
    }
}
