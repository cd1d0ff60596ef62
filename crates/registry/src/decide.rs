//! What follows from an event: pure, and to be committed only if nobody was faster.

use std::time::Duration;

use reveille_core::{Action, Outcome, Receipt, Rejection, UnixTime};

use crate::record::FormVersion;
use crate::{
    Device, Effect, Environment, Event, Pruning, Purpose, Registration, RegistryPolicy, Retirement, State,
    Token, TokenValue,
};

/// What [`decide`] found: the change of one record, the revision that this change relies on, and what is to be done
/// afterwards. Commit the change by compare-and-set, and then act on the consequences.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "commit the change, and see to the consequences"]
#[allow(
    clippy::exhaustive_structs,
    reason = "plain data that users make and take apart; another field is another version of the log"
)]
pub struct Decision {
    /// The revision that the record must still have when the change is committed; `None`: there must be no record. If it
    /// has another one, read it again and decide again.
    pub expected: Option<u64>,
    /// The new record.
    pub change: Change,
    /// What else is to be done, once the change is committed.
    pub consequences: Vec<Consequence>,
}

/// What a [`Decision`] does to the record in the store: it keeps it, replaces it or deletes it. Match on it in a store
/// of your own; [`Memory::commit`](crate::memory::Memory::commit) does so already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Nothing.
    Keep,
    /// This takes its place.
    Put(Box<Device>),
    /// It is deleted for good.
    Purge,
}

/// Something that follows from a [`Decision`] besides the change of the record, such as a cancel, a check or a question
/// to the app. Act on each one when the change is committed; [`Stale`](Self::Stale) needs a line in a log only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consequence {
    /// What waits for this device and owner is cancelled, rings above all.
    CancelPending {
        /// Whose it was.
        owner: String,
    },
    /// Answer the app's contact with the request to register again.
    AskToRegister,
    /// Make a dry run with the token of this purpose, where its service has one (FCM: `validate_only`); otherwise the
    /// next push tells.
    Validate {
        /// Which token.
        purpose: Purpose,
    },
    /// Send once more: the other of Apple's services may know the token.
    TryOtherEnvironment {
        /// Which one.
        environment: Environment,
    },
    /// Remove this token from every other device: apply [`Event::TokenTaken`] there.
    TakeFromOthers {
        /// Which token.
        value: TokenValue,
    },
    /// What was said is about an older registration, and is ignored.
    Stale,
}

/// What an event does to a record (`None`: there is none).
///
/// Total: every event may come to every record at any time. Whatever changes raises the revision.
pub fn decide(device: Option<&Device>, event: &Event, policy: &RegistryPolicy, now: UnixTime) -> Decision {
    let expected = device.map(|device| device.revision);
    let Some(old) = device else {
        let (change, consequences) = match event {
            Event::Register { registration } => register(None, registration, now),
            _ => (None, Vec::new()),
        };
        return Decision { expected, change: change.map_or(Change::Keep, put), consequences };
    };
    let mut next = old.clone();
    let mut then = Vec::new();
    match event {
        Event::Register { registration } => {
            let (change, consequences) = register(Some(old), registration, now);
            return Decision { expected, change: change.map_or(Change::Keep, put), consequences };
        }
        Event::Seen => seen(&mut next, policy, now, &mut then),
        Event::Rotate { old, new } => rotate(&mut next, old.as_ref(), new, now, &mut then),
        Event::TokenTaken { value } => take_token(&mut next, value, now, &mut then),
        Event::Validated { purpose, revision } => {
            delivery(
                &mut next,
                *purpose,
                *revision,
                Effect::Accepted,
                now,
                Pruning::Allowed,
                policy,
                &mut then,
            );
        }
        Event::Delivery { purpose, revision, effect, at, pruning } => {
            delivery(&mut next, *purpose, *revision, *effect, *at, *pruning, policy, &mut then);
        }
        Event::LogOut => retire(&mut next, Retirement::LoggedOut, now, &mut then),
        Event::OverLimit => retire(&mut next, Retirement::OverLimit, now, &mut then),
        Event::EventEnded { ended } if next.event.as_ref() == Some(ended) => {
            retire(&mut next, Retirement::EventEnded, now, &mut then);
        }
        Event::EventEnded { .. } => {}
        Event::Reinstate => {
            if !next.is_reachable() && !next.tokens.is_empty() {
                next.state = State::Active;
                next.tokens.iter_mut().for_each(|token| token.suspicion = Default::default());
            }
        }
        Event::Tick => {
            if next.is_to_be_purged(policy, now) {
                return Decision { expected, change: Change::Purge, consequences: then };
            }
            tick(&mut next, policy, now, &mut then);
        }
    }
    let change = if next == *old {
        Change::Keep
    } else {
        next.revision = old.revision.saturating_add(1);
        put(next)
    };
    Decision { expected, change, consequences: then }
}

fn put(device: Device) -> Change {
    Change::Put(Box::new(device))
}

