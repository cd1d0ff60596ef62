//! How large a payload may be.

/// How many bytes a payload may take. The provider's own limit always holds, whatever is asked for.
///
/// All three services take one: an own budget of 2,048 bytes fits every one of them, so that a message that was written for
/// one push service fits the others, too.
///
/// ```
/// use reveille_payload::SizeLimit;
/// let apple = 4_096;
/// assert_eq!(SizeLimit::default().of(apple), 2_048);
/// assert_eq!(SizeLimit::Provider.of(apple), 4_096);
/// assert_eq!(SizeLimit::Bytes(10_000).of(apple), 4_096, "a provider's limit is hard");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "users match all of it: there is nothing else")]
pub enum SizeLimit {
    /// 2,048 bytes, or the provider's limit if that is less.
    #[default]
    Own,
    /// The provider's limit and no other.
    Provider,
    /// A budget of the sender's own, or the provider's limit if that is less.
    Bytes(usize),
}

impl SizeLimit {
    /// The bytes of [`Own`](Self::Own).
    pub const OWN: usize = 2_048;

    /// The limit that holds where the provider takes `provider` bytes.
    #[must_use]
    pub const fn of(self, provider: usize) -> usize {
        let own = match self {
            Self::Own => Self::OWN,
            Self::Provider => return provider,
            Self::Bytes(bytes) => bytes,
        };
        if own < provider { own } else { provider }
    }
}
