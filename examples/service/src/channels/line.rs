//! One conversation, one webhook at a time, in the order in which they were decided on: the next one's turn comes when the one
//! before has ended, and not while it waits for another attempt.

use std::collections::{HashMap, VecDeque};

use reveille_conversation::id::ConversationId;
use reveille_core::UnixTime;
use reveille_delivery::LegId;
use reveille_gateway::Job;
use reveille_gateway::store::ShardId;

/// What the machine decided, in its order.
type Order = (UnixTime, u64);

#[derive(Default)]
pub(super) struct Line {
    conversations: HashMap<ConversationId, VecDeque<Place>>,
    by_leg: HashMap<LegId, ConversationId>,
}

struct Place {
    leg: LegId,
    order: Order,
    not_after: UnixTime,
    state: State,
}

enum State {
    /// It is here, and others are before it.
    Waiting(ShardId, Box<Job>),
    /// It is its turn: it is at the pacer, or under way.
    Turn,
    /// The machine has it, for another attempt or for later.
    Away,
}

impl Line {
    /// One comes, or comes back. Gives it, if it is its turn.
    pub(super) fn come(&mut self, shard: ShardId, job: Job) -> Option<(ShardId, Job)> {
        let (leg, order, not_after) = (job.leg, (job.decided, job.generation), job.not_after);
        let conversation = job.conversation.clone();
        let places = self.conversations.entry(conversation.clone()).or_default();
        let waiting = State::Waiting(shard, Box::new(job));
        match places.iter_mut().find(|place| place.leg == leg) {
            // Given out again before its end was heard of: the newer attempt counts.
            Some(place) => place.state = waiting,
            None => {
                let later = |place: &Place| place.order > order && !matches!(place.state, State::Turn);
                let behind = places.iter().rev().take_while(|place| later(place)).count();
                places.insert(places.len() - behind, Place { leg, order, not_after, state: waiting });
                self.by_leg.insert(leg, conversation.clone());
            }
        }
        self.turn(&conversation)
    }

    /// It was given back to the machine, and keeps its place.
    pub(super) fn away(&mut self, leg: LegId) {
        if let Some(place) = self.place(leg) {
            place.state = State::Away;
        }
    }

    /// It has ended: gives the next one of the conversation, if that is here.
    pub(super) fn settle(&mut self, leg: LegId) -> Option<(ShardId, Job)> {
        let conversation = self.by_leg.remove(&leg)?;
        let places = self.conversations.get_mut(&conversation)?;
        places.retain(|place| place.leg != leg);
        if places.is_empty() {
            self.conversations.remove(&conversation);
            return None;
        }
        self.turn(&conversation)
    }

    /// Takes one out that waits for its turn; its place stays.
    pub(super) fn take(&mut self, leg: LegId) -> Option<(ShardId, Job)> {
        let place = self.place(leg).filter(|place| matches!(place.state, State::Waiting(..)))?;
        match std::mem::replace(&mut place.state, State::Away) {
            State::Waiting(shard, job) => Some((shard, *job)),
            _ => None,
        }
    }

    /// Whom nobody waits for any more: the machine has them, and their time is over. Gives whose turn it is instead.
    pub(super) fn sweep(&mut self, now: UnixTime) -> Vec<(ShardId, Job)> {
        let over = |place: &&Place| matches!(place.state, State::Away) && place.not_after <= now;
        let heads = self.conversations.values().filter_map(VecDeque::front);
        let over: Vec<LegId> = heads.filter(over).map(|place| place.leg).collect();
        over.into_iter().filter_map(|leg| self.settle(leg)).collect()
    }

    /// How many have a place.
    pub(super) fn len(&self) -> usize {
        self.by_leg.len()
    }

    fn place(&mut self, leg: LegId) -> Option<&mut Place> {
        let conversation = self.by_leg.get(&leg)?;
        self.conversations.get_mut(conversation)?.iter_mut().find(|place| place.leg == leg)
    }

