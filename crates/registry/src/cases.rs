//! Cases that every store can be held to: a record, an event, and what must be there afterwards.

use std::time::Duration;

use reveille_core::UnixTime;

use crate::{
    Change, Device, DeviceKey, Effect, Environment, Event, Platform, Pruning, Purpose, Registration,
    RegistryPolicy, Retirement, State, Token, TokenValue, decide,
};

/// One case. A store runs it like this: put `before`, apply `event` at `now`, and compare with `after`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Case {
    /// What it is about.
    pub name: &'static str,
    /// The record before; `None`: there is none.
    pub before: Option<Device>,
    /// What happens.
    pub event: Event,
    /// When.
    pub now: UnixTime,
    /// The record afterwards.
    pub after: Option<Device>,
}

/// When the records of the cases were registered.
pub const REGISTERED: UnixTime = UnixTime::from_secs(1_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// The name of the device in all cases.
#[must_use]
pub fn key() -> DeviceKey {
    DeviceKey::new("com.example.chat", "phone")
}

/// A device as `alice` registered it: APNs for alerts and calls.
#[must_use]
pub fn phone() -> Option<Device> {
    device(Registration::new(
        key(),
        "alice",
        Platform::Ios,
        [Token::new(Purpose::ApnsAlert, "a1"), Token::new(Purpose::ApnsVoip, "v1")],
    ))
}

/// A browser as `alice` registered it.
#[must_use]
pub fn browser() -> Option<Device> {
    let token = Token::new(Purpose::WebPush, "{}").with_vapid_key("k1");
    device(Registration::new(key(), "alice", Platform::Web, [token]))
}

fn device(registration: Registration) -> Option<Device> {
    let event = Event::Register { registration: registration.into() };
    match decide(None, &event, &RegistryPolicy::default(), REGISTERED).change {
        Change::Put(device) => Some(*device),
        _ => None,
    }
}

/// `device`, changed, one revision later.
fn later(device: Option<Device>, change: impl FnOnce(&mut Device)) -> Option<Device> {
    let mut device = device?;
    change(&mut device);
    device.revision += 1;
    Some(device)
}

fn delivery(purpose: Purpose, revision: u64, effect: Effect, at: UnixTime, pruning: Pruning) -> Event {
    Event::Delivery { purpose, revision, effect, at, pruning }
}

fn retired(
    device: Option<Device>,
    since: UnixTime,
    why: Retirement,
    needs_registration: bool,
) -> Option<Device> {
    later(device, |device| {
        device.state = State::Retired { since, why };
        device.needs_registration = needs_registration;
    })
}

/// All cases, under [`RegistryPolicy::default`].
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = contacts();
    cases.extend(effects());
    cases.extend(ends());
    cases
}

fn contacts() -> Vec<Case> {
    let now = REGISTERED + HOUR;
    let again = Event::Register {
        registration: Registration::new(
            key(),
            "alice",
            Platform::Ios,
            [Token::new(Purpose::ApnsAlert, "a1")],
        )
        .into(),
    };
    let rotated = |old: &str| Event::Rotate {
        old: Some(TokenValue::new(old)),
        new: Token::new(Purpose::ApnsAlert, "a2").into(),
    };
    vec![
        Case {
            name: "contact of an unknown device changes nothing",
            before: None,
            event: Event::Seen,
            now,
            after: None,
        },
        Case {
            name: "contact is remembered",
            before: phone(),
            event: Event::Seen,
            now,
            after: later(phone(), |device| device.last_seen = now),
        },
        Case {
            name: "contact in the past changes nothing",
            before: phone(),
            event: Event::Seen,
            now: REGISTERED - HOUR,
            after: phone(),
        },
        Case {
            name: "the same token registered again is new for late drops",
            before: phone(),
            event: again,
            now,
            after: later(phone(), |device| {
                device.last_seen = now;
                if let Some(token) = device.tokens.first_mut() {
                    (token.registered, token.since_revision) = (now, 2);
                }
            }),
        },
        Case {
            name: "a token is rotated",
            before: phone(),
            event: rotated("a1"),
            now,
            after: later(phone(), |device| {
                device.last_seen = now;
                if let Some(token) = device.tokens.first_mut() {
                    *token = Token::new(Purpose::ApnsAlert, "a2");
                    (token.registered, token.since_revision) = (now, 2);
                }
            }),
        },
        Case {
            name: "a rotation from a token that was replaced before is not taken",
            before: phone(),
            event: rotated("a0"),
            now,
            after: later(phone(), |device| device.needs_registration = true),
        },
        Case {
            name: "a token that moved to another device is lost here",
            before: phone(),
            event: Event::TokenTaken { value: TokenValue::new("v1") },
            now,
            after: later(phone(), |device| drop(device.tokens.pop())),
        },
        Case {
            name: "the last token moved: nothing is left",
            before: browser(),
            event: Event::TokenTaken { value: TokenValue::new("{}") },
            now,
            after: later(browser(), |device| {
                device.tokens.clear();
                device.state = State::Retired { since: now, why: Retirement::NoToken };
                device.needs_registration = true;
            }),
        },
    ]
}

