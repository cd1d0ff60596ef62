//! Any sequence of inputs, given by bytes: what must hold whatever comes, late, doubled, reordered, or with a clock that
//! jumps; with a restart at any point. The naive model counts unread messages from lists; the observer sees inputs and
//! outputs only.

#![allow(dead_code, unreachable_pub)]
// clippy.toml lifts these inside test functions only; the helpers of a test are tests too.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use reveille_conversation::event::*;
use reveille_conversation::id::*;
use reveille_conversation::lookup::*;
use reveille_conversation::rules::Rules;
use reveille_conversation::text::*;
use reveille_conversation::*;
use reveille_core::{Machine, UnixTime};

const SEED: Seed = Seed::new([3; 16]);
const BASE: u64 = 1_700_000_000_000;
const LONGEST_WAIT: u64 = 300;

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }
    fn below(&mut self, bound: u8) -> u8 {
        self.next().unwrap_or(0) % bound
    }
    fn chance(&mut self) -> bool {
        self.below(2) == 1
    }
}

type Place = (ConversationId, PersonId);

/// What was seen so far.
#[derive(Default)]
struct Observer {
    /// Rings that left, and the cancels of each.
    rings: BTreeMap<(Place, Episode), u32>,
    /// The highest episode whose cancel left.
    cancelled: BTreeMap<Place, Episode>,
    generations: BTreeMap<(PersonId, CollapseKey), Generation>,
    upcoming: BTreeMap<ConversationId, u32>,
    /// Cancels by name: no ring for these offers.
    cancelled_offers: BTreeSet<(Place, OfferId)>,
    model: BTreeMap<ConversationId, Model>,
    /// Time stands still when a clock goes back.
    now: UnixTime,
}

/// One conversation, as lists.
#[derive(Default)]
struct Model {
    messages: BTreeSet<u64>,
    highest: u64,
    /// Read up to, and whether they left.
    members: BTreeMap<PersonId, (u64, bool)>,
    ended: bool,
}

fn id<T: std::str::FromStr>(prefix: &str, number: u8) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("{prefix}{number}").parse().unwrap()
}

/// People 0 and 1 are visitors, 2 to 4 agents, 5 is a bot.
fn role(person: u8) -> Role {
    match person {
        0 | 1 => Role::Visitor,
        2 => Role::Primary,
        5 => Role::Bot,
        _ => Role::Secondary,
    }
}

