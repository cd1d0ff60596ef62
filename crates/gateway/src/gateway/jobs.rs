//! Jobs: what was decided becomes something to be delivered.

use std::sync::Arc;

use bytes::Bytes;
use reveille_conversation::id::{ConversationId, PersonId};
use reveille_conversation::rules::Channels;
use reveille_conversation::{Channel, CollapseKey, Kind, Slot};
use reveille_core::UnixTime;
use reveille_delivery::{self as delivery, Fate, JobId, Priority, RecipientId, Role, SlotId, WhenUnsure};
use reveille_digest::Generation;

use super::Gateway;
use super::host::Key;
use crate::id::JobNames;
use crate::wire::postcard_into;
use crate::{Content, Note, Target};

/// What the gateway knows of a job beside delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) content: Arc<Content>,
    pub(super) decided: UnixTime,
    pub(super) not_after: UnixTime,
    pub(super) slot: SlotId,
    /// The batch that waits for its answer.
    pub(super) batch: Option<Generation>,
    /// Way 0, devices; or one of [`Target::way`].
    pub(super) way: u8,
    /// It came back from the dead letters: what goes in its place went when it died.
    pub(super) again: bool,
}

/// Where a notification goes first, second, third; text messages only in place of others.
const WAYS: [(u8, Channels); super::WAYS] = [
    (0, Channels::of(&[Channel::Mobile, Channel::WebPush])),
    (1, Channels::of(&[Channel::Webhook])),
    (2, Channels::of(&[Channel::Email])),
];

/// What is to be told.
pub(super) struct Telling {
    pub(super) content: Content,
    pub(super) generation: u64,
    pub(super) not_after: UnixTime,
    /// The digest's batch, if it waits for an answer.
    pub(super) batch: Option<Generation>,
    /// Who needs no cancel.
    pub(super) except: Option<delivery::DeviceId>,
    /// Messages that other ways than devices were told of before.
    pub(super) told_elsewhere: u32,
}

impl Gateway {
    /// A job for each way; the first one answers the digest.
    pub(super) fn tell(&mut self, telling: Telling) {
        let Telling { content, generation, not_after, mut batch, except, told_elsewhere } = telling;
        let channels = content.channels();
        let (collapse, stops) =
            (content.collapse(), content.takes_back() && slot_of(content.kind()) == Slot::Call);
        // All ways share it.
        let said = self.said(Arc::new(content), generation);
        for (way, of) in WAYS {
            if channels.and(of).is_empty() {
                // Nobody is told that it is over; but what waits there does not leave any more.
                if stops {
                    self.stop_quietly(collapse, way, generation);
                }
                continue;
            }
            let mut said = said.clone();
            if let (Content::Show { intent, messages, senders, announcement }, 1..) = (&*said.content, way)
                && told_elsewhere > 0
            {
                let messages = messages.saturating_sub(told_elsewhere);
                if messages == 0 {
                    continue;
                }
                let content = Content::Show {
                    intent: intent.clone(),
                    messages,
                    senders: *senders,
                    announcement: *announcement,
                };
                said = self.said(Arc::new(content), generation);
            }
            let batch = batch.take();
            self.submit(Submission { said, generation, not_after, batch, except, way });
        }
        if stops && let Some(sms) = Target::Sms.way() {
            self.stop_quietly(collapse, sms, generation);
        }
    }

    fn said(&mut self, content: Arc<Content>, generation: u64) -> Said {
        self.scratch.clear();
        postcard_into(&*content, &mut self.scratch);
        // Of the very length: there may be a million of them.
        let recipient = self.seed.recipient(content.person());
        let bytes = Bytes::copy_from_slice(&self.scratch);
        let kind = content.kind().as_str();
        let names = self.seed.jobs(content.collapse(), kind, content.takes_back(), generation);
        Said { content, bytes, recipient, names }
    }

    fn stop_quietly(&mut self, collapse: CollapseKey, way: u8, generation: u64) {
        let slot = self.seed.slot(collapse, way);
        self.to_delivery.push_back(delivery::Input::Cancel { slot, generation });
    }

    /// A ring is over, and the matrix has no channel on which to say so: what has not left does not leave.
    pub(super) fn stop_everywhere(&mut self, person: &PersonId, conversation: &ConversationId) {
        let rings = self.jobs.iter().filter_map(|(job, live)| {
            let Content::Show { intent, .. } = &*live.content else { return None };
            let same = intent.recipient == *person && intent.conversation == *conversation;
            (same && slot_of(intent.kind) == Slot::Call)
                .then(|| (*job, live.slot, intent.generation.to_bits().saturating_add(1)))
        });
        let mut rings: Vec<_> = rings.collect();
        rings.sort_unstable_by_key(|(job, ..)| *job);
        for (_, slot, generation) in rings {
            self.to_delivery.push_back(delivery::Input::Cancel { slot, generation });
        }
    }

