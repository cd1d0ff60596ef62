//! Why an operation was refused.

use thiserror::Error;

/// Why the engine did not take something in. Nothing was changed, but for the count of refused events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A limit is reached: poll outputs, answer what is in flight, try again later, or raise the limit.
    #[error("the engine is full: {limit}")]
    Full {
        /// Which limit.
        limit: Limit,
    },
}

/// Which of the engine's [`Limits`](crate::Limits) refused an input; comes with [`Error::Full`]. Use it to choose the
/// remedy: poll outputs and try again, answer what is in flight, or raise the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::windows`](crate::Limits)
    Windows,
    /// [`Limits::outputs`](crate::Limits)
    Outputs,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Windows => "limits.windows is reached",
            Self::Outputs => "limits.outputs is reached: poll outputs first",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::InvalidPolicy;

    #[test]
    fn texts() {
        let all = [Limit::Windows, Limit::Outputs].map(|limit| Error::Full { limit }.to_string()).join("\n");
        insta::assert_snapshot!(all, @r"
        the engine is full: limits.windows is reached
        the engine is full: limits.outputs is reached: poll outputs first
        ");
        let policy = [InvalidPolicy::Actors, InvalidPolicy::ZeroCap, InvalidPolicy::Reminders { given: 17 }];
        insta::assert_snapshot!(policy.map(|e| e.to_string()).join("\n"), @r"
        policy.actors is 0: it must be from 1 to 255
        policy.max_items and policy.max_bytes must be at least 1; use None for no cap
        policy.reminders has 17 steps: at most 16 are allowed
        ");
    }
}
