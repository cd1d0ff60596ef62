//! At any time a second shard is restored from a snapshot and follows the first for a while: it has to decide the same.

use reveille_core::log::LogEntry;
use reveille_gateway::{Seed, Shard};

use super::draw::Draw;
use super::node::{Cell, Entry};

/// One group of so many begins a shadow, and so many groups later it ends.
const EVERY: u64 = 60;
const FOLLOWS: u32 = 12;

pub(super) struct Shadow {
    shard: Shard,
    left: u32,
}

impl Shadow {
    fn of(shard: &mut Shard, seed: Seed) -> Result<Self, String> {
        let shard = Shard::restore(seed, &snapshot(shard)).map_err(|error| format!("{error:?}"))?;
        Ok(Self { shard, left: FOLLOWS })
    }

    /// The replay itself compares what is decided with what the log says.
    fn follow(&mut self, entry: &Entry) -> Result<(), String> {
        let entry = LogEntry { number: entry.number, now: entry.now, input: &entry.bytes };
        let applied = self.shard.replay(&entry).map_err(|error| format!("{error:?}"))?;
        drop(applied);
        self.left -= 1;
        Ok(())
    }
}

impl Cell {
    /// After a group of the first. An error says how the two differ.
    pub(super) fn shadow(&mut self, entry: &Entry, seed: Seed, draw: &mut Draw) -> Result<(), String> {
        let Some(shadow) = &mut self.shadow else {
            if draw.below(EVERY) == 0 {
                self.shadow = Some(Shadow::of(&mut self.shard, seed)?);
            }
            return Ok(());
        };
        shadow.follow(entry)?;
        if shadow.left == 0 {
            let same = snapshot(&mut shadow.shard) == snapshot(&mut self.shard);
            self.shadow = None;
            return if same { Ok(()) } else { Err("its snapshot is another".to_owned()) };
        }
        Ok(())
    }
}

fn snapshot(shard: &mut Shard) -> Vec<u8> {
    let mut bytes = Vec::new();
    shard.snapshot(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use reveille_conversation::rules::{KillSwitch, Rules};
    use reveille_core::UnixTime;
    use reveille_gateway::Input;

    use super::super::world::entry;
    use super::*;

    const SEED: Seed = Seed::new([7; 16]);
    const NOW: UnixTime = UnixTime::from_secs(1_700_000_000);

    /// A group of one input, as its log has it.
    fn group(cell: &mut Cell, input: Input) -> Entry {
        cell.admit(input);
        let sealed = cell.shard.group(NOW).fill(&mut cell.admission).seal();
        let entry = entry(&sealed, NOW);
        drop(sealed.committed());
        entry
    }

    fn followed(of_the_log: impl Fn(u32) -> Input) -> Result<(), String> {
        let (mut cell, mut other) = (Cell::new(SEED), Cell::new(SEED));
        cell.shadow = Some(Shadow::of(&mut cell.shard, SEED)?);
        let mut draw = Draw::new(1);
        for number in 0..FOLLOWS {
            group(&mut cell, Input::Tick);
            let entry = group(&mut other, of_the_log(number));
            cell.shadow(&entry, SEED, &mut draw)?;
        }
        assert!(cell.shadow.is_none());
        Ok(())
    }

    #[test]
    fn what_decides_the_same_is_no_finding() {
        assert_eq!(followed(|_| Input::Tick), Ok(()));
    }

    #[test]
    fn another_state_is_found_at_the_end() {
        let stop = Rules::default().with_kill(KillSwitch::default().with_all(true));
        let stop = Input::Rules(Box::new(stop));
        let found = followed(|number| if number + 1 == FOLLOWS { stop.clone() } else { Input::Tick });
        assert_eq!(found, Err("its snapshot is another".to_owned()));
    }
}
