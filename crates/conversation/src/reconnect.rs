//! The connection to an event stream (B2): back-off, heartbeat, subscriptions, renewal, and what was missed.
//!
//! The stream gives no catch-up. So after every gap there is a [`Do::Resync`], one connection is attempted at a time, and
//! a channel is replaced before it expires, with an overlap whose doubles the rules' window takes out.
//!
//! | when | what follows |
//! |---|---|
//! | start, connection lost, attempt failed | wait, then [`Do::Connect`] |
//! | opened | [`Do::Subscribe`] |
//! | subscribed, after a gap | [`Do::Resync`] |
//! | nothing heard for `ping_after` | [`Do::Ping`] |
//! | nothing heard for `silent_after` | [`Do::Close`], and as if lost |
//! | the channel's life is nearly over, or it says that it closes | [`Do::Connect`] beside it; the old one closes when the new one is subscribed |

mod settings;

use std::collections::VecDeque;

use reveille_core::{Jitter, UnixTime, Wakeup};
use thiserror::Error;

pub use settings::{InvalidReconnect, ReconnectSettings};

/// The most topics of one channel, and the most channels of one client, on Genesys Cloud.
pub const MAX_TOPICS: usize = 1_000;
/// The most channels that one client may have; the source is that of [`MAX_TOPICS`].
pub const MAX_CHANNELS: usize = 20;

/// The number of one connection, given by [`Do::Connect`]. Keep it with the connection, and give it back with whatever
/// happens there; a number is not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link(u64);

impl Link {
    /// Makes one again from [`to_bits`](Self::to_bits).
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The number in it, for a log.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }
}

/// What happened to a connection. Give it to [`Reconnect::handle_event`] with the connection's [`Link`]; a connection
/// that fails goes to [`Reconnect::handle_failure`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamEvent {
    /// It is open. `resumed`: the server took the resume id, so nothing was missed.
    Opened {
        /// Whether the server goes on where the last connection stood.
        resumed: bool,
    },
    /// All topics are subscribed.
    Subscribed,
    /// Something came: an event, a heartbeat, a pong. With the id to resume from, if the server sends one.
    Received {
        /// The last id.
        resume: Option<String>,
    },
    /// The server will close it soon.
    ClosingSoon,
}

/// What the program that holds the connections does next: returned by [`Reconnect::poll_output`]. Do each one before
/// you wait for the next event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Do {
    /// Open a connection, on a new channel.
    Connect {
        /// The connection that is meant.
        link: Link,
        /// The id to resume from, if there is one.
        resume: Option<String>,
    },
    /// Subscribe the topics of this stream.
    Subscribe {
        /// The connection on which this happens.
        link: Link,
    },
    /// Send something that is answered.
    Ping {
        /// The connection on which this happens.
        link: Link,
    },
    /// Close it. Nothing that it says counts any more.
    Close {
        /// The connection that is to be closed.
        link: Link,
    },
    /// Ask the platform for what rings and waits: events since then may be missing. `None`: nothing was ever heard.
    Resync {
        /// What happened after this time may be missing; all of it, if nothing was heard yet.
        since: Option<UnixTime>,
    },
}

/// A connection to an event stream, without the connection. One per channel; [`plan_channels`] says how many.
///
/// ```
/// use reveille_conversation::reconnect::{Do, Reconnect, ReconnectSettings, StreamEvent};
/// use reveille_core::UnixTime;
///
/// let at = UnixTime::from_secs;
/// let mut stream = Reconnect::new(ReconnectSettings::default(), 7, at(100));
/// let Some(Do::Connect { link, .. }) = stream.poll_output() else { panic!("it connects at once") };
/// stream.handle_failure(link, at(101));                                   // 1. tell it what happened
/// assert!(stream.poll_output().is_none());                                // 2. do what it says, until it says nothing
/// let wakeup = stream.next_wakeup().expect("it tries again");             // 3. sleep until then
/// assert!(wakeup.at > at(101) && wakeup.at <= at(103));
/// stream.handle_timeout(wakeup.at);
/// let Some(Do::Connect { link, .. }) = stream.poll_output() else { panic!("again") };
/// stream.handle_event(link, StreamEvent::Opened { resumed: false }, at(104));
/// assert_eq!(stream.poll_output(), Some(Do::Subscribe { link }));
/// stream.handle_event(link, StreamEvent::Subscribed, at(105));
/// assert_eq!(stream.poll_output(), Some(Do::Resync { since: None }));
/// ```
#[derive(Debug)]
pub struct Reconnect {
    settings: ReconnectSettings,
    jitter: Jitter,
    now: UnixTime,
    links: u64,
    /// The one in use.
    current: Option<Open>,
    /// The one that is being made: there is never more than one.
    making: Making,
    /// Failures in a row.
    failures: u32,
    heard: Option<UnixTime>,
    /// Events may be missing.
    gap: bool,
    resume: Option<String>,
    outputs: VecDeque<Do>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    link: Link,
    since: UnixTime,
    heard: UnixTime,
    pinged: bool,
}