    fn submit(&mut self, submission: Submission) {
        let Submission { said, generation, not_after, batch, except, way } = submission;
        let Said { content, bytes, recipient, names } = said;
        let (kind, collapse, announcement) = (content.kind(), content.collapse(), content.announcement());
        let job = names.on(way);
        // A webhook hears of every message, and a mailbox keeps them; only a screen shows one for all.
        let once = way > 0 && slot_of(kind) != Slot::Call;
        let slot = if once { SlotId::alone(job) } else { self.seed.slot(collapse, way) };
        let mut made = Box::new(delivery::Job::new(job, recipient, slot, generation, bytes));
        made.not_after = not_after;
        // Nobody waits for what is for a whole audience.
        made.priority = if announcement.is_some() { Priority::Low } else { priority_of(kind) };
        if content.takes_back() && !once {
            made.role = Role::Cancel { except };
        }
        if let Some(target) = Target::of_way(way) {
            made.devices = Some(target.pseudo().into_iter().collect());
            if target == Target::Sms {
                made.when_unsure = WhenUnsure::GiveUp;
            }
        }
        self.counting.jobs = self.counting.jobs.saturating_add(1);
        if let Some(announcement) = announcement {
            // A million lines would leave no room for others: the announcement has its own word.
            self.audiences.begun(job, announcement);
        } else if !content.takes_back() {
            let seed = self.seed;
            let messages = || match kind {
                Kind::NewMessage => collapse,
                _ => {
                    seed.conversations().collapse_key(content.person(), content.conversation(), Slot::Message)
                }
            };
            self.trail.told(content.person(), messages, kind, job);
        }
        self.note(Note::Begun {
            job,
            person: content.person().clone(),
            conversation: content.conversation().clone(),
            kind,
        });
        // First what is read at once, then what is a miss of the caches: otherwise the one would wait for the other.
        self.to_delivery.push_back(delivery::Input::Submit { job: made });
        let live = Live { content, decided: self.now, not_after, slot, batch, way, again: false };
        self.jobs.entry(job).or_insert(live);
    }

    /// A job has ended.
    pub(super) fn settled(&mut self, job: JobId, fate: Fate) {
        self.note(Note::Settled { job, fate });
        self.audiences.settled(job);
        let Some(live) = self.jobs.remove(&job) else { return };
        self.counting.settled(live.way, live.decided, self.now);
        if let Some(generation) = live.batch {
            let key = Key {
                person: live.content.person().clone(),
                conversation: live.content.conversation().clone(),
            };
            // On other ways they were told, and are to be told that it was read.
            let is_alone = ways_of(live.content.channels()) < 2;
            self.to_digests.push_back(if fate.failed() && is_alone {
                reveille_digest::Input::Failure(key, generation)
            } else {
                reveille_digest::Input::Response(key, generation)
            });
        }
        if fate.failed() && live.way == 0 && !live.content.takes_back() && !live.again {
            self.push_failed(job, &live, fate);
        }
    }

    /// C9, A9: nobody was told by push.
    fn push_failed(&mut self, job: JobId, live: &Live, fate: Fate) {
        let Content::Show { intent, .. } = &*live.content else { return };
        let target = self.settings.fallback(intent.kind);
        // Not where it went in any case, not when it is too late for anything, and not what was cancelled meanwhile.
        let instead = target.filter(|target| {
            target.channel().is_none_or(|channel| !intent.channels.has(channel))
                && intent.not_after > self.now
                && !self.delivery.is_cancelled(live.slot, intent.generation.to_bits())
        });
        self.note(Note::PushFailed {
            job,
            person: intent.recipient.clone(),
            conversation: intent.conversation.clone(),
            kind: intent.kind,
            fate,
            instead,
        });
        let Some(way) = instead.and_then(Target::way) else { return };
        let generation = intent.generation.to_bits();
        let (not_after, said) = (intent.not_after, self.said(Arc::clone(&live.content), generation));
        self.submit(Submission { said, generation, not_after, batch: None, except: None, way });
    }
}

/// What a job says, and the same as delivery keeps it.
#[derive(Clone)]
struct Said {
    content: Arc<Content>,
    bytes: Bytes,
    recipient: RecipientId,
    names: JobNames,
}

struct Submission {
    said: Said,
    generation: u64,
    not_after: UnixTime,
    batch: Option<Generation>,
    except: Option<delivery::DeviceId>,
    way: u8,
}

/// How many jobs a notification on these channels is.
pub(super) fn ways_of(channels: Channels) -> u32 {
    WAYS.iter().map(|(_, of)| u32::from(!channels.and(*of).is_empty())).sum()
}

/// Rings and offers, and what takes them back, hurry.
pub(super) fn priority_of(kind: Kind) -> Priority {
    if slot_of(kind) == Slot::Call { Priority::Urgent } else { Priority::Normal }
}

fn slot_of(kind: Kind) -> Slot {
    kind.slot()
}
