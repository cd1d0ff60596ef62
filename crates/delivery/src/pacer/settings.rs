//! What a pacer may do.

use std::collections::BTreeMap;
use std::time::Duration;

use reveille_core::settings::{InvalidSettings, number, span};

use super::{BreakerSettings, PoisonWatch, PruneBreaker, Rate, RetryBudget, Throttle};

/// A thousand devices that refuse one message prove no more than these.
pub(super) const MOST_WITNESSES: u64 = 1_000;
pub(super) const DAY: u64 = 86_400_000;
/// What a process may be told to remember, and how long it may be told to wait.
pub(super) const YEAR: u64 = 365 * DAY;
/// 400 MB of keys.
pub(super) const MOST_KEYS: u64 = 1 << 24;
/// Numbers of places are 32 bits.
const MOST_PLACES: u64 = u32::MAX as u64 - 1;

/// The number of a push service (or a webhook host's kind) in the [`PacerSettings`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_structs, reason = "a number under a name")]
pub struct ServiceId(pub u16);

/// Bounds and rates of a [`Pacer`](crate::pacer::Pacer). Begin with the default, change what your services ask for, and
/// give it to [`Pacer::new`](crate::pacer::Pacer::new).
///
/// | setting | default | |
/// |---|---|---|
/// | lane | [`LaneSettings::default`] | one for each service |
/// | global rate | none | over all lanes |
/// | recipient rate | none | for each recipient; e.g. so that nobody is rung from everywhere |
/// | device rate | [`Rate::FCM_DEVICE`] | for each device |
/// | conversation rate | none | for each conversation |
/// | platform API | [`Rate::PLATFORM_API`] | for each client of the platform, see [`Pacer::take_api`](crate::pacer::Pacer::take_api) |
/// | keys | 65,536 | that each of these knows at once |
/// | queue | 1,000,000 and 1 GiB | over it, what is offered is deferred |
/// | lanes | 100,000 | the same |
/// | retry budget | 10 %, and 100 a minute | of the requests of a minute |
/// | throttle | off | K in thousandths, 2,000 is usual |
/// | poison | 5 devices in 10 min | of one service that refuse the same message, and none that takes it |
/// | prune breaker | 10 %, at least 20 in an hour, for 1 h | of the targets of one credential |
/// | longest pause | 1 h | that a service can ask for |
/// | hold | 2 s | what cannot leave within it goes back as deferred |
#[derive(Clone, Debug)]
pub struct PacerSettings {
    pub(crate) lanes: BTreeMap<ServiceId, LaneSettings>,
    pub(crate) lane: LaneSettings,
    pub(crate) global: Option<Rate>,
    pub(crate) recipient: Option<Rate>,
    pub(crate) device: Option<Rate>,
    pub(crate) conversation: Option<Rate>,
    pub(crate) api: Rate,
    pub(crate) keys: usize,
    pub(crate) queued: usize,
    pub(crate) queued_bytes: u64,
    pub(crate) most_lanes: usize,
    pub(crate) retry_per_mille: u32,
    pub(crate) retry_reserve: u32,
    pub(crate) throttle: Option<u32>,
    pub(crate) poison_devices: usize,
    pub(crate) poison_keep: Duration,
    pub(crate) prune_per_mille: u32,
    pub(crate) prune_minimum: u32,
    pub(crate) prune_pause: Duration,
    pub(crate) longest_pause: Duration,
    pub(crate) hold: Duration,
}

impl Default for PacerSettings {
    fn default() -> Self {
        Self {
            lanes: BTreeMap::new(),
            lane: LaneSettings::default(),
            global: None,
            recipient: None,
            device: Some(Rate::FCM_DEVICE),
            conversation: None,
            api: Rate::PLATFORM_API,
            keys: 65_536,
            queued: 1_000_000,
            queued_bytes: 1 << 30,
            most_lanes: 100_000,
            retry_per_mille: 100,
            retry_reserve: 100,
            throttle: None,
            poison_devices: 5,
            poison_keep: Duration::from_secs(600),
            prune_per_mille: 100,
            prune_minimum: 20,
            prune_pause: Duration::from_secs(3_600),
            longest_pause: Duration::from_secs(3_600),
            hold: Duration::from_secs(2),
        }
    }
}

