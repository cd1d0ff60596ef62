//! One error for all of this crate.

use reveille_core::log::SnapshotError;
use thiserror::Error;

use crate::admission::Refused;
use crate::log::{InvalidInput, ReplayError, RestoreError};
use crate::settings::{InvalidGateway, InvalidSettings};

/// Everything that this crate can refuse, for functions that want one `?` for all of it; each small error turns into it.
/// The texts are those of the errors inside.
///
/// ```
/// use reveille_gateway::{Error, Gateway, GatewaySettings, Input, Seed, class, settings::Retry};
///
/// fn first(attempts: u8, input: &[u8]) -> Result<(Gateway, Input), Error> {
///     let retry = Retry { attempts, ..Retry::default() };
///     let settings = GatewaySettings::default().with_retry(class::APNS, retry);
///     Ok((Gateway::new(Default::default(), settings, Seed::new([7; 16]))?, Input::decode(input)?))
/// }
/// let mut tick = Vec::new();
/// Input::Tick.encode(&mut tick);
/// assert!(first(3, &tick).is_ok());
/// assert!(matches!(first(0, &tick), Err(Error::Gateway(_))));
/// assert!(matches!(first(3, b""), Err(Error::Input(_))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum Error {
    /// A gateway cannot be made.
    Gateway(#[from] InvalidGateway),
    /// Settings cannot work.
    Settings(#[from] InvalidSettings),
    /// A bound is reached.
    Refused(#[from] Refused),
    /// Bytes are not an input.
    Input(#[from] InvalidInput),
    /// A group of the log cannot be applied.
    Replay(#[from] ReplayError),
    /// Bytes are not a gateway.
    Restore(#[from] RestoreError),
    /// Bytes are not a snapshot of a shard.
    Snapshot(#[from] SnapshotError<RestoreError>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::Bound;

    #[test]
    fn each_becomes_the_one_with_its_own_words() {
        let settings = InvalidSettings::Reminders { given: 2 };
        let refused = Refused { bound: Bound::Jobs, waiting: 7, most: 7 };
        let (replay, restore) = (ReplayError::Damaged { number: 3 }, RestoreError::Own);
        let all = [
            Error::from(InvalidGateway::from(settings)),
            settings.into(),
            refused.into(),
            InvalidInput::Version { given: 9 }.into(),
            replay.into(),
            restore.into(),
            SnapshotError::NotASnapshot.into(),
        ];
        insta::assert_snapshot!(all.map(|error| error.to_string()).join("\n"), @"
        digests.reminders must be empty, found 2
        digests.reminders must be empty, found 2
        the bound jobs is reached: 7 wait, at most 7 may
        the input has version 9: this library reads version 1
        entry 3 is no group of inputs
        the snapshot's own part is damaged
        this is not a snapshot
        ");
    }
}
