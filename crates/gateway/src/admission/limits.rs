//! How much may wait before a shard's log.

/// How much may wait in an [`Admission`](crate::Admission), and how much one group may hold. Give it to
/// [`Admission::new`](crate::Admission::new); over the first four, inputs are [refused](crate::admission::Refused): events and
/// announcements, and over the first two also what else comes by itself, such as a person's presence, a resume, a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "plain data that users make and take apart")]
pub struct AdmissionLimits {
    /// Events, and other inputs that come by themselves, that wait. Default: 65,536.
    pub events: usize,
    /// Their bytes, encoded. Default: 16 MiB.
    pub bytes: usize,
    /// Events of one conversation that wait. Default: 1,024.
    pub events_of_one: usize,
    /// Their bytes. Default: 256 KiB.
    pub bytes_of_one: usize,
    /// Inputs of one group. Default: 1,024.
    pub group: usize,
    /// Bytes of one group; one input always fits. Default: 1 MiB.
    pub group_bytes: usize,
}

impl Default for AdmissionLimits {
    fn default() -> Self {
        Self {
            events: 65_536,
            bytes: 16 << 20,
            events_of_one: 1_024,
            bytes_of_one: 256 << 10,
            group: 1_024,
            group_bytes: 1 << 20,
        }
    }
}
