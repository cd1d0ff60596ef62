//! The machine: events in, notifications out.

mod callbacks;
mod calls;
mod cancels;
mod handovers;
mod messages;
mod names;
mod people;
mod recent;
mod rings;
mod rung;
mod seed;
mod send;
mod snapshot;
mod state;
mod store;
mod timers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::hint::black_box;
use std::time::Duration;

use reveille_core::{Machine, UnixTime, Wakeup};

pub use rings::Ringing;
pub use seed::Seed;
pub use snapshot::RestoreError;

use crate::event::Presence;
use crate::event::{Event, What};
use crate::id::{ConversationId, PersonId, QueueId};
use crate::rules::{InvalidRule, Rules};
use crate::{Input, Intent, Kind, Note, Noted, Output, Reason, Slot, Suppressed};
use names::Names;
use recent::Recent;
use rung::Rung;
use send::Draft;
use state::Conversation;
use store::Store;

/// How far a source's clock may be ahead of ours: less would lose the order of its events where ours is behind.
const AHEAD: Duration = Duration::from_secs(60 * 60);

/// The machine that decides who is told what, for the conversations of one shard. Give it each [`Input`] as it comes,
/// and act on the [`Output`]s; the [crate's documentation](crate) shows the loop that drives it.
pub struct Conversations {
    store: Store,
    desk: Desk,
}

/// All but the conversations: with it, a conversation's events are dealt with in the place where it lies.
struct Desk {
    rules: Rules,
    seed: Seed,
    now: UnixTime,
    /// When to look at which conversation.
    timers: BTreeSet<(UnixTime, u32)>,
    ringing: Rung,
    /// Which callbacks wait in which queue.
    waiting: BTreeMap<QueueId, BTreeSet<ConversationId>>,
    recent: Recent,
    names: Names,
    /// People who are not available, and since when.
    presence: BTreeMap<PersonId, (Presence, UnixTime)>,
    outputs: VecDeque<Output>,
}

impl Conversations {
    /// Makes a machine that knows no conversation yet.
    ///
    /// # Errors
    /// [`InvalidRule`] if a rule is out of its range, which only rules that were deserialised can be.
    pub fn new(rules: Rules, seed: Seed) -> Result<Self, InvalidRule> {
        rules.check()?;
        let desk = Desk {
            rules,
            seed,
            now: UnixTime::EPOCH,
            timers: BTreeSet::new(),
            ringing: Rung::new(seed),
            waiting: BTreeMap::new(),
            recent: Recent::default(),
            names: Names::default(),
            presence: BTreeMap::new(),
            outputs: VecDeque::new(),
        };
        Ok(Self { store: Store::new(seed), desk })
    }

    /// The rules in force.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.desk.rules
    }

    /// How many conversations are remembered.
    #[must_use]
    pub fn live(&self) -> usize {
        self.store.len()
    }

    /// Whether a conversation is remembered. One that is not takes a place of
    /// [`MemoryRules::conversations`](crate::rules::MemoryRules::conversations) with its next event.
    #[must_use]
    pub fn remembers(&self, conversation: &ConversationId) -> bool {
        self.store.find(conversation, self.desk.now).is_some()
    }

    /// How many messages of a conversation a person has not read (E2).
    #[must_use]
    pub fn unread(&self, conversation: &ConversationId, person: &PersonId) -> u32 {
        let there = self.store.find(conversation, self.desk.now).and_then(|slot| self.store.get(slot));
        let Some(there) = there else { return 0 };
        there.find(person).and_then(|at| there.members.get(at)).map_or(0, |member| there.unread(member))
    }

    /// Whether something of this kind's slot waits for this person: for a name, or for their turn to be rung.
    #[must_use]
    pub fn holds(&self, conversation: &ConversationId, person: &PersonId, kind: Kind) -> bool {
        let there = self.store.find(conversation, self.desk.now).and_then(|slot| self.store.get(slot));
        there.is_some_and(|there| {
            let held = there.extra.as_ref().is_some_and(|extra| extra.held_for(person, kind.slot()));
            let live = there.find(person).and_then(|at| there.members.get(at)?.live.as_deref());
            held || kind.slot() == Slot::Call && live.is_some_and(state::Live::waits_for_turn)
        })
    }

    /// What would be told of a message now, without its texts, its number and its name for the screen: for whoever collects
    /// messages, has kept their count only, and still has to tell of them. `None` for whom nobody would tell.
    #[must_use]
    pub fn told_of_messages(&self, conversation: &ConversationId, person: &PersonId) -> Option<Box<Intent>> {
        let there = self.store.get(self.store.find(conversation, self.desk.now)?)?;
        let member = there.members.get(there.find(person)?).filter(|member| !member.left)?;
        let ways = self.desk.rules.ways(Kind::NewMessage, member.role).ok()?;
        let not_after = self.desk.now + self.desk.rules.messages().useful_for();
        let mut draft = Draft::new(conversation, person, member.role, Kind::NewMessage, not_after, ways);
        draft.intent.collapse = self.desk.seed.collapse_key(person, conversation, Slot::Message);
        Some(draft.intent)
    }

    /// Reads what is known of these conversations, and changes nothing: call it before the events of a group are applied, a
    /// few at a time, because memory answers ten questions nearly as fast as one.
    pub fn read_ahead<'a>(&self, conversations: impl IntoIterator<Item = &'a ConversationId>) {
        let there =
            conversations.into_iter().filter_map(|id| self.store.get(self.store.find(id, self.desk.now)?));
        black_box(there.fold(0, |read, there| read ^ there.sequence ^ there.members.len() as u64));
    }

    fn on_event(&mut self, event: Event) {
        let Event { conversation: id, at, mut what, .. } = event;
        let at = self.desk.believed(at);
        let (most, now) = (self.desk.rules.memory().conversations(), self.desk.now);
        let slot = self.store.find(&id, now).or_else(|| self.store.make(&id, most, now));
        let Some(slot) = slot else {
            return self.desk.suppress(Some(&id), None, None, Reason::Full);
        };
        self.visit(slot, |desk, there| desk.happens(there, slot, &mut what, at));
    }

    /// Something happens to a conversation, which is remembered for a while because of it.
    fn visit(&mut self, slot: u32, happens: impl FnOnce(&mut Desk, &mut Conversation)) {
        let Some((there, forget_at)) = self.store.get_mut(slot) else { return };
        happens(&mut self.desk, there);
        let memory = self.desk.rules.memory();
        let short = there.ended || there.members.is_empty();
        let keep = if short { memory.ended_after() } else { memory.idle_after() };
        *forget_at = self.desk.now + keep;
        if there.is_blank() {
            // An event that leaves nothing behind takes no room for a week.
            self.store.remove(slot);
        }
    }
}

