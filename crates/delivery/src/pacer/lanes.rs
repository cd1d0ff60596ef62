//! The lanes: by name, in the rings of those that have something, and stopped until a time.

use reveille_core::UnixTime;

use super::lane::Lane;
use super::{ConnectionId, LaneId, Pacer, Rate, ServiceId};

impl<T> Pacer<T> {
    /// A lane's share of its service's limit, leased until then by whoever shares it out among processes; afterwards the
    /// lane's own rate holds again.
    pub fn lease_rate(
        &mut self,
        lane: LaneId,
        service: ServiceId,
        rate: Rate,
        until: UnixTime,
        now: UnixTime,
    ) {
        if let Some(at) = self.lane(lane, service, now) {
            if let Some(lane) = self.lanes.get_mut(at as usize) {
                lane.lease(rate, until, now);
            }
            self.unblock(at);
        }
    }

    /// A lane has a connection, or the limit of its streams has changed.
    pub fn connection_open(
        &mut self,
        lane: LaneId,
        service: ServiceId,
        connection: ConnectionId,
        streams: u32,
        now: UnixTime,
    ) {
        if let Some(at) = self.lane(lane, service, now) {
            if let Some(lane) = self.lanes.get_mut(at as usize) {
                lane.streams.open(connection, streams);
            }
            self.unblock(at);
        }
    }

    /// A connection takes no more requests.
    pub fn connection_closed(&mut self, lane: LaneId, connection: ConnectionId) {
        if let Some(at) = self.known_lane(lane) {
            if let Some(lane) = self.lanes.get_mut(at as usize) {
                lane.streams.close(connection);
            }
            self.unblock(at);
        }
    }

    #[inline]
    fn lane_tag(&self, lane: LaneId) -> u32 {
        self.hiding.tag([lane.to_bits(), 0])
    }

    pub(super) fn known_lane(&self, id: LaneId) -> Option<u32> {
        let is = |at: u32| self.lanes.get(at as usize).is_some_and(|lane| lane.id == id);
        self.by_lane.find(self.lane_tag(id), is)
    }

    /// The lane's number; it is made when there is room.
    fn lane(&mut self, id: LaneId, service: ServiceId, now: UnixTime) -> Option<u32> {
        self.known_lane(id).or_else(|| self.new_lane(id, service, now))
    }

    pub(super) fn new_lane(&mut self, id: LaneId, service: ServiceId, now: UnixTime) -> Option<u32> {
        let lane = Lane::new(id, service, self.settings.lane(service), self.seed);
        let at = if self.lanes.len() < self.settings.most_lanes {
            self.lanes.push(lane);
            self.lanes.len() - 1
        } else {
            // In the place of one that nobody misses.
            let at = self.lanes.iter().position(|lane| lane.is_idle(now) && lane.in_rings == 0)?;
            let old = self.lane_tag(self.lanes.get(at)?.id);
            self.by_lane.remove(old, at as u32);
            let place = self.lanes.get_mut(at)?;
            if let Some(until) = place.blocked {
                self.blocked.remove(&(until, at as u32));
            }
            *place = lane;
            at
        };
        let at = u32::try_from(at).ok()?;
        self.by_lane.insert(self.lane_tag(id), at);
        Some(at)
    }

    /// Puts a lane into the rings of the classes that have something.
    #[inline]
    pub(super) fn ring(&mut self, at: u32) {
        let Some(lane) = self.lanes.get_mut(at as usize).filter(|lane| lane.blocked.is_none()) else {
            return;
        };
        let missing = lane.not_in_rings();
        lane.in_rings |= missing;
        let mut missing = missing;
        while missing != 0 {
            if let Some(ring) = self.rings.get_mut(missing.trailing_zeros() as usize) {
                ring.push_back(at);
            }
            missing &= missing - 1;
        }
    }

    pub(super) fn block(&mut self, at: u32, until: UnixTime) {
        if let Some(lane) = self.lanes.get_mut(at as usize) {
            lane.blocked = Some(until);
            if until != UnixTime::MAX {
                self.blocked.insert((until, at));
            }
        }
    }

    #[inline]
    pub(super) fn unblock(&mut self, at: u32) {
        if let Some(lane) = self.lanes.get_mut(at as usize)
            && let Some(until) = lane.blocked.take()
        {
            self.blocked.remove(&(until, at));
            self.ring(at);
        }
    }

    /// The clock stepped back: nothing waits for a time that it showed before.
    pub(super) fn step_back(&mut self, now: UnixTime) {
        self.order.step_back(now);
        self.pauses.step_back(now);
        self.device_pauses.step_back(now);
        self.global.re_anchor(now);
        for (_, at) in std::mem::take(&mut self.blocked) {
            self.unblock(at);
        }
    }
}
