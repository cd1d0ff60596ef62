//! How large a payload may be.

/// How many bytes a payload may take. Apple's own limit always holds, whatever is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SizeLimit {
    /// Apple's limit: 4,096 bytes; 5,120 for VoIP and for broadcasts.
    #[default]
    Apple,
    /// A tighter one of the sender's own.
    Bytes(usize),
}

impl SizeLimit {
    /// 2,048 bytes: room for one body on every push service.
    pub const TIGHT: Self = Self::Bytes(2_048);

    /// The limit that holds, given Apple's.
    pub(crate) fn of(self, apple: usize) -> usize {
        match self {
            Self::Apple => apple,
            Self::Bytes(bytes) => bytes.min(apple),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apples_limit_cannot_be_raised() {
        assert_eq!(SizeLimit::Bytes(10_000).of(4_096), 4_096);
        assert_eq!(SizeLimit::TIGHT.of(4_096), 2_048);
        assert_eq!(SizeLimit::Apple.of(5_120), 5_120);
    }
}