impl PacerSettings {
    /// Sets how lanes of a service behave.
    #[must_use]
    pub fn with_lane(mut self, service: ServiceId, lane: LaneSettings) -> Self {
        self.lanes.insert(service, lane);
        self
    }

    /// Sets the rate over all lanes.
    #[must_use]
    pub const fn with_global(mut self, rate: Option<Rate>) -> Self {
        self.global = rate;
        self
    }

    /// Sets the rate for each recipient. Requests that wait for a shared rate, here and below, are told to come again one after the
    /// other; those that would come later than five seconds after the first come then. What is urgent has a row of its own.
    #[must_use]
    pub const fn with_recipient(mut self, rate: Option<Rate>) -> Self {
        self.recipient = rate;
        self
    }

    /// Sets the rate for each device.
    #[must_use]
    pub const fn with_device(mut self, rate: Option<Rate>) -> Self {
        self.device = rate;
        self
    }

    /// Sets the rate for each conversation.
    #[must_use]
    pub const fn with_conversation(mut self, rate: Option<Rate>) -> Self {
        self.conversation = rate;
        self
    }

    /// Sets the rate for each client of the platform's API.
    #[must_use]
    pub const fn with_api(mut self, rate: Rate) -> Self {
        self.api = rate;
        self
    }

    /// Sets how many recipients, devices, conversations and clients are told apart: 24 bytes each, taken at the start.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 to 16,777,216.
    pub fn with_keys(mut self, keys: usize) -> Result<Self, InvalidSettings> {
        number("keys", keys as u64, 1..=MOST_KEYS)?;
        self.keys = keys;
        Ok(self)
    }

    /// Sets how much may be queued, in number and bytes of content, and in how many lanes.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless each is at least 1, and neither number is over 4,294,967,294.
    pub fn with_queue(mut self, queued: usize, bytes: u64, lanes: usize) -> Result<Self, InvalidSettings> {
        number("queued", queued as u64, 1..=MOST_PLACES)?;
        number("queued bytes", bytes, 1..=u64::MAX)?;
        number("lanes", lanes as u64, 1..=MOST_PLACES)?;
        (self.queued, self.queued_bytes, self.most_lanes) = (queued, bytes, lanes);
        Ok(self)
    }

    /// Sets the share of retries in thousandths of the requests of a minute, and how many are granted anyway.
    ///
    /// # Errors
    /// [`InvalidSettings`] if the share is over 1,000, or both are 0, so that no retry would ever leave.
    pub fn with_retry_budget(mut self, share: u32, reserve: u32) -> Result<Self, InvalidSettings> {
        RetryBudget::check(share, reserve)?;
        (self.retry_per_mille, self.retry_reserve) = (share, reserve);
        Ok(self)
    }

    /// Switches the [`Throttle`](crate::pacer::Throttle) on.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1,000 to 1,000,000.
    pub fn with_throttle(mut self, k_per_mille: u32) -> Result<Self, InvalidSettings> {
        self.throttle = Some(Throttle::check(k_per_mille)?);
        Ok(self)
    }

    /// Sets how many devices must refuse a message for it to be poison, and for how long it is.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 2 to 1,000 devices, and from 1 ms to 365 days.
    pub fn with_poison(mut self, devices: usize, keep: Duration) -> Result<Self, InvalidSettings> {
        PoisonWatch::check(devices, keep, 1)?;
        (self.poison_devices, self.poison_keep) = (devices, keep);
        Ok(self)
    }