    fn turn(&mut self, conversation: &ConversationId) -> Option<(ShardId, Job)> {
        let first = self.conversations.get_mut(conversation)?.front_mut()?;
        if !matches!(first.state, State::Waiting(..)) {
            return None;
        }
        match std::mem::replace(&mut first.state, State::Turn) {
            State::Waiting(shard, job) => Some((shard, *job)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use reveille_conversation::event::{Event, What};
    use reveille_conversation::rules::Rules;
    use reveille_conversation::{Conversations, Intent, Output};
    use reveille_core::Machine as _;
    use reveille_delivery::JobId;
    use reveille_gateway::{Content, Target};

    fn intent(conversation: &str) -> Box<Intent> {
        let now = UnixTime::from_secs(1_800_000_000);
        let seed = reveille_conversation::Seed::new([7; 16]);
        let mut machine = Conversations::new(Rules::default(), seed).unwrap();
        let offer = serde_json::from_str(r#"{"person":"kate"}"#).unwrap();
        let event = Event::new(conversation.parse().unwrap(), What::CallOffered(offer), now);
        let found = machine.apply(event.into(), now).find_map(|output| match output {
            Output::Intent(intent) => Some(intent),
            _ => None,
        });
        found.unwrap()
    }

    fn job(conversation: &str, number: u128) -> Job {
        let content = Arc::new(Content::Show {
            intent: intent(conversation),
            messages: 1,
            senders: 1,
            announcement: None,
        });
        let id = JobId::from_bits(number);
        let leg = LegId::of(id, Target::Webhook.id());
        let mut job = Job::new(id, leg, Target::Webhook, content, UnixTime::from_secs(number as u64));
        (job.generation, job.not_after) = (number as u64, UnixTime::from_secs(1_000));
        job
    }

    fn number(turn: Option<(ShardId, Job)>) -> Option<u128> {
        turn.map(|(_, job)| job.job.to_bits())
    }

    #[test]
    fn one_after_the_other_also_over_attempts() {
        let (mut line, shard) = (Line::default(), ShardId(1));
        let leg = |number| job("a", number).leg;
        assert_eq!(number(line.come(shard, job("a", 1))), Some(1));
        assert_eq!(number(line.come(shard, job("a", 2))), None);
        assert_eq!(number(line.come(shard, job("b", 3))), Some(3), "another conversation waits for nobody");
        // The first is tried again: the second still waits, and so does one that comes meanwhile.
        line.away(leg(1));
        assert_eq!(number(line.come(shard, job("a", 4))), None);
        assert_eq!(number(line.come(shard, job("a", 1))), Some(1));
        // The second goes back to the machine, and keeps its place before the fourth.
        assert_eq!(number(line.take(leg(2))), Some(2));
        assert_eq!(number(line.settle(leg(1))), None);
        assert_eq!(number(line.come(shard, job("a", 2))), Some(2));
        assert_eq!(number(line.settle(leg(2))), Some(4));
        assert_eq!(number(line.settle(leg(4))), None);
        assert_eq!(line.len(), 1);
    }

    #[test]
    fn after_a_restart_the_order_is_that_of_the_decisions() {
        let (mut line, shard) = (Line::default(), ShardId(1));
        assert_eq!(number(line.come(shard, job("a", 9))), Some(9));
        for at in [3, 1, 2] {
            assert_eq!(number(line.come(shard, job("a", at))), None);
        }
        let mut order = Vec::new();
        let mut last = 9;
        while let Some(next) = number(line.settle(job("a", last).leg)) {
            order.push(next);
            last = next;
        }
        assert_eq!(order, [1, 2, 3]);
    }

    #[test]
    fn nobody_waits_for_what_is_of_no_more_use() {
        let (mut line, shard) = (Line::default(), ShardId(1));
        assert_eq!(number(line.come(shard, job("a", 1))), Some(1));
        assert_eq!(number(line.come(shard, job("a", 2))), None);
        line.away(job("a", 1).leg);
        assert!(line.sweep(UnixTime::from_secs(999)).is_empty());
        let next = line.sweep(UnixTime::from_secs(1_000));
        assert_eq!(next.into_iter().map(|(_, job)| job.job.to_bits()).collect::<Vec<_>>(), [2]);
    }

    use proptest::prelude::*;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// The machine gives out this job, for the first time or again.
        Come(u8),
        /// It goes back to the machine.
        Back(u8),
        /// It has ended.
        Settle(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        (0_u8..8, 0_u8..3).prop_map(|(job, what)| match what {
            0 => Step::Come(job),
            1 => Step::Back(job),
            _ => Step::Settle(job),
        })
    }

    proptest! {
        /// Two conversations, whatever happens: one job of each has its turn, it is the first that has not ended, and
        /// whoever is here and first has its turn.
        #[test]
        fn one_of_each_conversation_and_always_the_first(steps in proptest::collection::vec(step(), 0..60)) {
            let name = |number: u8| if number.is_multiple_of(2) { "a" } else { "b" };
            let make = |number: u8| job(name(number), u128::from(number) + 1);
            let (mut line, shard) = (Line::default(), ShardId(1));
            // The model: jobs of each conversation in the order in which they have places, and where each is.
            let mut places: Vec<(u8, char)> = Vec::new();
            for step in steps {
                let turn = match step {
                    Step::Come(number) => {
                        // The machine has one attempt under way at a time.
                        match places.iter_mut().find(|place| place.0 == number) {
                            Some((_, state)) if *state != 'a' => continue,
                            Some((_, state)) => *state = 'w',
                            None => {
                                let behind = places.iter().rev().take_while(|(other, state)| {
                                    name(*other) != name(number) || (*other > number && *state != 't')
                                });
                                let at = places.len() - behind.count();
                                places.insert(at, (number, 'w'));
                            }
                        }
                        line.come(shard, make(number))
                    }
                    Step::Back(number) => {
                        if let Some((_, state)) = places.iter_mut().find(|place| place.0 == number) {
                            *state = 'a';
                        }
                        line.away(make(number).leg);
                        None
                    }
                    Step::Settle(number) => {
                        places.retain(|place| place.0 != number);
                        line.settle(make(number).leg)
                    }
                };
                if let Some((_, job)) = turn {
                    let number = u8::try_from(job.job.to_bits() - 1).unwrap();
                    let first = places.iter_mut().find(|place| name(place.0) == name(number)).unwrap();
                    prop_assert_eq!((first.0, first.1), (number, 'w'));
                    first.1 = 't';
                }
                // What is here and first has its turn; unless somebody else of the conversation had it and came back.
                for conversation in ["a", "b"] {
                    let first = places.iter().find(|place| name(place.0) == conversation);
                    let turns = places.iter().filter(|place| name(place.0) == conversation && place.1 == 't');
                    prop_assert!(turns.count() <= 1);
                    prop_assert!(first.is_none_or(|first| first.1 != 'w'), "{:?}", places);
                }
                prop_assert_eq!(line.len(), places.len());
            }
        }
    }
}
