//! How much may wait for its commit in the whole process, in number and bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use reveille_gateway::Input;

use super::NotTaken;

/// The credits of a process. Clones share them.
#[derive(Clone, Debug)]
pub struct Credits(Arc<Held>);

#[derive(Debug)]
struct Held {
    events: AtomicUsize,
    bytes: AtomicUsize,
    most: (usize, usize),
}

/// What some events took; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Credit {
    held: Arc<Held>,
    events: usize,
    bytes: usize,
}

/// What an event takes in memory besides its texts, about.
const EVENT: usize = 512;

impl Credits {
    /// So many events and bytes.
    pub fn new(events: usize, bytes: usize) -> Self {
        let (waiting, size) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self(Arc::new(Held { events: waiting, bytes: size, most: (events, bytes) }))
    }

    pub(crate) fn take(&self, inputs: &[Input]) -> Result<Credit, NotTaken> {
        let mut encoded = Vec::new();
        inputs.iter().for_each(|input| input.encode(&mut encoded));
        let (events, bytes) = (inputs.len(), encoded.len() + inputs.len() * EVENT);
        let held = &self.0;
        // Taken first and given back if it was too much: two at once cannot pass together.
        let credit = Credit { held: Arc::clone(held), events, bytes };
        let waiting = held.events.fetch_add(events, Relaxed) + events;
        let size = held.bytes.fetch_add(bytes, Relaxed) + bytes;
        let bound = match () {
            () if waiting > held.most.0 => "events",
            () if size > held.most.1 => "bytes",
            () => return Ok(credit),
        };
        drop(credit);
        Err(NotTaken::Busy { bound })
    }

    /// Events that wait.
    pub fn waiting(&self) -> usize {
        self.0.events.load(Relaxed)
    }
}

impl Drop for Credit {
    fn drop(&mut self) {
        self.held.events.fetch_sub(self.events, Relaxed);
        self.held.bytes.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_takes_nothing_and_what_is_done_gives_back() {
        let credits = Credits::new(2, 10_000);
        let one = credits.take(&[Input::Tick]).unwrap();
        let two = credits.take(&[Input::Tick]).unwrap();
        let refused = credits.take(&[Input::Tick]).unwrap_err();
        assert_eq!(refused.to_string(), "the bound waiting_events is reached");
        assert_eq!(credits.waiting(), 2);
        drop((one, two));
        assert_eq!(credits.waiting(), 0);
        let many = vec![Input::Tick; 2];
        assert_eq!(Credits::new(9, 600).take(&many).unwrap_err().bound().as_deref(), Some("waiting_bytes"));
    }
}
