//! Quiet hours of a person, in their time zone: the table of zones comes with this program, so that what the machine has, or
//! lacks, decides nothing.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use reveille_core::UnixTime;
use reveille_digest::quiet::{InvalidHours, QuietHours, Zone};
use reveille_gateway::store::QuietWish;
use reveille_writer::wishes::Quiet;
use thiserror::Error;

/// Changes of a zone that are looked ahead: some have four a year.
const CHANGES: usize = 16;
/// Changes are read from so long before now.
const BEFORE: Duration = Duration::from_secs(8 * 86_400);
/// … and again after this.
const DAY: u64 = 86_400_000;
/// Spans of one person.
const MOST: usize = 28;

/// All time zones. One for a process.
pub struct Zones {
    table: TimeZoneDatabase,
    /// By the name in the table, of which there are about 600, with the day on which it was read.
    known: Mutex<HashMap<String, (u64, Zone)>>,
}

/// Quiet hours that cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidQuiet {
    /// The table does not have it.
    #[error("time_zone: expected a name of the IANA time zone database, like Europe/Berlin")]
    Zone,
    /// Too many spans, or none.
    #[error("spans: expected 1 to {MOST}")]
    Spans,
    /// A span on no day.
    #[error("spans: one has no days")]
    Days,
    /// A span that no day has.
    #[error("spans: {0}")]
    Hours(#[from] InvalidHours),
}

impl Default for Zones {
    fn default() -> Self {
        Self { table: TimeZoneDatabase::bundled(), known: Mutex::default() }
    }
}

impl Zones {
    /// A wish as the writer takes it. `None` if it names a zone that there is not, which [`check`](Self::check) refuses.
    pub fn quiet(&self, wish: &QuietWish, now: UnixTime) -> Option<Quiet> {
        let zone = self.zone(&wish.time_zone, now)?;
        let hours = QuietHours::new(zone, wish.spans().collect()).ok()?;
        Some(Quiet { hours, urgent_passes: wish.urgent_passes })
    }

    /// Whether a wish can be kept.
    ///
    /// # Errors
    /// [`InvalidQuiet`] names the field.
    pub fn check(&self, wish: &QuietWish, now: UnixTime) -> Result<(), InvalidQuiet> {
        let zone = self.zone(&wish.time_zone, now).ok_or(InvalidQuiet::Zone)?;
        if !(1..=MOST).contains(&wish.spans.len()) {
            return Err(InvalidQuiet::Spans);
        }
        if wish.spans.iter().any(|(days, ..)| *days == 0 || *days > 0x7F) {
            return Err(InvalidQuiet::Days);
        }
        QuietHours::new(zone, wish.spans().collect())?;
        Ok(())
    }

    fn zone(&self, name: &str, now: UnixTime) -> Option<Zone> {
        let zone = self.table.get(name).ok()?;
        let (name, today) = (zone.iana_name()?, now.as_millis() / DAY);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((day, zone)) = known.get(name)
            && *day == today
        {
            return Some(zone.clone());
        }
        let read = read(&zone, now)?;
        known.insert(name.to_owned(), (today, read.clone()));
        Some(read)
    }
}

fn read(zone: &TimeZone, now: UnixTime) -> Option<Zone> {
    let millis = now.as_millis().saturating_sub(reveille_core::millis(BEFORE));
    // A clock that shows a year beyond 9999 has no summer time.
    let from = Timestamp::from_millisecond(i64::try_from(millis).ok()?).unwrap_or(Timestamp::MAX);
    let changes = zone.following(from).take(CHANGES);
    let changes = changes.map(|change| (change.timestamp().as_second(), change.offset().seconds()));
    Zone::from_transitions(zone.to_offset(from).seconds(), changes).ok()
}

#[cfg(test)]
mod tests;