    /// Sets the share and the number of dead targets over which nothing is dropped, and for how long.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless the share is from 1 to 1,000, the number at least 1, and the time from 1 ms to 365 days.
    pub fn with_prune_breaker(
        mut self,
        share: u32,
        minimum: u32,
        pause: Duration,
    ) -> Result<Self, InvalidSettings> {
        PruneBreaker::check(share, minimum, pause)?;
        (self.prune_per_mille, self.prune_minimum, self.prune_pause) = (share, minimum, pause);
        Ok(self)
    }

    /// Sets the longest pause that a service can ask for.
    ///
    /// # Errors
    /// [`InvalidSettings`] unless it is from 1 ms to 365 days.
    pub fn with_longest_pause(mut self, pause: Duration) -> Result<Self, InvalidSettings> {
        span("longest pause", pause, 1..=YEAR)?;
        self.longest_pause = pause;
        Ok(self)
    }

    /// Sets how long something may stay in the queue of a lane that is stopped; zero: it goes back at once.
    ///
    /// # Errors
    /// [`InvalidSettings`] if it is over 24 hours.
    pub fn with_hold(mut self, hold: Duration) -> Result<Self, InvalidSettings> {
        span("hold", hold, 0..=DAY)?;
        self.hold = hold;
        Ok(self)
    }

    pub(crate) fn lane(&self, service: ServiceId) -> &LaneSettings {
        self.lanes.get(&service).unwrap_or(&self.lane)
    }
}

/// How one lane behaves, that is, all requests to one service, with one credential, to one host. Give it to
/// [`PacerSettings::with_lane`] for a service that needs other limits than the default.
///
/// | setting | default | |
/// |---|---|---|
/// | rate | [`Rate::PUSH_SERVICE`] | until a share of the service's limit is leased |
/// | ramp | 60 s | after as long a silence, the rate grows from a tenth to the whole within it (FCM asks for at least 60 s) |
/// | ordered | no | one conversation, one request at a time, in the order of offers |
/// | in flight | 1,000 | requests at once, where no connections are reported |
/// | breaker | [`BreakerSettings::default`] | |
#[derive(Clone, Copy, Debug)]
pub struct LaneSettings {
    pub(crate) rate: Rate,
    pub(crate) ramp: u64,
    pub(crate) ordered: bool,
    pub(crate) in_flight: u32,
    pub(crate) breaker: BreakerSettings,
}

impl Default for LaneSettings {
    fn default() -> Self {
        Self {
            rate: Rate::PUSH_SERVICE,
            ramp: 60_000,
            ordered: false,
            in_flight: 1_000,
            breaker: BreakerSettings::default(),
        }
    }
}

impl LaneSettings {
    /// Sets the rate at which requests may leave the lane.
    #[must_use]
    pub const fn with_rate(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    /// Sets the ramp; zero: none.
    ///
    /// # Errors
    /// [`InvalidSettings`] if it is over 24 hours.
    pub fn with_ramp(mut self, ramp: Duration) -> Result<Self, InvalidSettings> {
        self.ramp = span("ramp", ramp, 0..=DAY)?;
        Ok(self)
    }

    /// Keeps each conversation in order (webhooks). Priorities do not count then, and what waits stays in the queue for as
    /// long as it is of use: give [`DeliverySettings::with_answer_within`](crate::DeliverySettings::with_answer_within)
    /// a longer time.
    #[must_use]
    pub const fn with_order(mut self) -> Self {
        self.ordered = true;
        self
    }

    /// Sets how many requests may be under way.
    ///
    /// # Errors
    /// [`InvalidSettings`] if it is 0.
    pub fn with_in_flight(mut self, requests: u32) -> Result<Self, InvalidSettings> {
        number("in flight", requests.into(), 1..=u32::MAX.into())?;
        self.in_flight = requests;
        Ok(self)
    }

    /// Sets when its breaker opens.
    #[must_use]
    pub const fn with_breaker(mut self, breaker: BreakerSettings) -> Self {
        self.breaker = breaker;
        self
    }
}