fn input(bytes: &mut Bytes<'_>, now: u64) -> Input {
    let conversation: ConversationId = id("c", bytes.below(3));
    let who = bytes.below(6);
    let person: PersonId = id("p", who);
    // Late by up to eight seconds, or a little ahead.
    let at = UnixTime::from_millis((now + 500).saturating_sub(u64::from(bytes.below(18)) * 500));
    let offer = |bytes: &mut Bytes<'_>| bytes.chance().then(|| id::<OfferId>("o", bytes.below(4)));
    let device = |bytes: &mut Bytes<'_>| bytes.chance().then(|| id::<DeviceId>("d", bytes.below(3)));
    let text = |bytes: &mut Bytes<'_>| bytes.chance().then(|| Text::new("text"));
    let queue = |bytes: &mut Bytes<'_>| id::<QueueId>("q", bytes.below(2));
    let what = match bytes.below(32) {
        0..=5 => What::MessageSent(Message {
            sender: person,
            role: role(who),
            kind: if bytes.below(8) == 0 { MessageKind::System } else { MessageKind::Written },
            message: bytes.chance().then(|| id("m", bytes.below(8))),
            sequence: Some(u64::from(1 + bytes.below(24))),
            sender_name: text(bytes),
            preview: text(bytes),
        }),
        6 | 7 => {
            What::ReadUpTo(Read { person, sequence: bytes.chance().then(|| u64::from(bytes.below(26))) })
        }
        8..=13 => What::CallOffered(Offer {
            person,
            role: role(who),
            media: if bytes.below(4) == 0 { Media::Chat } else { Media::Call },
            offer: offer(bytes),
            caller: bytes.chance().then(|| id("p", 0)),
            caller_name: text(bytes),
            queue: bytes.chance().then(|| queue(bytes)),
            queue_name: None,
            assigned: bytes.chance(),
            auto_join: bytes.below(8) == 0,
            hidden: bytes.below(4) == 0,
            presence: None,
            rings_for_ms: None,
            restated: bytes.below(4) == 0,
        }),
        14 => What::CallAnswered(Answered { person, role: None, device: device(bytes), offer: offer(bytes) }),
        15 => What::CallEnded(Ended { abandoned: bytes.chance() }),
        16 => {
            let cause = if bytes.chance() { Cause::Revoked } else { Cause::Transferred };
            What::CallWithdrawn(Withdrawn { person, cause, offer: offer(bytes) })
        }
        17 => What::CallDeclined(Declined { person, device: device(bytes), offer: offer(bytes) }),
        18 => What::CallTimedOut(TimedOut { person: bytes.chance().then_some(person), offer: offer(bytes) }),
        19 => What::Joined(Joined { person, role: role(who) }),
        20 => What::Left(Left { person }),
        21 => What::Viewing(Viewing { person, device: id("d", bytes.below(3)), for_ms: 30_000 }),
        22 => What::StateChanged(StateChanged { open: bytes.below(4) != 0 }),
        23 => What::CallbackCreated(CallbackCreated {
            person,
            push: bytes.below(4) != 0,
            mode: if bytes.chance() { CallbackMode::CallIn } else { CallbackMode::CallBack },
            queue: bytes.chance().then(|| queue(bytes)),
            wait_ms: bytes.chance().then(|| u64::from(bytes.below(40)) * 60_000),
            attempts: None,
        }),
        24 => What::EstimatedWait(Wait { wait_ms: u64::from(bytes.below(30)) * 60_000 }),
        25 => match bytes.below(7) {
            0 => What::BusinessClosing,
            1 => What::CallbackReady,
            2 => What::CallbackPurged,
            3 => What::CallbackRescheduled,
            4 => What::CallbackCancelled,
            5 => What::CallbackCompleted,
            _ => What::CallbackAccepted(Accepted { number: None }),
        },
        26 => What::CallbackAttempted(Attempted {
            attempt: u32::from(bytes.below(5)),
            of: None,
            succeeded: bytes.below(4) == 0,
        }),
        27 => What::Invited(HandedOver {
            to: Target::Agent(person),
            by: bytes.chance().then(|| id("p", 2)),
            by_name: None,
        }),
        28 => {
            let what = match bytes.below(4) {
                0 => PersonChange::LoggedOut(device(bytes)),
                1 => PersonChange::Presence(Presence::Available),
                _ => PersonChange::Presence(Presence::Away),
            };
            return Input::Person(PersonEvent { person, at, what });
        }
        29 => {
            let wait = Wait { wait_ms: u64::from(bytes.below(30)) * 60_000 };
            let what =
                if bytes.below(4) == 0 { QueueChange::Closing } else { QueueChange::EstimatedWait(wait) };
            return Input::Queue(QueueEvent { queue: queue(bytes), at, what });
        }
        30 => {
            let of = if bytes.chance() { LookupKey::Person(person) } else { LookupKey::Queue(queue(bytes)) };
            return Input::Answer(Answer { of, text: text(bytes) });
        }
        _ => What::GuestSessionEnded(Left { person }),
    };
    Input::Event(Event::new(conversation, what, at))
}

