//! One process with its shards: the log and the snapshots survive it, nothing else does.

use reveille_conversation::rules::Rules;
use reveille_core::UnixTime;
use reveille_core::log::LogEntry;
use reveille_gateway::{
    Admission, AdmissionLimits, CatchUp, Gateway, GatewaySettings, Input, Output, Seed, Shard, Target, Ticket,
};

use reveille_conversation::Kind;

/// A shard, and what is durable of it.
pub(super) struct Cell {
    pub(super) shard: Shard,
    pub(super) admission: Admission,
    pub(super) log: Vec<(u64, UnixTime, Vec<u8>)>,
    /// The newest last; two are kept.
    pub(super) snapshots: Vec<Vec<u8>>,
    pub(super) groups: usize,
    /// What the clock would show, if it had not been set since the last group.
    pub(super) stepped: Option<UnixTime>,
    /// Events that wait for their commit, by number in the script.
    pub(super) tickets: Vec<(Ticket, usize)>,
}

pub(super) fn settings() -> GatewaySettings {
    GatewaySettings::default()
        .with_fallback(Kind::NewMessage, Target::Sms)
        .with_fallback(Kind::CallbackReady, Target::Sms)
}

fn gateway(seed: Seed) -> Gateway {
    match Gateway::new(Rules::default(), settings(), seed) {
        Ok(gateway) => gateway,
        Err(error) => fail(&format!("the gateway cannot be made: {error}")),
    }
}

#[allow(clippy::panic, reason = "a test library fails by panicking")]
pub(super) fn fail(why: &str) -> ! {
    panic!("{why}")
}

impl Cell {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            shard: Shard::new(gateway(seed)),
            admission: Admission::new(AdmissionLimits::default()),
            log: Vec::new(),
            snapshots: Vec::new(),
            groups: 0,
            stepped: None,
            tickets: Vec::new(),
        }
    }

    pub(super) fn admit(&mut self, input: Input) -> Ticket {
        match self.admission.admit(input, self.shard.gateway()) {
            Ok(ticket) => ticket,
            Err(refused) => fail(&refused.to_string()),
        }
    }

    pub(super) fn snapshot(&mut self) {
        let mut bytes = Vec::new();
        self.shard.snapshot(&mut bytes);
        self.snapshots.push(bytes);
        if self.snapshots.len() > 2 {
            self.snapshots.remove(0);
        }
    }

    /// A new process: a snapshot (the newest is number 0; one more than there are: none), then the log behind it. Gives the
    /// outputs of the replay.
    pub(super) fn restart(&mut self, seed: Seed, snapshot: usize, tail: bool) -> Vec<(u64, Output)> {
        let kept = self.snapshots.len().checked_sub(snapshot + 1).and_then(|at| self.snapshots.get(at));
        self.shard = match kept {
            Some(bytes) => match Shard::restore(seed, bytes) {
                Ok(shard) => shard,
                Err(error) => fail(&format!("a snapshot cannot be read: {error}")),
            },
            None => Shard::new(gateway(seed)),
        };
        self.admission = Admission::new(AdmissionLimits::default());
        self.tickets.clear();
        self.stepped = None;
        let mut outputs = Vec::new();
        if tail {
            for (number, now, group) in &self.log {
                match self.shard.replay(&LogEntry { number: *number, now: *now, input: group }) {
                    Ok(applied) => outputs.extend(applied),
                    Err(error) => fail(&format!("the log cannot be replayed: {error}")),
                }
            }
        } else {
            let next = self.shard.next_number();
            self.log.retain(|(number, ..)| *number < next);
        }
        self.admit(Input::Recovered(CatchUp::default()));
        outputs
    }
}
