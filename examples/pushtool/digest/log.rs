//! A log as a service writes it ([`reveille_core::log::log_append`]), from its first entry or from a snapshot on.

use reveille_core::log::{LogEntries, Logged, Snapshot as _, SnapshotError};
use reveille_digest::snapshot::Codec as _;
use reveille_digest::{Engine, Input, Limits, Policy, Seed};
use serde_json::Value;

use super::{Calendar, explain, to_json};
use crate::line::{Failure, failure};

/// What a service has left.
pub struct Recording {
    pub log: Vec<u8>,
    pub snapshot: Option<Vec<u8>>,
    pub seed: Seed,
}

impl Recording {
    /// The outputs of all that the snapshot does not cover, each at the time of its input, and the sums.
    pub fn replay(&self, mut each: impl FnMut(&Value)) -> Result<(), Failure> {
        let mut logged = self.beginning()?;
        let done = self.entries(&mut logged, &mut each);
        each(&explain(logged.machine()));
        done
    }

    fn beginning(&self) -> Result<Logged<Engine<Calendar>>, Failure> {
        let host = Calendar { quiet: Vec::new() };
        let Some(snapshot) = &self.snapshot else {
            let engine = Engine::new(host, Policy::default(), Limits::default(), self.seed);
            return engine.map(Logged::new).map_err(failure("policy"));
        };
        Logged::restore((host, self.seed), snapshot).map_err(|error| match error {
            SnapshotError::OtherSeed => {
                Failure::new("snapshot", format!("{error}: give the service's own with --seed"))
            }
            other => Failure::new("snapshot", other),
        })
    }

    fn entries(
        &self,
        logged: &mut Logged<Engine<Calendar>>,
        each: &mut impl FnMut(&Value),
    ) -> Result<(), Failure> {
        let mut entries =
            LogEntries::new(&self.log, Engine::<Calendar>::BEHAVIOUR).map_err(failure("log"))?;
        let (covered, mut last) = (logged.applied(), None);
        for entry in entries.by_ref() {
            last = Some(entry.number);
            if entry.number <= covered {
                continue;
            }
            let mut bytes = entry.input;
            let input = Input::decode(&mut bytes).filter(|_| bytes.is_empty());
            let input = input.ok_or_else(|| {
                let what = "an input for keys of two strings, payloads of bytes and a calendar of one string";
                Failure::new("log", format!("entry {} is not {what}", entry.number))
            })?;
            let outputs = logged.apply(entry.number, input, entry.now).map_err(|gap| self.explained(&gap))?;
            outputs.for_each(|output| each(&to_json(&output, entry.now)));
        }
        let rest = self.log.len().saturating_sub(entries.valid_len());
        if rest == 0 {
            return Ok(());
        }
        let which = last.map_or_else(
            || "the first entry".to_owned(),
            |last: u64| format!("entry {}", last.saturating_add(1)),
        );
        let message = format!(
            "{which} is damaged, or was not written to its end; {rest} bytes from there on are not read"
        );
        Err(Failure::new("log", message))
    }

    /// Logs are cut behind a snapshot, so it is most often that one that is missing.
    fn explained(&self, gap: &reveille_core::log::Gap) -> Failure {
        let hint = match self.snapshot {
            None if gap.expected == 1 => ": give the snapshot behind which the log was cut, with --snapshot",
            _ => "",
        };
        Failure::new("log", format!("{gap}{hint}"))
    }
}