#[derive(Clone, Copy, Debug)]
enum Making {
    Nothing,
    Waiting(UnixTime),
    /// Until then at the latest.
    Opening(Link, UnixTime),
    Subscribing {
        link: Link,
        until: UnixTime,
        resumed: bool,
    },
}

impl Reconnect {
    /// Connects at once. The seed spreads the waits of many clients.
    #[must_use]
    pub fn new(settings: ReconnectSettings, seed: u64, now: UnixTime) -> Self {
        let mut stream = Self {
            settings,
            jitter: Jitter::new(seed),
            now,
            links: 0,
            current: None,
            making: Making::Nothing,
            failures: 0,
            heard: None,
            gap: true,
            resume: None,
            outputs: VecDeque::new(),
        };
        stream.connect();
        stream
    }

    /// Something happened to a connection. Connections that were closed or replaced are not listened to.
    pub fn handle_event(&mut self, link: Link, event: StreamEvent, now: UnixTime) {
        self.advance(now);
        match (self.making, event) {
            (Making::Opening(making, _), StreamEvent::Opened { resumed }) if making == link => {
                let until = self.now + self.settings.subscribe_within();
                self.making = Making::Subscribing { link, until, resumed };
                self.outputs.push_back(Do::Subscribe { link });
            }
            (Making::Subscribing { link: making, resumed, .. }, StreamEvent::Subscribed)
                if making == link =>
            {
                self.subscribed(link, resumed);
            }
            (_, StreamEvent::Received { resume }) => self.received(link, resume),
            (Making::Nothing, StreamEvent::ClosingSoon) if self.is_current(link) => self.connect(),
            _ => {}
        }
    }

    /// A connection failed or was closed by the other side.
    pub fn handle_failure(&mut self, link: Link, now: UnixTime) {
        self.advance(now);
        self.lost(link);
    }