fn register(
    old: Option<&Device>,
    registration: &Registration,
    now: UnixTime,
) -> (Option<Device>, Vec<Consequence>) {
    let mut then = Vec::new();
    let revision = old.map_or(1, |old| old.revision.saturating_add(1));
    let moved = old.filter(|old| old.owner != registration.owner);
    if let Some(old) = moved {
        then.push(Consequence::CancelPending { owner: old.owner.clone() });
    }
    // What the last owner had does not pass to the next one, and a retired device begins anew.
    let kept = old.filter(|old| moved.is_none() && !matches!(old.state, State::Retired { .. }));
    let mut tokens = kept.map(|old| old.tokens.clone()).unwrap_or_default();
    for token in &registration.tokens {
        set_token(&mut tokens, token, revision, now, &mut then);
    }
    if tokens.is_empty() {
        // Nothing to push to: as if it had logged out.
        let Some(old) = old else { return (None, then) };
        let mut next = old.clone();
        next.owner.clone_from(&registration.owner);
        next.tokens = tokens;
        retire(&mut next, Retirement::NoToken, now, &mut then);
        next.revision = revision;
        return (Some(next), then);
    }
    let next = Device {
        v: FormVersion,
        key: registration.key.clone(),
        owner: registration.owner.clone(),
        platform: registration.platform,
        app_version: registration.app_version.clone(),
        os_version: registration.os_version.clone(),
        locale: registration.locale.clone(),
        time_zone: registration.time_zone.clone(),
        tokens,
        revision,
        state: State::Active,
        registered: kept.map_or(now, |old| old.registered),
        last_seen: now,
        needs_registration: false,
        event: registration.event.clone(),
    };
    (Some(next), then)
}

/// A token as it was registered now; the same value keeps what is known of it, except suspicions.
fn set_token(
    tokens: &mut Vec<Token>,
    token: &Token,
    revision: u64,
    now: UnixTime,
    then: &mut Vec<Consequence>,
) {
    let known = tokens.iter().position(|known| known.purpose == token.purpose);
    let mut fresh = token.clone();
    (fresh.registered, fresh.since_revision, fresh.validated) = (now, revision, None);
    (fresh.suspicion, fresh.other_environment_tried) = (Default::default(), false);
    match known.and_then(|at| tokens.get_mut(at)) {
        Some(known) if known.value == fresh.value => {
            fresh.validated = known.validated;
            // What was found out by trying is better than what the build says.
            fresh.environment = known.environment.filter(|_| known.validated.is_some()).or(fresh.environment);
            *known = fresh;
        }
        known => {
            then.push(Consequence::TakeFromOthers { value: fresh.value.clone() });
            then.push(Consequence::Validate { purpose: fresh.purpose });
            match known {
                Some(known) => *known = fresh,
                None => tokens.push(fresh),
            }
        }
    }
    tokens.sort_by_key(|token| token.purpose);
}

fn seen(device: &mut Device, policy: &RegistryPolicy, now: UnixTime, then: &mut Vec<Consequence>) {
    device.last_seen = device.last_seen.max(now);
    if let State::Quarantined { .. } = device.state {
        // It lives, but its token may not.
        device.state = State::Suspect { since: now };
        device.needs_registration = true;
    }
    let old = device.tokens.iter().any(|token| now.since(token.registered) >= policy.prompt_after);
    if device.needs_registration || old || matches!(device.state, State::Retired { .. }) {
        then.push(Consequence::AskToRegister);
    }
}

fn rotate(
    device: &mut Device,
    old: Option<&TokenValue>,
    new: &Token,
    now: UnixTime,
    then: &mut Vec<Consequence>,
) {
    if matches!(device.state, State::Retired { .. }) {
        // Nobody is logged in there.
        then.push(Consequence::AskToRegister);
        return;
    }
    let current = device.token(new.purpose);
    let late = current.is_some_and(|current| old.is_some_and(|old| *old != current.value));
    if late {
        // Two rotations crossed each other: this one began from a token that was replaced before.
        then.push(Consequence::Stale);
        then.push(Consequence::AskToRegister);
        device.needs_registration = true;
        return;
    }
    let revision = device.revision.saturating_add(1);
    set_token(&mut device.tokens, new, revision, now, then);
    device.state = State::Active;
    device.last_seen = device.last_seen.max(now);
    device.needs_registration = false;
}

fn take_token(device: &mut Device, value: &TokenValue, now: UnixTime, then: &mut Vec<Consequence>) {
    let before = device.tokens.len();
    device.tokens.retain(|token| token.value != *value);
    if device.tokens.len() < before && device.tokens.is_empty() {
        retire(device, Retirement::NoToken, now, then);
    }
}

fn retire(device: &mut Device, why: Retirement, now: UnixTime, then: &mut Vec<Consequence>) {
    if matches!(device.state, State::Retired { .. }) {
        return;
    }
    device.state = State::Retired { since: now, why };
    // Who logged out knows; the others are told.
    device.needs_registration = !matches!(why, Retirement::LoggedOut | Retirement::EventEnded);
    then.push(Consequence::CancelPending { owner: device.owner.clone() });
}

