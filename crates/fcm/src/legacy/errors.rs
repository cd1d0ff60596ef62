//! The old API's words for errors.

use crate::answer::ErrorCode;

/// The v1 code for a word of the old API (`results[].error`), or `None` if it has none.
///
/// ```
/// use reveille_fcm::answer::ErrorCode;
/// use reveille_fcm::legacy::legacy_error_code;
/// assert_eq!(legacy_error_code("NotRegistered"), Some(ErrorCode::Unregistered));
/// assert_eq!(legacy_error_code("DeprecatedApi"), None);
/// ```
#[must_use]
pub fn legacy_error_code(word: &str) -> Option<ErrorCode> {
    Some(match word {
        "NotRegistered" => ErrorCode::Unregistered,
        "MissingRegistration"
        | "InvalidRegistration"
        | "MessageTooBig"
        | "InvalidDataKey"
        | "InvalidTtl"
        | "InvalidPackageName"
        | "InvalidParameters" => ErrorCode::InvalidArgument,
        "MismatchSenderId" => ErrorCode::SenderIdMismatch,
        "Unavailable" => ErrorCode::Unavailable,
        "InternalServerError" => ErrorCode::Internal,
        "DeviceMessageRateExceeded" | "TopicsMessageRateExceeded" => ErrorCode::QuotaExceeded,
        "InvalidApnsCredential" => ErrorCode::ThirdPartyAuthError,
        _ => return None,
    })
}