fn effects() -> Vec<Case> {
    let now = REGISTERED + HOUR;
    let gone = |before| Effect::Gone { if_registered_before: before };
    let web = |effect, pruning| delivery(Purpose::WebPush, 1, effect, now, pruning);
    vec![
        Case {
            name: "410 retires",
            before: browser(),
            event: web(gone(None), Pruning::Allowed),
            now,
            after: retired(browser(), now, Retirement::Gone, true),
        },
        Case {
            name: "410 with a time before the registration changes nothing",
            before: browser(),
            event: web(gone(Some(REGISTERED)), Pruning::Allowed),
            now,
            after: browser(),
        },
        Case {
            name: "410 of a push from before the registration changes nothing",
            before: browser(),
            event: delivery(Purpose::WebPush, 0, gone(None), now, Pruning::Allowed),
            now,
            after: browser(),
        },
        Case {
            name: "410 while pruning is stopped is a suspicion",
            before: browser(),
            event: web(gone(None), Pruning::Stopped),
            now,
            after: later(browser(), |device| device.state = State::Suspect { since: now }),
        },
        Case {
            name: "one of two tokens is gone: the device stays",
            before: phone(),
            event: delivery(Purpose::ApnsVoip, 1, gone(None), now, Pruning::Allowed),
            now,
            after: later(phone(), |device| {
                device.tokens.pop();
                device.needs_registration = true;
            }),
        },
        Case {
            name: "an unknown token is tried in the other environment before it is suspected",
            before: phone(),
            event: delivery(Purpose::ApnsAlert, 1, Effect::Suspect, now, Pruning::Allowed),
            now,
            after: later(phone(), |device| {
                if let Some(token) = device.tokens.first_mut() {
                    token.environment = Some(Environment::Sandbox);
                    token.other_environment_tried = true;
                }
            }),
        },
        Case {
            name: "what was accepted is valid",
            before: later(browser(), |device| device.state = State::Suspect { since: REGISTERED }),
            event: web(Effect::Accepted, Pruning::Allowed),
            now,
            after: later(later(browser(), |_| {}), |device| {
                if let Some(token) = device.tokens.first_mut() {
                    token.validated = Some(now);
                }
            }),
        },
        Case {
            name: "a purpose that the device does not have changes nothing",
            before: browser(),
            event: delivery(Purpose::ApnsVoip, 1, gone(None), now, Pruning::Allowed),
            now,
            after: browser(),
        },
    ]
}

fn ends() -> Vec<Case> {
    let now = REGISTERED + HOUR;
    let stale = REGISTERED + 90 * DAY;
    vec![
        Case {
            name: "log-out retires",
            before: phone(),
            event: Event::LogOut,
            now,
            after: retired(phone(), now, Retirement::LoggedOut, false),
        },
        Case {
            name: "the second log-out changes nothing",
            before: retired(phone(), REGISTERED, Retirement::LoggedOut, false),
            event: Event::LogOut,
            now,
            after: retired(phone(), REGISTERED, Retirement::LoggedOut, false),
        },
        Case {
            name: "the end of another event changes nothing",
            before: phone(),
            event: Event::EventEnded { ended: "callback-1".into() },
            now,
            after: phone(),
        },
        Case {
            name: "the end of its event retires",
            before: later(phone(), |device| device.event = Some("callback-1".into())),
            event: Event::EventEnded { ended: "callback-1".into() },
            now,
            after: retired(
                later(phone(), |device| device.event = Some("callback-1".into())),
                now,
                Retirement::EventEnded,
                false,
            ),
        },
        Case {
            name: "90 days without contact retire",
            before: browser(),
            event: Event::Tick,
            now: stale,
            after: retired(browser(), stale, Retirement::Stale, true),
        },
        Case {
            name: "a millisecond less does not",
            before: browser(),
            event: Event::Tick,
            now: stale - Duration::from_millis(1),
            after: browser(),
        },
        Case {
            name: "retired a day and 90 days without contact: purged",
            before: retired(browser(), stale, Retirement::Stale, true),
            event: Event::Tick,
            now: stale + DAY,
            after: None,
        },
        Case {
            name: "retired is kept until 90 days without contact",
            before: retired(browser(), now, Retirement::Gone, true),
            event: Event::Tick,
            now: REGISTERED + 89 * DAY,
            after: retired(browser(), now, Retirement::Gone, true),
        },
        Case {
            name: "a retirement is taken back",
            before: retired(browser(), now, Retirement::Gone, true),
            event: Event::Reinstate,
            now,
            after: later(retired(browser(), now, Retirement::Gone, true), |device| {
                device.state = State::Active;
            }),
        },
    ]
}
