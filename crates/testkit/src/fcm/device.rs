//! Devices.

/// What the service knows of a token or an installation id; set it with
/// [`FcmService::device`](super::FcmService::device) before a test sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// Of this project, and alive.
    Registered,
    /// Of this project, and gone.
    Unregistered,
    /// Of another project.
    Foreign,
    /// Of this project and alive, on an Apple device: what Apple refuses comes back as `ApnsError`.
    Apple,
    /// Of this project, on an Apple device whose app is gone: Apple knows it, FCM does not yet.
    AppleGone,
}
