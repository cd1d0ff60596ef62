//! Apple's push service as a pure function: `Request` in, `Response` out, nothing else.
//!
//! It checks what Apple documents, in the order in which APNs does: the provider token first (signature, team, age,
//! topics of the key), then method, path, headers one by one, the payload, and last the device. Channels can be
//! created, read, listed, deleted and broadcast to. Answers can be scripted.
//!
//! It shares no code with `reveille-apns`: what one writes, the other reads for itself.

mod broadcast;
mod channels;
mod device;
mod headers;
mod payload;
mod refusal;
mod service;
mod token;

pub use broadcast::AcceptedBroadcast;
pub use device::AcceptedPush;
pub use refusal::Refusal;
pub use service::ApnsService;
pub use token::TrustedKey;
