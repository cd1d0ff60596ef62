//! One used or reserved token in 27 bytes.

use crate::TokenId;

/// Bytes of a slot.
pub(super) const SLOT_LEN: usize = 27;

/// ```text
/// 0         16            20           24          27
/// │token id │keep until, s│attempt tag │lease, s    │
/// ```
/// The highest bit of the lease says "reserved"; the other 23 say how many seconds before `keep until` the lease ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    id: [u8; 16],
    keep_until: [u8; 4],
    attempt: [u8; 4],
    lease: [u8; 3],
}

const RESERVED: u32 = 1 << 23;
const LEASE: u32 = RESERVED - 1;
/// The longest that a token can be kept, in seconds: 97 days. A lease is counted back from there.
pub(super) const MAX_KEEP: u32 = LEASE - 1;

/// What a slot is, at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    /// Reserved, the lease running.
    Reserved,
    /// Reserved once, aborted or lapsed: free to be reserved again.
    Lapsed,
    /// Used.
    Committed {
        /// The lease of the attempt that used it is still running.
        in_lease: bool,
    },
}

impl Slot {
    pub(super) const EMPTY: Self = Self { id: [0; 16], keep_until: [0; 4], attempt: [0; 4], lease: [0; 3] };

    pub(super) fn reserved(id: &TokenId, keep_until: u32, attempt: [u8; 4], lease_end: u32) -> Self {
        let lease = RESERVED | keep_until.saturating_sub(lease_end).min(LEASE);
        Self { id: *id.as_bytes(), keep_until: keep_until.to_be_bytes(), attempt, lease: low(lease) }
    }

    pub(super) fn committed(id: &TokenId, keep_until: u32) -> Self {
        Self { id: *id.as_bytes(), keep_until: keep_until.to_be_bytes(), attempt: [0; 4], lease: low(LEASE) }
    }

    /// A slot is empty if nothing ever has to be kept.
    pub(super) fn is_empty(&self) -> bool {
        self.keep_until == [0; 4]
    }

    pub(super) fn is_of(&self, id: &TokenId) -> bool {
        self.id == *id.as_bytes()
    }

    pub(super) const fn token_id(&self) -> TokenId {
        TokenId::new(self.id)
    }

    pub(super) const fn keep_until(&self) -> u32 {
        u32::from_be_bytes(self.keep_until)
    }

    pub(super) fn is_by(&self, attempt: [u8; 4]) -> bool {
        self.attempt == attempt
    }

    pub(super) const fn lease_end(&self) -> u32 {
        self.keep_until().saturating_sub(self.lease_field() & LEASE)
    }

    pub(super) const fn state(&self, now: u32) -> Use {
        let in_lease = self.lease_end() > now;
        match (self.lease_field() & RESERVED != 0, in_lease) {
            (true, true) => Use::Reserved,
            (true, false) => Use::Lapsed,
            (false, in_lease) => Use::Committed { in_lease },
        }
    }

    /// Used; the lease runs on, so that a repetition is known for what it is.
    pub(super) fn commit(&mut self) {
        self.lease = low(self.lease_field() & LEASE);
    }

    /// Free again: a lease that ended before the token was issued.
    pub(super) fn abort(&mut self) {
        self.lease = low(RESERVED | LEASE);
    }

    /// Ends a reservation, whoever holds it; a use stays a use.
    pub(super) fn release(&mut self) {
        if self.lease_field() & RESERVED != 0 {
            self.abort();
        }
    }

    pub(super) fn to_bytes(self) -> [u8; SLOT_LEN] {
        let all = self.id.iter().chain(&self.keep_until).chain(&self.attempt).chain(&self.lease);
        let mut out = [0; SLOT_LEN];
        out.iter_mut().zip(all).for_each(|(to, from)| *to = *from);
        out
    }

    pub(super) fn from_bytes(bytes: &[u8; SLOT_LEN]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk::<16>()?;
        let (keep_until, rest) = rest.split_first_chunk::<4>()?;
        let (attempt, rest) = rest.split_first_chunk::<4>()?;
        let lease: [u8; 3] = rest.try_into().ok()?;
        Some(Self { id: *id, keep_until: *keep_until, attempt: *attempt, lease })
    }

    const fn lease_field(&self) -> u32 {
        let [a, b, c] = self.lease;
        u32::from_be_bytes([0, a, b, c])
    }
}

const fn low(value: u32) -> [u8; 3] {
    let [_, a, b, c] = value.to_be_bytes();
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slot_has_the_size_it_says() {
        assert_eq!((size_of::<Slot>(), align_of::<Slot>()), (SLOT_LEN, 1));
    }

    proptest! {
        #[test]
        fn states_follow_each_other(id: [u8; 16], start in 1u32..4_000_000_000, life in 1u32..4_300_000, lease in 0u32..4_300_000, tag: [u8; 4]) {
            let (keep_until, lease_end) = (start + life, start + lease.min(life));
            let mut slot = Slot::reserved(&TokenId::new(id), keep_until, tag, lease_end);
            prop_assert_eq!(slot.lease_end(), lease_end);
            prop_assert_eq!(slot.state(lease_end), Use::Lapsed);
            prop_assert_eq!(slot.state(lease_end - 1), Use::Reserved);
            prop_assert!(Slot::from_bytes(&slot.to_bytes()) == Some(slot));
            slot.commit();
            prop_assert_eq!(slot.state(lease_end - 1), Use::Committed { in_lease: true });
            prop_assert_eq!(slot.state(lease_end), Use::Committed { in_lease: false });
            prop_assert_eq!((slot.keep_until(), slot.token_id()), (keep_until, TokenId::new(id)));
            slot.abort();
            prop_assert_eq!(slot.state(start), Use::Lapsed);
        }
    }
}