#[allow(clippy::too_many_arguments)] // The fields of one event.
fn delivery(
    device: &mut Device,
    purpose: Purpose,
    revision: u64,
    effect: Effect,
    at: UnixTime,
    pruning: Pruning,
    policy: &RegistryPolicy,
    then: &mut Vec<Consequence>,
) {
    let retired = matches!(device.state, State::Retired { .. });
    let Some(token) = device.tokens.iter_mut().find(|token| token.purpose == purpose && !retired) else {
        return then.push(Consequence::Stale);
    };
    if token.since_revision > revision {
        // Registered again since: what the older push met says nothing about it, even if the value is the same.
        return then.push(Consequence::Stale);
    }
    match effect {
        Effect::Accepted => {
            token.validated = token.validated.max(Some(at));
            token.other_environment_tried = false;
            token.suspicion.weigh(Outcome::from(Receipt::new(200)), policy.suspicion, at);
            if device.tokens.iter().all(|token| token.suspicion.since().is_none()) {
                device.state = State::Active;
            }
        }
        Effect::Gone { if_registered_before } => {
            let died = Action::DropTarget { if_registered_before };
            if !died.drops(token.registered) {
                then.push(Consequence::Stale);
            } else if pruning == Pruning::Stopped {
                suspect(device, at);
            } else {
                drop_token(device, purpose, at, then);
            }
        }
        Effect::Suspect => {
            if let (Some(environment), false) = (token.environment, token.other_environment_tried) {
                token.environment = Some(environment.other());
                token.other_environment_tried = true;
                let environment = environment.other();
                return then.push(Consequence::TryOtherEnvironment { environment });
            }
            let unknown = Outcome::from(Rejection::new(404, Action::SuspectTarget));
            let weighed = token.suspicion.weigh(unknown, policy.suspicion, at);
            let lasting = matches!(weighed.action(), Some(Action::DropTarget { .. }));
            suspect(device, at);
            if lasting && pruning == Pruning::Allowed {
                device.state = State::Quarantined { since: at };
                device.needs_registration = true;
                then.push(Consequence::CancelPending { owner: device.owner.clone() });
            }
        }
    }
}

const fn suspect(device: &mut Device, at: UnixTime) {
    if let State::Active = device.state {
        device.state = State::Suspect { since: at };
    }
}

/// One token is dead. The device is, with its last one.
fn drop_token(device: &mut Device, purpose: Purpose, at: UnixTime, then: &mut Vec<Consequence>) {
    if device.tokens.len() > 1 {
        device.tokens.retain(|token| token.purpose != purpose);
        device.needs_registration = true;
    } else {
        // The token stays with the retired record: if that was a mistake, it can be reinstated.
        retire(device, Retirement::Gone, at, then);
    }
}

fn tick(device: &mut Device, policy: &RegistryPolicy, now: UnixTime, then: &mut Vec<Consequence>) {
    if now.since(device.last_seen) >= policy.purge_after {
        return retire(device, Retirement::Stale, now, then);
    }
    match device.state {
        State::Quarantined { since } if now.since(since) >= policy.quarantine => {
            retire(device, Retirement::Gone, now, then);
        }
        State::Active | State::Suspect { .. } => {
            let due = device.tokens.iter().filter(|token| now >= validation_due(token, policy));
            then.extend(due.map(|token| Consequence::Validate { purpose: token.purpose }));
        }
        _ => {}
    }
}

fn validation_due(token: &Token, policy: &RegistryPolicy) -> UnixTime {
    token.validated.unwrap_or(token.registered).max(token.registered) + policy.validate_every
}

impl Device {
    fn is_to_be_purged(&self, policy: &RegistryPolicy, now: UnixTime) -> bool {
        let due = self.purge_due(policy);
        // The end of time is never.
        now >= due && due != UnixTime::MAX
    }

    fn purge_due(&self, policy: &RegistryPolicy) -> UnixTime {
        match self.state {
            State::Retired { since, .. } => {
                (self.last_seen + policy.purge_after).max(since + policy.keep_retired)
            }
            _ => UnixTime::MAX,
        }
    }

    /// When an [`Event::Tick`] does something: for the index of a store. A validation that is due stays due until an
    /// answer comes, so ask again after a span of your own.
    #[must_use]
    pub fn next_due(&self, policy: &RegistryPolicy) -> UnixTime {
        let stale = self.last_seen + policy.purge_after;
        match self.state {
            State::Retired { .. } => self.purge_due(policy),
            State::Quarantined { since } => stale.min(since + policy.quarantine),
            State::Active | State::Suspect { .. } => {
                let due = self.tokens.iter().map(|token| validation_due(token, policy)).min();
                due.unwrap_or(UnixTime::MAX).min(stale)
            }
        }
    }

    /// Whether the app should register again at its next contact.
    #[must_use]
    pub fn should_prompt(&self, policy: &RegistryPolicy, now: UnixTime) -> bool {
        let age = |token: &Token| -> Duration { now.since(token.registered) };
        self.needs_registration
            || !self.is_reachable()
            || self.tokens.iter().any(|token| age(token) >= policy.prompt_after)
    }
}
