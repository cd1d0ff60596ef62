//! The shortest programs do what they say.

#[path = "../shortest/apns.rs"]
mod apns;
#[path = "../shortest/everything.rs"]
mod everything;
#[path = "../shortest/web_push.rs"]
mod web_push;

use reveille_conversation::Kind::{IncomingCall, MissedCall, NewMessage};
use reveille_examples::platform::Told;

/// The call rings at once; after 30 seconds the ring is taken back, as missed, the message comes, and nothing is left to be done.
#[track_caller]
fn tells(program: Result<Told, Box<dyn std::error::Error>>, devices: usize) {
    let told = program.unwrap();
    let kinds = [IncomingCall, IncomingCall, MissedCall, NewMessage];
    assert_eq!(told.kinds, kinds.map(|kind| vec![kind; devices]).concat());
    assert_eq!(told.open_jobs, 0);
}

#[test]
fn web_push_tells() {
    tells(web_push::main(), 1);
}

#[test]
fn apns_tells() {
    tells(apns::main(), 1);
}

#[test]
fn everything_tells() {
    tells(everything::main(), 3);
}

/// Each is shorter than 60 lines.
#[test]
fn they_are_short() {
    for text in [
        include_str!("../shortest/apns.rs"),
        include_str!("../shortest/everything.rs"),
        include_str!("../shortest/web_push.rs"),
    ] {
        assert!(text.lines().count() < 60, "{} lines", text.lines().count());
    }
}
