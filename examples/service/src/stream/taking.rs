//! From frames to inboxes. What is refused waits here, and nothing behind it is read: so the platform has to wait, too.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reveille_conversation as conversation;
use reveille_conversation::source::{CloudEvents, Genesys, Parsed};
use reveille_core::UnixTime;
use reveille_gateway::SourceId;

use crate::intake::{self, Form};
use crate::lookups::AskPresence;
use crate::metrics::Metrics;
use crate::shards::{NotTaken, Shards};

/// What is refused is given again after this …
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// … and later after this.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Where events of a stream go. Clones are for the same one.
#[derive(Clone)]
pub(super) struct Taking {
    pub(super) shards: Shards,
    pub(super) presence: Arc<AskPresence>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) source: SourceId,
    pub(super) form: Form,
}

impl Taking {
    /// What a frame says. What is malformed, or of an unknown kind, is counted, and the stream goes on.
    pub(super) fn read(&self, text: &str, now: UnixTime) -> Parsed {
        let read = match self.form {
            Form::CloudEvents => CloudEvents::new().read(text, now),
            Form::Platform => conversation::source::Platform::new().read(text, now),
            Form::Genesys => Genesys::new().read(text, now),
        };
        let word = match &read {
            Ok(Parsed::Inputs(_)) => "events",
            Ok(Parsed::Unknown) => "unknown",
            Ok(_) => "affairs",
            Err(_) => "malformed",
        };
        self.metrics.count("stream_frames", word);
        read.unwrap_or(Parsed::Unknown)
    }

    /// Takes events in, in their order, and returns when all are on disk. What meets a bound waits until there is room.
    ///
    /// # Errors
    /// If the service stops.
    pub(super) async fn take(&self, events: Vec<Vec<conversation::Input>>) -> Result<(), NotTaken> {
        let mut events = events;
        self.presence.fill_in(events.iter_mut().flatten()).await;
        let mut wait = FIRST_WAIT;
        let mut rest: VecDeque<_> = events.into();
        while !rest.is_empty() {
            let mut given = Vec::new();
            let mut refused = None;
            while let Some(inputs) = rest.pop_front() {
                match intake::submit(&self.shards, self.source, inputs.clone()) {
                    Ok(submitted) => given.push((inputs, submitted)),
                    Err(why) => {
                        // Nothing overtakes it.
                        rest.push_front(inputs);
                        refused = Some(why);
                        break;
                    }
                }
            }
            let settled = join_all(given.into_iter().map(async |(inputs, submitted)| {
                let all = join_all(submitted.into_iter().map(|one| one.done())).await;
                (inputs, all.into_iter().collect::<Result<Vec<()>, _>>())
            }));
            for (inputs, result) in settled.await.into_iter().rev() {
                if let Err(why) = result {
                    rest.push_front(inputs);
                    refused = Some(why);
                }
            }
            match refused {
                None => wait = FIRST_WAIT,
                Some(NotTaken::Stopping) => return Err(NotTaken::Stopping),
                Some(why) => {
                    let word = why.bound().unwrap_or_else(|| "store".to_owned());
                    self.metrics.count("stream_held", &word);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
        Ok(())
    }
}