/// Runs a script; panics if something does not hold.
pub fn run(script: &[u8]) {
    let mut bytes = Bytes(script);
    // Nothing is forgotten within these hours: the model forgets nothing.
    let rules = Rules::from_toml("memory.ended_after = \"1d\"").unwrap();
    let mut machine = Conversations::new(rules.clone(), SEED).unwrap();
    let mut twin = Conversations::new(rules, SEED).unwrap();
    let (mut seen, mut now, mut clock) = (Observer::default(), BASE, BASE);
    while let Some(step) = bytes.next() {
        // Mostly a little later, sometimes much, sometimes back.
        match step % 16 {
            0 => clock = clock.saturating_sub(60_000),
            1 => clock += 40_000,
            2 => clock += 3_600_000,
            _ => clock += u64::from(step) * 20,
        }
        clock = clock.min(BASE + 20 * 3_600_000);
        now = now.max(clock);
        if step.is_multiple_of(3) {
            // Whoever drives it well ticks when it is due.
            while let Some(wakeup) = machine.next_wakeup().filter(|wakeup| wakeup.at.as_millis() <= now) {
                apply(&mut machine, &mut twin, &mut seen, Input::Tick, wakeup.at, true);
                assert!(
                    machine.next_wakeup().is_none_or(|next| next.at > wakeup.at),
                    "a tick changes nothing"
                );
            }
        }
        if step.is_multiple_of(5) {
            // A crash, and a restart from a snapshot.
            let mut saved = Vec::new();
            twin.snapshot(&mut saved);
            twin = Conversations::restore(&saved, SEED).unwrap();
            let mut again = Vec::new();
            twin.snapshot(&mut again);
            assert!(saved == again, "a snapshot of what was restored differs");
        }
        let input = input(&mut bytes, now);
        apply(&mut machine, &mut twin, &mut seen, input, UnixTime::from_millis(clock), false);
    }
    // When nothing more comes, everything ends.
    let mut ticks = 0;
    while let Some(wakeup) = machine.next_wakeup() {
        apply(&mut machine, &mut twin, &mut seen, Input::Tick, wakeup.at, true);
        ticks += 1;
        assert!(ticks < 10_000, "it does not come to rest");
    }
    for ((place, episode), cancels) in &seen.rings {
        assert_eq!(*cancels, 1, "ring {episode} of {place:?} was cancelled {cancels} times");
        assert!(machine.ringing(&place.1, UnixTime::from_millis(now)).is_empty(), "something rings for ever");
    }
}

fn apply(
    machine: &mut Conversations,
    twin: &mut Conversations,
    seen: &mut Observer,
    input: Input,
    now: UnixTime,
    on_time: bool,
) {
    let mut log = Vec::new();
    input.encode(&mut log);
    assert_eq!(Input::decode(&log).as_ref(), Ok(&input), "an input does not survive the log");
    let outputs: Vec<Output> = machine.apply(input.clone(), now).collect();
    let again: Vec<Output> = twin.apply(Input::decode(&log).unwrap(), now).collect();
    assert_eq!(outputs, again, "a restart changes what follows");
    assert!(outputs.len() < 500, "{} outputs of one input", outputs.len());
    if !matches!(input, Input::Tick) {
        assert!(!outputs.is_empty(), "silence: {input:?}");
    }
    seen.now = seen.now.max(now);
    let now = seen.now;
    seen.before(&input);
    for (place, output) in outputs.iter().enumerate() {
        seen.output(output, &input, now, on_time, place + 1 == outputs.len());
    }
    let refused = outputs.iter().any(
        |output| matches!(output, Output::Suppressed(suppressed) if suppressed.reason == Reason::Duplicate),
    );
    seen.model(&input, refused);
    for (conversation, model) in &seen.model {
        for (person, (read, left)) in &model.members {
            // Whoever left has nothing to read, nor has a bot.
            if person.as_str() == "p5" {
                continue;
            }
            let unread = if *left { 0 } else { model.messages.range(read + 1..).count() as u32 };
            assert_eq!(
                machine.unread(conversation, person),
                unread,
                "{person} in {conversation} after {input:?}"
            );
        }
    }
}

impl Observer {
    fn before(&mut self, input: &Input) {
        let Input::Event(event) = input else { return };
        let named = match &event.what {
            What::CallWithdrawn(withdrawn) => Some((&withdrawn.person, &withdrawn.offer)),
            What::CallDeclined(declined) => Some((&declined.person, &declined.offer)),
            _ => None,
        };
        if let Some((person, Some(offer))) = named {
            self.cancelled_offers.insert(((event.conversation.clone(), person.clone()), offer.clone()));
        }
    }

