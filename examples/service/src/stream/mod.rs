//! Event streams of the platform (B2): a WebSocket for each channel, held by
//! [`Reconnect`](reveille_conversation::reconnect::Reconnect), whatever the platform does.
//!
//! Frames are read only as fast as the shards take events in; after each gap the platform is asked what goes on now.

mod connection;
mod follow;
mod resync;
mod settings;
mod taking;

use std::sync::Arc;

use http::HeaderValue;
use reveille_conversation::reconnect::{ReconnectSettings, plan_channels};
use reveille_conversation::rules::Rules;
use reveille_conversation::source::missing_topics;
use reveille_gateway::SourceId;
use reveille_gateway::store::Store;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::intake::{Form, source_of};
use crate::lookups::AskPresence;
use crate::metrics::Metrics;
use crate::platform::Platform;
use crate::settings::InvalidSettings;
use crate::shards::Shards;
use crate::wire::Wire;

pub use settings::{ResyncSettings, StreamSettings};

use follow::Follow;

/// What streams work with.
pub struct StreamParts<S> {
    /// Where it is written who is rung where.
    pub store: Arc<S>,
    /// Where events go.
    pub shards: Shards,
    /// Where channels are made, and what is asked after a gap.
    pub platform: Option<Arc<Platform>>,
    /// Who is asked whether somebody is there.
    pub presence: Arc<AskPresence>,
    /// What carries.
    pub wire: Arc<Wire>,
    /// The time.
    pub clock: Clock,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

impl<S> Clone for StreamParts<S> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            shards: self.shards.clone(),
            platform: self.platform.clone(),
            presence: Arc::clone(&self.presence),
            wire: Arc::clone(&self.wire),
            clock: self.clock.clone(),
            metrics: Arc::clone(&self.metrics),
        }
    }
}

/// A stream that can be started.
pub struct Planned {
    /// Its name.
    pub name: String,
    /// Ids of its events are unique within this number.
    pub source: SourceId,
    settings: StreamSettings,
    reconnect: ReconnectSettings,
    way: settings::Way,
    authorization: Option<HeaderValue>,
    channels: Vec<Vec<String>>,
}

/// Checks the settings of all streams, before anything is started.
///
/// # Errors
/// [`InvalidSettings`] names the stream.
pub fn plan(
    all: &[StreamSettings],
    has_platform: bool,
    rules: &Rules,
) -> Result<Vec<Planned>, InvalidSettings> {
    let mut planned: Vec<Planned> = Vec::new();
    for stream in all {
        let wrong = |problem: &str| stream.wrong(problem);
        if stream.topics.is_empty() || stream.form == Form::Platform {
            return Err(wrong("give topics, and the form genesys or cloud_events"));
        }
        if planned.iter().any(|other| other.name == stream.name) {
            return Err(wrong("there are two of this name"));
        }
        let way = stream.way()?;
        if matches!(way, settings::Way::Channels(_)) && !has_platform {
            return Err(wrong("channels are made with the API of [platform], which is not there"));
        }
        let authorization = match &stream.authorization {
            None => None,
            Some(secret) => {
                let secret = secret.open(&format!("streams: {}", stream.name))?;
                let value = HeaderValue::try_from(secret.expose().as_str());
                let mut value = value.map_err(|_| wrong("authorization is not the value of a header"))?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let channels = plan_channels(&stream.topics).map_err(|error| wrong(&error.to_string()))?;
        if stream.form == Form::Genesys {
            for missing in missing_topics(stream.topics.iter().map(String::as_str), rules) {
                eprintln!("alert: stream {}: {missing}", stream.name);
            }
        }
        planned.push(Planned {
            name: stream.name.clone(),
            source: stream.source.map_or_else(|| source_of(&format!("stream/{}", stream.name)), SourceId),
            settings: stream.clone(),
            reconnect: stream.reconnect()?,
            way,
            authorization,
            channels: channels.into_iter().map(<[String]>::to_vec).collect(),
        });
    }
    Ok(planned)
}

impl Planned {
    /// Follows it, with as many connections as its topics need, until `stop` says so.
    pub fn start<S: Store>(
        self,
        parts: &StreamParts<S>,
        stop: &watch::Receiver<bool>,
    ) -> Vec<JoinHandle<()>> {
        let start = |(number, topics): (usize, &Vec<String>)| {
            let follow = Follow::new(&self, number, topics.clone(), parts.clone());
            tokio::spawn(follow.run(stop.clone()))
        };
        self.channels.iter().enumerate().map(start).collect()
    }
}
