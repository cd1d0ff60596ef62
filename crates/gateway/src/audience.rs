//! One announcement for a large audience: told page by page, at low priority.

use reveille_conversation::event::Role;
use reveille_conversation::id::{AudienceId, ConversationId, EventId, PersonId};
use reveille_conversation::text::Text;
use reveille_conversation::{self as conversation, Reason};
use reveille_core::UnixTime;
use serde::{Deserialize, Serialize};

/// One message for everybody on a list that your store holds, be they a million: admit it as
/// [`Input::Announce`](crate::Input::Announce). It goes to each of them as a new message of its conversation, without
/// waiting for others, by the rules in force when their page comes, and behind everything that hurries.
///
/// ```
/// use reveille_core::UnixTime;
/// use reveille_gateway::audience::Announcement;
/// use std::time::Duration;
///
/// let now = UnixTime::from_secs(1_800_000_000);
/// let news = Announcement::new("a-17".parse()?, "news".parse()?, "subscribers".parse()?, "We move on Monday.", now)
///     .with_from("Example Shop")
///     .with_not_after(now + Duration::from_secs(4 * 3_600));
/// assert_eq!(news.audience.as_str(), "subscribers");
/// # Ok::<(), reveille_conversation::id::InvalidId>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Announcement {
    /// Its id, as its source gives it: it is taken once.
    pub id: EventId,
    /// The conversation that a click leads to; it decides the shard. A later announcement in it replaces this one on the
    /// screen.
    pub conversation: ConversationId,
    /// The list.
    pub audience: AudienceId,
    /// What these people are, for the rules' matrix: visitors, if not set.
    pub role: Role,
    /// Who says it.
    pub from: Option<Text>,
    /// What is said.
    pub text: Text,
    /// When it was made.
    pub at: UnixTime,
    /// Whoever has not been told by then is not told any more: a day after it was made, if not set.
    pub not_after: UnixTime,
}

impl Announcement {
    /// Makes one for visitors, of use for a day. The first 512 bytes of the text count.
    #[must_use]
    pub fn new(
        id: EventId,
        conversation: ConversationId,
        audience: AudienceId,
        text: &str,
        at: UnixTime,
    ) -> Self {
        Self {
            id,
            conversation,
            audience,
            role: Role::Visitor,
            from: None,
            text: Text::new(text),
            at,
            not_after: at + std::time::Duration::from_secs(86_400),
        }
    }

    /// Says who announces it.
    #[must_use]
    pub fn with_from(self, from: &str) -> Self {
        Self { from: Some(Text::new(from)), ..self }
    }

    /// Says what these people are.
    #[must_use]
    pub fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Sets until when it is of use, exclusive.
    #[must_use]
    pub fn with_not_after(self, not_after: UnixTime) -> Self {
        Self { not_after, ..self }
    }
}

/// What the gateway calls an announcement: use it to ask how far it is, and to cancel it.
/// [`Seed::announcement`](crate::Seed::announcement) returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AnnouncementId(u128);

impl AnnouncementId {
    /// Makes one again from [`to_bits`](Self::to_bits).
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// Returns the number in it, for a store.
    #[must_use]
    pub const fn to_bits(self) -> u128 {
        self.0
    }
}

/// The question for the next people of an audience: read them from your store, and admit them as a [`Page`].
///
/// The order is that of the bytes of their ids, so that a list that changes meanwhile is neither read twice nor skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wanted {
    /// For which announcement.
    pub announcement: AnnouncementId,
    /// Of which list.
    pub audience: AudienceId,
    /// People whose ids are greater than this; `None`: from the beginning.
    pub after: Option<PersonId>,
    /// At most so many: of more, the rest is asked for again.
    pub limit: u16,
}

/// Some people of an audience: admit it as the answer to [`LookUp::Audience`](crate::LookUp::Audience). In the queue it waits
/// until nothing else does. A page whose order is wrong is refused
/// as a whole, and asked for again after a minute: see [`PageRefused`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Page {
    /// [`Wanted::announcement`]
    pub announcement: AnnouncementId,
    /// [`Wanted::after`]
    pub after: Option<PersonId>,
    /// Their ids, rising, all greater than `after`.
    pub people: Vec<PersonId>,
    /// Nobody comes after them.
    pub last: bool,
}

impl Page {
    /// Answers a question with these people.
    #[must_use]
    pub fn of(wanted: &Wanted, people: Vec<PersonId>, last: bool) -> Self {
        Self { announcement: wanted.announcement, after: wanted.after.clone(), people, last }
    }
}

/// Why a [`Page`] is not taken, as [`Note::PageRefused`](crate::Note::PageRefused) says: count it, and look at the store if
/// it is not [`NotWanted`](Self::NotWanted).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PageRefused {
    /// Nobody asked for it, or it is here already: nobody is told twice.
    NotWanted,
    /// The ids do not rise, or begin too early: asked for again after a minute.
    Order,
    /// It has nobody, and is not the last: asked for again after a minute.
    Empty,
}

/// How the reading of an audience ended: [`Progress::ended`] and
/// [`Note::AnnouncementEnded`](crate::Note::AnnouncementEnded) give it. Jobs that were begun go on, but for a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Ended {
    /// For everybody a job was begun.
    All,
    /// Its time was over before.
    Expired,
    /// Somebody cancelled it; what waited did not leave.
    Cancelled,
    /// The rules send it nowhere.
    Suppressed(Reason),
}

/// How far an announcement is: [`Gateway::announcement`](crate::Gateway::announcement) returns it, for an operator's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Progress {
    /// Which.
    pub announcement: AnnouncementId,
    /// For which list.
    pub audience: AudienceId,
    /// The last person for whom a job was begun.
    pub after: Option<PersonId>,
    /// For how many people a job was begun.
    pub told: u64,
    /// Pages that were taken.
    pub pages: u64,
    /// Pages of its own that were refused.
    pub pages_refused: u64,
    /// Jobs of it that are not settled.
    pub open: u64,
    /// A page was asked for, and is not here.
    pub asked: bool,
    /// How it ended; `None` while it goes on.
    pub ended: Option<Ended>,
}

impl Announcement {
    /// What one of them is told.
    pub(crate) fn intent(
        &self,
        recipient: &PersonId,
        collapse: conversation::CollapseKey,
        generation: conversation::Generation,
        channels: conversation::rules::Channels,
    ) -> conversation::Intent {
        let kind = conversation::Kind::NewMessage;
        conversation::Intent {
            conversation: self.conversation.clone(),
            recipient: recipient.clone(),
            role: self.role,
            kind,
            media: None,
            urgency: kind.urgency(),
            collapse,
            generation,
            episode: None,
            not_after: self.not_after,
            channels,
            except: Vec::new(),
            arguments: conversation::Arguments {
                from: self.from.clone(),
                snippet: Some(self.text.clone()),
                unread: 1,
                ..conversation::Arguments::default()
            },
        }
    }
}
