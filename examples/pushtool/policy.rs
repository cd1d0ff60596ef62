//! A digest's policy as JSON: the first line of `digest replay`, and in the settings of `gateway replay`.

use std::time::Duration;

use reveille_digest::Policy;
use reveille_digest::options::{Collect, Excess, Keep, Refractory, Urgent, Window};
use serde::Deserialize;

use crate::line::Base64;

/// Every field has the default of whoever asks; times are in milliseconds.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyLine {
    window: Option<WindowLine>,
    leading: bool,
    max_items: Option<u32>,
    max_bytes: Option<u32>,
    collect: Option<CollectLine>,
    keep: Option<KeepLine>,
    actors: Option<u8>,
    urgent: Option<UrgentLine>,
    refractory: Option<RefractoryLine>,
    reminders_ms: Vec<u64>,
    /// `0` for none.
    dedup_ms: Option<u64>,
    /// `0` for none: what goes out counts as delivered. That is the default here, because nobody answers; a gateway waits for
    /// its own answers all the same.
    ack_timeout_ms: u64,
    attempts: Option<u8>,
    useful_for_ms: Option<u64>,
    spread_ms: u64,
    remember_ms: Option<u64>,
    /// 16 bytes; all zero if absent.
    pub seed: Option<Base64>,
    pub quiet: Vec<QuietLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum WindowLine {
    Fixed { wait_ms: u64 },
    Sliding { quiet_ms: u64, max_wait_ms: u64 },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CollectLine {
    Totals,
    Latest,
    Items,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeepLine {
    First(u16),
    Last(u16),
    Top(u16),
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum UrgentLine {
    Overtake,
    Flush,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefractoryLine {
    first_ms: u64,
    factor: u8,
    max_ms: u64,
    #[serde(default)]
    decay_ms: u64,
    #[serde(default)]
    drop: bool,
}

/// A quiet time, for everybody: from and until, in Unix ms, and the lowest class that passes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietLine {
    pub from_ms: u64,
    pub until_ms: u64,
    #[serde(default = "highest")]
    pub pass_class: u8,
    #[serde(default)]
    pub drop: bool,
}

const fn highest() -> u8 {
    u8::MAX
}

impl PolicyLine {
    /// What it says, and what `policy` says of the rest.
    pub fn over(&self, mut policy: Policy) -> Policy {
        let ms = Duration::from_millis;
        let some = |millis: u64| (millis > 0).then(|| ms(millis));
        match self.window {
            Some(WindowLine::Fixed { wait_ms }) => policy.window = Window::Fixed { wait: ms(wait_ms) },
            Some(WindowLine::Sliding { quiet_ms, max_wait_ms }) => {
                policy.window = Window::Sliding { quiet: ms(quiet_ms), max_wait: ms(max_wait_ms) };
            }
            None => {}
        }
        policy.leading = self.leading;
        policy.max_items = self.max_items.or(policy.max_items);
        policy.max_bytes = self.max_bytes.or(policy.max_bytes);
        policy.collect = match self.collect {
            Some(CollectLine::Totals) => Collect::Totals,
            Some(CollectLine::Latest) => Collect::Latest,
            Some(CollectLine::Items) => Collect::Items,
            None => policy.collect,
        };
        match self.keep {
            Some(KeepLine::First(n)) => policy.keep = Keep::First(n),
            Some(KeepLine::Last(n)) => policy.keep = Keep::Last(n),
            Some(KeepLine::Top(n)) => policy.keep = Keep::Top(n),
            None => {}
        }
        policy.actors = self.actors.unwrap_or(policy.actors);
        if let Some(UrgentLine::Flush) = self.urgent {
            policy.urgent = Urgent::Flush;
        }
        policy.refractory = self.refractory.as_ref().map(|line| Refractory {
            first: ms(line.first_ms),
            factor: line.factor,
            max: ms(line.max_ms),
            decay: ms(line.decay_ms),
            excess: if line.drop { Excess::Drop } else { Excess::Hold },
        });
        policy.reminders = self.reminders_ms.iter().map(|after| ms(*after)).collect();
        policy.dedup = self.dedup_ms.map_or(policy.dedup, some);
        policy.ack_timeout = some(self.ack_timeout_ms);
        policy.attempts = self.attempts.unwrap_or(policy.attempts);
        policy.useful_for = self.useful_for_ms.map(ms);
        policy.spread = ms(self.spread_ms);
        policy.remember = self.remember_ms.map_or(policy.remember, ms);
        policy
    }
}
