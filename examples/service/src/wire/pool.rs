//! The connections to one origin.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore};

use super::connect::Connector;
use super::connection::{Connection, Place};
use super::{Origin, Why, WireSettings};

/// How long a failed connection is the answer for all that wait, so that a thousand requests are not a thousand attempts.
const REMEMBERED: Duration = Duration::from_millis(250);

pub(super) struct Pool {
    origin: Origin,
    state: Mutex<State>,
    /// A place became free, or a connection is there, or failed.
    changed: Notify,
    /// One connection is opened at a time.
    opening: Semaphore,
}

struct State {
    connections: VecDeque<Arc<Connection>>,
    failed: Option<(Instant, Why)>,
    used: Instant,
}

impl Pool {
    pub(super) fn new(origin: Origin) -> Self {
        let state = State { connections: VecDeque::new(), failed: None, used: Instant::now() };
        Self { origin, state: Mutex::new(state), changed: Notify::new(), opening: Semaphore::new(1) }
    }

    /// A place on a connection that is open; opens one if there is none, or if all are full and another is allowed.
    pub(super) async fn place(
        self: &Arc<Self>,
        connector: &Connector,
        settings: &WireSettings,
    ) -> Result<Place, Why> {
        let wait = async {
            loop {
                // Registered before it looks, so that no change is missed.
                let changed = self.changed.notified();
                match self.look(settings) {
                    Look::Place(place) => return Ok(place),
                    Look::Failed(why) => return Err(why),
                    Look::Full => changed.await,
                    Look::Open => {
                        let turn = self.opening.try_acquire();
                        match turn {
                            Ok(_turn) => self.open(connector, settings).await,
                            Err(_) => changed.await,
                        }
                    }
                }
            }
        };
        tokio::time::timeout(settings.place, wait).await.unwrap_or(Err(Why::Crowded))
    }

    fn look(self: &Arc<Self>, settings: &WireSettings) -> Look {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.used = Instant::now();
        // One that is over is dropped when its last request is.
        state.connections.retain(|connection| !connection.is_over());
        let found = state.connections.iter().min_by_key(|connection| connection.in_flight());
        if let Some(place) = found.and_then(|connection| connection.take_place(self)) {
            return Look::Place(place);
        }
        if state.connections.len() >= settings.connections {
            return Look::Full;
        }
        match state.failed {
            Some((at, why)) if at.elapsed() < REMEMBERED && state.connections.is_empty() => Look::Failed(why),
            _ => Look::Open,
        }
    }

    async fn open(&self, connector: &Connector, settings: &WireSettings) {
        let opened = async { Connection::open(connector.connect(&self.origin).await?, settings).await };
        let opened = opened.await;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match opened {
            Ok(connection) => {
                state.connections.push_back(Arc::new(connection));
                state.failed = None;
            }
            Err(why) => state.failed = Some((Instant::now(), why)),
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// A place was given back.
    pub(super) fn freed(&self) {
        self.changed.notify_one();
    }

    /// Nothing new goes to the connections that there are; what is under way comes to its end.
    pub(super) fn reconnect(&self) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.connections.iter().for_each(|connection| connection.spoil());
    }

    /// How long nobody asked for a place; `None` while something is under way.
    pub(super) fn idle(&self) -> Option<Duration> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = state.connections.iter().any(|connection| connection.in_flight() > 0);
        (!busy).then(|| state.used.elapsed())
    }

    pub(super) fn connections(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).connections.len()
    }
}

enum Look {
    Place(Place),
    /// All connections are full, and no other is allowed.
    Full,
    Open,
    Failed(Why),
}
