//! How many requests may be on a connection at once (HTTP/2 `SETTINGS_MAX_CONCURRENT_STREAMS`).

use std::collections::BTreeMap;

use crate::id::id;

id! {
    /// The number of one connection to a service, different for each that is open. Give it to
    /// [`Pacer::connection_open`](super::Pacer::connection_open), or to [`Streams::open`]; then every request says on
    /// which connection it is to leave.
    ConnectionId(u64)
}

/// The connections of a lane, and how many requests are on each, so that no connection has more than the server allows.
/// A [`Pacer`](super::Pacer) has one for each lane; use this one where requests do not go through a pacer.
///
/// It is needed where the HTTP client leaves connections to its caller, as one must for APNs: a server's limit is 1,000,
/// but starts at 1 with some credentials.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    connections: BTreeMap<ConnectionId, Connection>,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    most: u32,
    used: u32,
    closing: bool,
}

impl Streams {
    /// A connection is open, or its limit has changed. What is on it stays.
    pub fn open(&mut self, connection: ConnectionId, most: u32) {
        let known =
            self.connections.entry(connection).or_insert(Connection { most, used: 0, closing: false });
        known.most = most;
    }

    /// No new requests on it (GOAWAY, or an action that [reconnects](reveille_core::Action::reconnects)). It is forgotten
    /// with its last one.
    pub fn close(&mut self, connection: ConnectionId) {
        if let Some(known) = self.connections.get_mut(&connection) {
            known.closing = true;
            if known.used == 0 {
                self.connections.remove(&connection);
            }
        }
    }

    /// Takes a place on the connection with the fewest requests; `None` if there is none.
    pub fn acquire(&mut self) -> Option<ConnectionId> {
        let free = self.connections.iter_mut().filter(|(_, known)| !known.closing && known.used < known.most);
        let (connection, known) = free.min_by_key(|(_, known)| known.used)?;
        known.used += 1;
        Some(*connection)
    }

    /// Gives a place back.
    pub fn release(&mut self, connection: ConnectionId) {
        if let Some(known) = self.connections.get_mut(&connection) {
            known.used = known.used.saturating_sub(1);
            if known.closing && known.used == 0 {
                self.connections.remove(&connection);
            }
        }
    }

    /// Whether no connection is known: then streams are not limited here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_emptiest_connection_is_taken_and_a_closing_one_is_not() {
        let (a, b) = (ConnectionId::from_bits(1), ConnectionId::from_bits(2));
        let mut streams = Streams::default();
        streams.open(a, 2);
        streams.open(b, 1);
        assert_eq!([streams.acquire(), streams.acquire(), streams.acquire()], [Some(a), Some(b), Some(a)]);
        assert_eq!(streams.acquire(), None);
        streams.release(a);
        streams.close(a);
        assert_eq!(streams.acquire(), None);
        streams.release(a);
        assert!(!streams.is_empty());
        streams.open(b, 3);
        assert_eq!(streams.acquire(), Some(b));
        streams.release(a);
        assert_eq!(streams.connections.len(), 1);
    }
}