    /// `last`: what follows from the input itself; what was due by time stands before it.
    fn output(&mut self, output: &Output, input: &Input, now: UnixTime, on_time: bool, last: bool) {
        match output {
            Output::Intent(intent) => {
                let place = (intent.conversation.clone(), intent.recipient.clone());
                self.grows(&intent.recipient, intent.collapse, intent.generation);
                assert!(intent.role != Role::Bot, "a bot is told");
                assert!(!intent.channels.is_empty(), "nowhere to go");
                if on_time {
                    assert!(intent.not_after > now, "too late when it leaves: {intent:?}");
                }
                match intent.kind {
                    Kind::IncomingCall | Kind::IncomingOffer => {
                        let episode = intent.episode.unwrap();
                        assert!(
                            self.cancelled.get(&place).is_none_or(|last| *last < episode),
                            "a ring after its cancel"
                        );
                        self.rings.entry((place.clone(), episode)).or_default();
                        if let Input::Event(Event { what: What::CallOffered(offer), conversation, .. }) =
                            input
                            && last
                            && place == (conversation.clone(), offer.person.clone())
                            && let Some(name) = &offer.offer
                        {
                            let key = (place, name.clone());
                            assert!(!self.cancelled_offers.contains(&key), "{name} rings after its cancel");
                        }
                    }
                    Kind::CallbackUpcoming => {
                        let sent = self.upcoming.entry(intent.conversation.clone()).or_default();
                        *sent += 1;
                        assert_eq!(*sent, 1, "a second CALLBACK_UPCOMING");
                    }
                    _ => {}
                }
            }
            Output::Withdraw(withdraw) => {
                self.grows(&withdraw.recipient, withdraw.collapse, withdraw.generation);
                if withdraw.how == Takes::Cancel && withdraw.only.is_none() {
                    let place = (withdraw.conversation.clone(), withdraw.recipient.clone());
                    let episode = withdraw.episode.unwrap();
                    // A cancel without a ring would be a fault as well.
                    *self.rings.get_mut(&(place.clone(), episode)).unwrap() += 1;
                    self.cancelled.insert(place, episode);
                }
            }
            Output::Lookup(lookup) => {
                assert!(
                    lookup.deadline.since(now).as_millis() <= u128::from(LONGEST_WAIT),
                    "it waits too long"
                );
            }
            Output::Note(Note { conversation: Some(conversation), what: Noted::Taken, .. })
            | Output::Suppressed(Suppressed {
                conversation: Some(conversation),
                reason: Reason::NotRequested,
                ..
            }) if matches!(input, Input::Event(Event { what: What::CallbackCreated(_), .. })) => {
                self.upcoming.remove(conversation);
            }
            _ => {}
        }
    }

    fn grows(&mut self, person: &PersonId, collapse: CollapseKey, generation: Generation) {
        let last = self.generations.insert((person.clone(), collapse), generation);
        assert!(last.is_none_or(|last| last < generation), "a generation goes back");
    }

    /// What an event does to unread counts.
    fn model(&mut self, input: &Input, refused: bool) {
        let Input::Event(event) = input else { return };
        let model = self.model.entry(event.conversation.clone()).or_default();
        let highest = model.highest;
        let enter = |model: &mut Model, person: &PersonId| {
            model.members.entry(person.clone()).or_insert((highest, false));
        };
        match &event.what {
            What::MessageSent(message) if message.kind != MessageKind::System && !model.ended => {
                enter(model, &message.sender);
                if refused {
                    // The same number again, whoever is said to have written it.
                    return;
                }
                let sequence = message.sequence.unwrap();
                // The machine forgets numbers that everybody has read; such a message is new to it, and read by all.
                model.messages.insert(sequence);
                model.highest = model.highest.max(sequence);
                let known = model.members.get_mut(&message.sender).unwrap();
                known.0 = known.0.max(sequence);
            }
            What::ReadUpTo(read) => {
                let highest = model.highest;
                if let Some(known) = model.members.get_mut(&read.person) {
                    known.0 = known.0.max(read.sequence.unwrap_or(highest));
                }
            }
            What::Joined(joined) => {
                enter(model, &joined.person);
                let known = model.members.get_mut(&joined.person).unwrap();
                if std::mem::take(&mut known.1) {
                    known.0 = known.0.max(highest);
                }
            }
            What::CallOffered(offer) => {
                enter(model, &offer.person);
            }
            What::CallAnswered(answered) => {
                // A visitor who is known is the customer's leg.
                let visitor = ["p0", "p1"].contains(&answered.person.as_str());
                if !visitor || !model.members.contains_key(&answered.person) {
                    enter(model, &answered.person);
                }
            }
            What::CallWithdrawn(Withdrawn { person, .. })
            | What::CallDeclined(Declined { person, .. })
            | What::CallTimedOut(TimedOut { person: Some(person), .. }) => enter(model, person),
            // A second one is refused before anybody is entered.
            What::CallbackCreated(created) if !refused => enter(model, &created.person),
            What::Left(left) | What::GuestSessionEnded(left) => {
                if let Some(known) = model.members.get_mut(&left.person) {
                    known.1 = true;
                }
            }
            What::StateChanged(state) => model.ended = !state.open,
            _ => {}
        }
    }
}
