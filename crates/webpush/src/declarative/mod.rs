//! Declarative Web Push: a notification that the browser shows without running any script of the page.
//!
//! The format is that of the Push API draft ("declarative push message"), which Safari shows since 18.4. Browsers without it hand the same JSON
//! to the service worker, so one payload serves both. The push services need nothing special.

mod action;
mod fit;
mod navigable;
mod notification;
mod parse;

pub use action::DeclarativeAction;
pub use fit::Sacrifice;
pub use notification::{DeclarativeNotification, Direction, InvalidDeclarative};