impl Desk {
    fn happens(&mut self, there: &mut Conversation, slot: u32, what: &mut What, at: UnixTime) {
        match what {
            What::MessageSent(message) => self.on_message(there, slot, message, at),
            What::ReadUpTo(read) => self.on_read(there, slot, read),
            What::CallOffered(offer) => self.on_offer(there, slot, offer, at),
            What::CallAnswered(answered) => self.on_answered(there, slot, answered, at),
            What::CallEnded(ended) => self.on_ended(there, slot, ended, at),
            What::CallWithdrawn(withdrawn) => self.on_withdrawn(there, slot, withdrawn, at),
            What::CallDeclined(declined) => self.on_declined(there, slot, declined, at),
            What::CallTimedOut(timed_out) => self.on_timed_out(there, slot, timed_out, at),
            What::Joined(joined) => self.on_joined(there, joined),
            What::Left(left) => self.on_left(there, slot, left, at),
            What::GuestSessionEnded(left) => self.on_session_ended(there, slot, left, at),
            What::Forwarded(to) => self.on_handover(there, slot, Kind::Forwarded, to, at),
            What::Invited(to) => self.on_handover(there, slot, Kind::Invited, to, at),
            What::Delegated(to) => self.on_handover(there, slot, Kind::Delegated, to, at),
            What::Viewing(viewing) => self.on_viewing(there, viewing),
            What::StateChanged(state) => self.on_state(there, slot, state.open, at),
            What::CallbackCreated(created) => self.on_callback_created(there, created),
            What::EstimatedWait(wait) => self.on_wait(there, slot, *wait, at),
            What::BusinessClosing => self.on_callback(there, slot, crate::callback::On::Closing, at),
            What::CallbackReady => self.on_callback(there, slot, crate::callback::On::Ready, at),
            What::CallbackAccepted(accepted) => self.on_accepted(there, slot, accepted, at),
            What::CallbackAttempted(attempted) => self.on_attempted(there, slot, attempted, at),
            What::CallbackPurged => self.on_purged(there, slot, at),
            What::CallbackRescheduled => self.on_rescheduled(there, slot, at),
            What::CallbackCancelled => self.on_callback(there, slot, crate::callback::On::Cancelled, at),
            What::CallbackCompleted => self.on_callback(there, slot, crate::callback::On::Completed, at),
        }
    }

    /// A source's time, as far as it is believed: one that is far ahead would overtake everything that comes later.
    fn believed(&self, at: UnixTime) -> UnixTime {
        at.min(self.now + AHEAD)
    }

    fn on_rules(&mut self, rules: Rules) {
        // Rules that were decoded are checked; those made with setters are in their ranges.
        self.rules = rules;
        self.note(None, None, Noted::RulesChanged);
    }

    fn suppress(
        &mut self,
        conversation: Option<&ConversationId>,
        recipient: Option<&PersonId>,
        kind: Option<Kind>,
        reason: Reason,
    ) {
        self.outputs.push_back(Output::Suppressed(Suppressed {
            conversation: conversation.cloned(),
            recipient: recipient.cloned(),
            kind,
            reason,
        }));
    }

    fn note(&mut self, conversation: Option<&ConversationId>, person: Option<&PersonId>, what: Noted) {
        let (conversation, person) = (conversation.cloned(), person.cloned());
        self.outputs.push_back(Output::Note(Note { conversation, person, what }));
    }
}

impl Machine for Conversations {
    type Input = Input;
    type Output = Output;

    fn step(&mut self, input: Input, now: UnixTime) {
        self.desk.now = self.desk.now.max(now);
        self.run_timers();
        match input {
            Input::Event(event) => self.on_event(event),
            Input::Person(event) => self.on_person(event),
            Input::Queue(event) => self.on_queue(event),
            Input::Answer(answer) => self.on_answer(answer),
            Input::Rules(rules) => self.desk.on_rules(*rules),
            Input::Tick => {}
        }
        self.store.sweep(self.desk.now);
    }

    #[inline]
    fn next_output(&mut self) -> Option<Output> {
        self.desk.outputs.pop_front()
    }

    fn next_wakeup(&self) -> Option<Wakeup> {
        let (at, _) = self.desk.timers.first()?;
        Some(Wakeup { at: (*at).max(self.desk.now), reason: "a ring, a name or a callback is due" })
    }
}

impl fmt::Debug for Conversations {
    /// Sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversations")
            .field("live", &self.live())
            .field("ringing", &self.desk.ringing.len())
            .field("next_wakeup", &self.next_wakeup())
            .finish_non_exhaustive()
    }
}