    /// Time passed. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, now: UnixTime) {
        self.advance(now);
        match self.making {
            Making::Waiting(until) if until <= self.now => self.connect(),
            Making::Opening(link, until) | Making::Subscribing { link, until, .. } if until <= self.now => {
                self.outputs.push_back(Do::Close { link });
                self.lost(link);
            }
            _ => {}
        }
        let Some(current) = self.current else { return };
        if current.heard + self.settings.silent_after() <= self.now {
            self.outputs.push_back(Do::Close { link: current.link });
            self.lost(current.link);
        } else if !current.pinged && current.heard + self.settings.ping_after() <= self.now {
            self.current = Some(Open { pinged: true, ..current });
            self.outputs.push_back(Do::Ping { link: current.link });
        }
        if self.current.is_some()
            && matches!(self.making, Making::Nothing)
            && self.renews_at(current) <= self.now
        {
            self.connect();
        }
    }

    /// What to do; `None` when there is nothing.
    pub fn poll_output(&mut self) -> Option<Do> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Wakeup> {
        let making = match self.making {
            Making::Nothing => None,
            Making::Waiting(at) => Some(Wakeup { at, reason: "the next attempt to connect" }),
            Making::Opening(_, at) => Some(Wakeup { at, reason: "the connection does not open" }),
            Making::Subscribing { until: at, .. } => {
                Some(Wakeup { at, reason: "the subscription is not confirmed" })
            }
        };
        let current = self.current.map(|current| {
            let silent = current.heard + self.settings.silent_after();
            let ping = current.heard + self.settings.ping_after();
            let quiet = if current.pinged {
                Wakeup { at: silent, reason: "the connection is silent" }
            } else {
                Wakeup { at: ping.min(silent), reason: "a ping is due" }
            };
            let renew = Wakeup { at: self.renews_at(current), reason: "the channel is renewed" };
            if matches!(self.making, Making::Nothing) && renew.at < quiet.at { renew } else { quiet }
        });
        making.into_iter().chain(current).min_by_key(|wakeup| wakeup.at)
    }

    /// Whether there is a connection with subscriptions.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.current.is_some()
    }

    fn advance(&mut self, now: UnixTime) {
        self.now = self.now.max(now);
    }

    fn is_current(&self, link: Link) -> bool {
        self.current.is_some_and(|current| current.link == link)
    }

    fn renews_at(&self, current: Open) -> UnixTime {
        current.since + self.settings.channel_lives().saturating_sub(self.settings.renew_before())
    }

    fn connect(&mut self) {
        self.links = self.links.saturating_add(1);
        let link = Link(self.links);
        self.making = Making::Opening(link, self.now + self.settings.connect_within());
        self.outputs.push_back(Do::Connect { link, resume: self.resume.clone() });
    }

    fn subscribed(&mut self, link: Link, resumed: bool) {
        self.making = Making::Nothing;
        let open = Open { link, since: self.now, heard: self.now, pinged: false };
        match self.current.replace(open) {
            // A renewal: both were subscribed for a moment, nothing is missing.
            Some(old) => self.outputs.push_back(Do::Close { link: old.link }),
            None if self.gap && !resumed => self.outputs.push_back(Do::Resync { since: self.heard }),
            None => {}
        }
        self.gap = false;
        self.heard = Some(self.now);
    }

    fn received(&mut self, link: Link, resume: Option<String>) {
        let now = self.now;
        let settings = &self.settings;
        let Some(current) = self.current.as_mut().filter(|current| current.link == link) else { return };
        (current.heard, current.pinged) = (now, false);
        // One that opens and drops at once has not got better.
        if current.since + settings.stable_after() <= now {
            self.failures = 0;
        }
        self.heard = Some(now);
        if resume.is_some() {
            self.resume = resume;
        }
    }

    fn lost(&mut self, link: Link) {
        let making = match self.making {
            Making::Opening(making, _) | Making::Subscribing { link: making, .. } => making == link,
            Making::Nothing | Making::Waiting(_) => false,
        };
        if making {
            self.wait();
        } else if self.is_current(link) {
            self.current = None;
            self.gap = true;
            if matches!(self.making, Making::Nothing) {
                self.wait();
            }
        }
    }

    /// The next attempt: between half of a span and all of it; the span doubles from 2 s to 30 s, so that nobody waits less
    /// than 1 s.
    fn wait(&mut self) {
        let least = self.settings.first_wait();
        let doubled =
            least.saturating_mul(1_u32.checked_shl(self.failures.saturating_add(1)).unwrap_or(u32::MAX));
        let span = doubled.min(self.settings.longest_wait().max(least));
        let half = (span / 2).max(least);
        let wait = half + self.jitter.up_to(span.saturating_sub(half));
        self.failures = self.failures.saturating_add(1);
        self.making = Making::Waiting(self.now + wait);
    }
}

/// The error of [`plan_channels`] when there are more topics than one client may subscribe. Subscribe fewer topics, or
/// use a second client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("expected at most {limit} topics, found {given}")]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct TooManyTopics {
    /// How many there are.
    pub given: usize,
    /// How many are allowed.
    pub limit: usize,
}

/// The topics of each channel: as few channels as possible, a [`Reconnect`] for each.
///
/// # Errors
/// [`TooManyTopics`] if they do not fit into 20 channels of 1,000.
pub fn plan_channels<T>(topics: &[T]) -> Result<Vec<&[T]>, TooManyTopics> {
    let limit = MAX_TOPICS * MAX_CHANNELS;
    if topics.len() > limit {
        return Err(TooManyTopics { given: topics.len(), limit });
    }
    Ok(topics.chunks(MAX_TOPICS).collect())
}
